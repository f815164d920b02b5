CREATE OR REPLACE VIEW mart.low_stock AS
SELECT c.product_url, c.sku, c.name, c.level, c.since_at, c.on_hand_units, c.reserved_units,
       c.available_units, c.on_order_units, c.due_on, c.threshold_units, c.threshold_source,
       c.suggested_units, c.suggested_by, c.days_left, c.money_at_risk, c.vendor_name, c.contact,
       coalesce(i.state, 'open') AS incident_state, c.why, coalesce(o.flags, '{}') AS flags,
       o.must_order_by_on
FROM mart.critical_item c
JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL
LEFT JOIN plan.outlook o ON o.product_url = c.product_url;
COMMENT ON VIEW mart.low_stock IS
    'Products that are out or low now, and what was decided of them.';
COMMENT ON COLUMN mart.low_stock.sku IS 'What people call the product.';
COMMENT ON COLUMN mart.low_stock.name IS 'Name of the product.';
COMMENT ON COLUMN mart.low_stock.level IS 'out or low.';
COMMENT ON COLUMN mart.low_stock.since_at IS 'UTC, since when it is so.';
COMMENT ON COLUMN mart.low_stock.reserved_units IS 'Units promised to sales orders.';
COMMENT ON COLUMN mart.low_stock.available_units IS 'On hand less reserved.';
COMMENT ON COLUMN mart.low_stock.due_on IS 'Earliest due date of what is on order.';
COMMENT ON COLUMN mart.low_stock.threshold_units IS 'Below it the product is low.';
COMMENT ON COLUMN mart.low_stock.threshold_source IS 'Whose point that is: buyer, finale, ours (the forecast''s) or default.';
COMMENT ON COLUMN mart.low_stock.suggested_units IS 'Units to order.';
COMMENT ON COLUMN mart.low_stock.suggested_by IS 'Whose suggestion that is: our plan or Finale''s rule.';
COMMENT ON COLUMN mart.low_stock.days_left IS 'Days until it is out at its pace.';
COMMENT ON COLUMN mart.low_stock.money_at_risk IS 'Sales at risk, in the account''s currency.';
COMMENT ON COLUMN mart.low_stock.vendor_name IS 'Name of the main vendor.';
COMMENT ON COLUMN mart.low_stock.contact IS 'How to reach the vendor.';
COMMENT ON COLUMN mart.low_stock.incident_state IS 'open, acknowledged, snoozed or ordered.';
COMMENT ON COLUMN mart.low_stock.why IS 'One sentence with the numbers.';
