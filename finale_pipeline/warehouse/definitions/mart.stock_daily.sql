CREATE OR REPLACE VIEW mart.stock_daily AS
SELECT d.snapshot_on, p.product_url, p.sku, h.on_hand_units, h.reserved_units, h.on_order_units,
       h.available_units, h.position_units
FROM core.stock_day d
CROSS JOIN core.product p
JOIN LATERAL (
    SELECT * FROM core.stock_daily s
    WHERE s.product_url = p.product_url AND s.snapshot_on <= d.snapshot_on
    ORDER BY s.snapshot_on DESC LIMIT 1
) h ON true;
COMMENT ON VIEW mart.stock_daily IS
    'Stock at the end of each observed business day, per product; filter by snapshot_on and sku.';
COMMENT ON COLUMN mart.stock_daily.snapshot_on IS 'Business day in the account''s zone; part of the key.';
COMMENT ON COLUMN mart.stock_daily.product_url IS 'The product; part of the key.';
