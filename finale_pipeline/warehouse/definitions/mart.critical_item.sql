CREATE OR REPLACE VIEW mart.critical_item AS
SELECT c.snapshot_on, c.product_url, p.sku, p.name, c.level, c.since_at, c.on_hand_units,
       c.reserved_units, c.available_units, c.on_order_units, c.due_on, c.threshold_units,
       c.threshold_source, c.suggested_units, c.suggested_by, c.days_left, c.money_at_risk,
       c.vendor_name, c.contact, c.why
FROM plan.critical_item c JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.critical_item IS
    'Active, stocked products that were out or low, per business day; filter by snapshot_on.';
COMMENT ON COLUMN mart.critical_item.product_url IS 'The product.';
