CREATE OR REPLACE FUNCTION mart.stock_as_of(day date) RETURNS TABLE (
    observed_on date, product_url text, sku text, on_hand_units numeric, reserved_units numeric,
    on_order_units numeric, available_units numeric, position_units numeric
) LANGUAGE sql STABLE AS $$
    SELECT s.snapshot_on, s.product_url, s.sku, s.on_hand_units, s.reserved_units,
           s.on_order_units, s.available_units, s.position_units
    FROM mart.stock_daily s
    WHERE s.snapshot_on = (SELECT max(d.snapshot_on) FROM mart.stock_day d WHERE d.snapshot_on <= day)
$$;
COMMENT ON FUNCTION mart.stock_as_of(date) IS
    'Stock of each product at the end of a business day. On a day that was not observed it is that of the last observed day before it: observed_on says which. No rows = nothing was observed by then. Products that were removed since are included. Columns are those of mart.stock_daily.';
