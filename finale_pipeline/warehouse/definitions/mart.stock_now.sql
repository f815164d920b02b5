CREATE OR REPLACE VIEW mart.stock_now AS
SELECT s.product_url, s.sku, s.name, s.is_active, s.category, p.main_vendor AS vendor,
       s.on_hand_units, s.reserved_units, s.on_order_units, s.available_units, s.position_units,
       i.level, f.velocity_units_per_day, f.days_until_stockout AS days_left, f.stockout_on,
       f.snapshot_on AS planned_on, d.last_sold_on,
       t.today_on - d.last_sold_on AS days_since_sale,
       coalesce(p.cost, p.main_vendor_price) AS unit_cost,
       greatest(s.on_hand_units, 0) * coalesce(p.cost, p.main_vendor_price) AS value,
       CASE WHEN p.cost IS NULL AND p.main_vendor_price IS NOT NULL
            THEN p.main_vendor_currency END AS currency,
       r.read_at, round(extract(epoch FROM now() - r.read_at) / 60, 1) AS age_minutes
FROM mart.stock s
JOIN mart.product p ON p.product_url = s.product_url
CROSS JOIN core.today t
CROSS JOIN (SELECT max(read_at) AS read_at FROM core.stock_day) r
LEFT JOIN ops.item_level i ON i.product_url = s.product_url AND NOT i.is_left_out
LEFT JOIN plan.forecast f ON f.product_url = s.product_url
    AND f.snapshot_on = (SELECT snapshot_on FROM plan.newest)
CROSS JOIN LATERAL (
    SELECT max(d.sold_on) AS last_sold_on FROM core.sales_daily d
    WHERE d.product_url = s.product_url AND d.units > 0
) d;
COMMENT ON VIEW mart.stock_now IS
    'Stock now, per product, with what it is worth, how long it lasts, when it last sold, and how old the read is. mart.stock is the same without these; it is faster.';
COMMENT ON COLUMN mart.stock_now.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.stock_now.name IS 'Name shown in Finale.';
COMMENT ON COLUMN mart.stock_now.vendor IS 'Name of the main vendor; without one marked so, of the first.';
COMMENT ON COLUMN mart.stock_now.level IS 'ok, low or out at the last evaluation; null = not watched (inactive, or not to be reordered).';
COMMENT ON COLUMN mart.stock_now.velocity_units_per_day IS 'Demand to expect per day in stock, by the newest plan; null = unknown.';
COMMENT ON COLUMN mart.stock_now.days_left IS 'Days until stock ends, arrivals added; null = never, or not planned.';
COMMENT ON COLUMN mart.stock_now.stockout_on IS 'The day on which it ends, by the newest plan.';
COMMENT ON COLUMN mart.stock_now.planned_on IS 'Business day of the newest plan; null = the plan leaves the product out.';
COMMENT ON COLUMN mart.stock_now.last_sold_on IS 'Business day of the last demand; null = none in the known sales.';
COMMENT ON COLUMN mart.stock_now.days_since_sale IS 'Days from it to the day that the data reach to; negative = dated ahead, null = none.';
COMMENT ON COLUMN mart.stock_now.unit_cost IS 'Standard cost; without one the main vendor''s price; in `currency`.';
COMMENT ON COLUMN mart.stock_now.value IS 'Units present at `unit_cost`, in `currency`; over-shipped counts as 0. Null = no cost known. Sum per currency only.';
COMMENT ON COLUMN mart.stock_now.currency IS 'Currency of cost and value; null = the account''s, or the price has none.';
COMMENT ON COLUMN mart.stock_now.read_at IS 'UTC, when stock was last read completely.';
COMMENT ON COLUMN mart.stock_now.age_minutes IS 'Minutes since then, by the database''s clock.';
