CREATE OR REPLACE VIEW mart.reorder_point_comparison AS
SELECT f.product_url, p.sku, p.name, v.name AS vendor, f.velocity_units_per_day,
       f.finale_reorder_point_units AS finale_point_units,
       round(f.finale_reorder_point_units / nullif(f.velocity_units_per_day, 0), 1)
           AS finale_point_days,
       f.our_reorder_point_units AS our_point_units,
       round(f.our_reorder_point_units / nullif(f.velocity_units_per_day, 0), 1) AS our_point_days,
       f.lead_time_days, f.is_trusted, f.reorder_point_units AS point_units,
       f.reorder_point_source AS point_source
FROM plan.forecast f
JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = f.vendor_url
WHERE f.snapshot_on = (SELECT snapshot_on FROM plan.newest)
  AND f.finale_reorder_point_units IS NOT NULL AND f.our_reorder_point_units IS NOT NULL;
COMMENT ON VIEW mart.reorder_point_comparison IS
    'Finale''s reorder point against ours, for every product that has both, and the days of sales that each means. Whichever is right can be accepted: finale points accept.';
COMMENT ON COLUMN mart.reorder_point_comparison.product_url IS 'The product.';
COMMENT ON COLUMN mart.reorder_point_comparison.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_point_comparison.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.reorder_point_comparison.finale_point_units IS 'Finale''s reorder point, summed over places.';
COMMENT ON COLUMN mart.reorder_point_comparison.finale_point_days IS 'Days of sales that Finale''s point lasts; null = nothing sells.';
COMMENT ON COLUMN mart.reorder_point_comparison.our_point_units IS 'The forecast''s reorder point.';
COMMENT ON COLUMN mart.reorder_point_comparison.our_point_days IS 'Days of sales that it lasts; null = nothing sells.';
COMMENT ON COLUMN mart.reorder_point_comparison.point_units IS 'The point in use.';
COMMENT ON COLUMN mart.reorder_point_comparison.point_source IS 'Whose it is: buyer, finale or ours.';
