-- Demand and decision side by side: what analysts and pages read.
CREATE OR REPLACE VIEW plan.forecast AS
SELECT d.product_url, d.snapshot_on, d.velocity_units_per_day, d.method, d.half_life_days,
       d.pace_weight, d.history_days, d.counted_days, d.sale_days, d.quiet_days,
       d.burstiness_units, d.daily_variance, d.abc_class, d.xyz_class, d.service_level,
       x.lead_time_days, x.lead_time_sd_days, x.lead_time_source, x.review_period_days,
       x.cover_days, d.protection_days, d.demand_units, d.demand_q50_units, d.demand_q90_units,
       d.demand_q95_units, d.demand_service_units, d.basis, d.peers_weight, x.available_units,
       x.on_order_units, x.position_units, x.days_until_stockout, x.stockout_on,
       x.safety_stock_units, x.our_reorder_point_units, x.finale_reorder_point_units,
       x.finale_reorder_quantity_units, x.reorder_point_units, x.reorder_point_source,
       x.order_up_to_units, x.minimum_order_units, x.pack_units, x.order_now, x.quantity_units,
       x.reorder_on, x.must_order_by_on, x.days_without_stock, x.lost_units, x.vendor_url,
       x.unit_cost, x.currency, d.demand_flags || x.decision_flags AS flags, x.why,
       greatest(d.changed_at, x.changed_at) AS changed_at, d.is_trusted, x.level,
       x.arriving_units, x.overdue_units, x.next_due_on, x.next_due_units,
       x.stated_lead_time_days, x.maximum_units, x.cover_after_days, x.decided_for_on,
       d.pace_units_per_day, d.season_factor, d.last_year_units, d.demand_note
FROM plan.demand d
LEFT JOIN plan.decision x ON x.product_url = d.product_url AND x.snapshot_on = d.snapshot_on;
COMMENT ON VIEW plan.forecast IS
    'What to expect of a product and what is decided of it: plan.demand and plan.decision, one row per product and snapshot day.';
COMMENT ON COLUMN plan.forecast.flags IS 'What to know before trusting the numbers, such as low_confidence.';
COMMENT ON COLUMN plan.forecast.changed_at IS 'UTC, when demand or decision last changed.';
