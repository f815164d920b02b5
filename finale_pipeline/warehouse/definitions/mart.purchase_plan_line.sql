CREATE OR REPLACE VIEW mart.purchase_plan_line AS
SELECT snapshot_on, vendor_url, vendor, product_url, sku, name, vendor_sku, quantity_units,
       unit_cost, currency, line_total, arrival_on, stockout_on, must_order_by_on, urgency,
       needs_data, why, suggested_units, suggested_cost, pack_units, minimum_order_units,
       broken_rules, is_edited, is_suggestion_changed, edited_by, edited_at, edit_note, version,
       cover_after_days, flags, suggested_at, suggested_before_units, available_units,
       on_order_units, next_due_on, days_left, units_per_day, stated_lead_time_days,
       lead_time_days, lead_time_source, money_at_risk, room_units
FROM plan.purchase_line WHERE NOT is_dropped;
COMMENT ON VIEW mart.purchase_plan_line IS
    'Lines to order, with the buyers'' quantities and prices where they changed them, else as suggested; what they dropped is in mart.purchase_plan_dropped. Lines with something in needs_data want a person first.';
