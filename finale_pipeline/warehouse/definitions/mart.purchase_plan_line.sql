CREATE OR REPLACE VIEW mart.purchase_plan_line AS
SELECT snapshot_on, vendor_url, vendor, product_url, sku, name, vendor_sku, quantity_units,
       unit_cost, currency, line_total, arrival_on, stockout_on, must_order_by_on, urgency,
       needs_data, why, suggested_units, suggested_cost, pack_units, minimum_order_units,
       broken_rules, is_edited, is_suggestion_changed, edited_by, edited_at, edit_note, version,
       cover_after_days, flags, suggested_at, suggested_before_units
FROM plan.purchase_line WHERE NOT is_dropped;
COMMENT ON VIEW mart.purchase_plan_line IS
    'Lines to order, with the buyers'' quantities and prices where they changed them, else as suggested; what they dropped is in mart.purchase_plan_dropped. Lines with something in needs_data want a person first.';
