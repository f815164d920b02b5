CREATE OR REPLACE VIEW mart.reorder_suggestion AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, v.name AS vendor,
       f.available_units, f.on_order_units, f.position_units,
       f.finale_reorder_point_units AS finale_says_point_units,
       f.our_reorder_point_units AS we_say_point_units,
       f.reorder_point_source AS point_in_use,
       f.finale_reorder_quantity_units AS finale_says_quantity_units,
       f.quantity_units AS we_say_quantity_units,
       f.available_units < f.finale_reorder_point_units AS finale_says_reorder,
       f.order_now AS we_say_order_now,
       f.stockout_on, f.reorder_on, f.must_order_by_on, f.days_without_stock, f.lost_units,
       f.unit_cost, f.currency, f.flags, f.why, f.reorder_point_units, f.arriving_units,
       f.overdue_units, f.cover_after_days
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = f.vendor_url
WHERE f.snapshot_on = (SELECT snapshot_on FROM plan.newest)
  AND (f.order_now OR f.available_units < f.finale_reorder_point_units);
COMMENT ON VIEW mart.reorder_suggestion IS
    'What to order as of the newest plan, with what Finale says beside it. Finale''s "below reorder point" compares what is available, strictly; ours compares what is available or arrives in time.';
COMMENT ON COLUMN mart.reorder_suggestion.product_url IS 'The product.';
COMMENT ON COLUMN mart.reorder_suggestion.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_suggestion.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_point_units IS 'Finale''s reorder point, summed over places; null = none set.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_point_units IS 'Our reorder point.';
COMMENT ON COLUMN mart.reorder_suggestion.point_in_use IS 'Which of the two decides.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_quantity_units IS 'Finale''s reorder quantity; null = none set.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_quantity_units IS 'Units we suggest; 0 = none now.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_reorder IS 'Whether available stock is below Finale''s point.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_order_now IS 'Whether something is to be ordered now.';
