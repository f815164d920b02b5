CREATE OR REPLACE VIEW mart.forecast AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, p.category, v.name AS vendor,
       f.velocity_units_per_day, f.method, f.abc_class, f.xyz_class, f.service_level,
       f.lead_time_days, f.lead_time_source, f.protection_days, f.demand_units, f.demand_q50_units,
       f.demand_q90_units, f.demand_q95_units, f.demand_service_units, f.basis, f.peers_weight,
       f.available_units, f.on_order_units, f.position_units, f.days_until_stockout, f.stockout_on,
       f.safety_stock_units, f.reorder_point_units, f.reorder_point_source, f.order_up_to_units,
       f.order_now, f.quantity_units, f.reorder_on, f.must_order_by_on, f.days_without_stock,
       f.lost_units, f.flags, f.why, f.level, f.arriving_units, f.overdue_units, f.next_due_on,
       f.next_due_units, f.stated_lead_time_days, f.cover_after_days, f.maximum_units,
       f.pack_units, f.minimum_order_units, f.our_reorder_point_units,
       f.finale_reorder_point_units, f.review_period_days, f.cover_days,
       f.decided_for_on
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = f.vendor_url;
COMMENT ON VIEW mart.forecast IS
    'Velocity, demand over lead time and review period, stock-out and reorder dates per product and snapshot day; filter by snapshot_on. All inputs are in plan.forecast.';
COMMENT ON COLUMN mart.forecast.product_url IS 'The product.';
COMMENT ON COLUMN mart.forecast.name IS 'Name of the product.';
COMMENT ON COLUMN mart.forecast.vendor IS 'Name of the vendor.';
