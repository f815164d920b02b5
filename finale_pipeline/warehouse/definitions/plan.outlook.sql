-- Money at risk is added up over vendors, so it may not be in each vendor's own currency.
CREATE OR REPLACE VIEW plan.outlook AS
SELECT f.product_url, f.velocity_units_per_day AS units_per_day,
       f.days_until_stockout AS days_left, f.quantity_units AS suggested_units,
       f.lost_units * coalesce(p.cost, CASE WHEN f.currency IS NULL THEN f.unit_cost END)
           AS money_at_risk, f.next_due_on AS due_on, f.level,
       f.reorder_point_units AS point_units, f.reorder_point_source AS point_source,
       f.next_due_units AS due_units, f.overdue_units, f.must_order_by_on, f.flags, f.why,
       f.vendor_url, f.unit_cost, f.currency,
       coalesce(f.decided_for_on, f.snapshot_on) + ceil(f.lead_time_days)::integer AS arrives_on
FROM plan.forecast f
JOIN core.product p ON p.product_url = f.product_url
WHERE f.snapshot_on = (SELECT snapshot_on FROM plan.newest);
COMMENT ON VIEW plan.outlook IS
    'What forecasts and purchase orders say of each product now; at most one row per product.';
COMMENT ON COLUMN plan.outlook.product_url IS 'The product.';
COMMENT ON COLUMN plan.outlook.point_units IS 'The reorder point in use; null = none is known.';
COMMENT ON COLUMN plan.outlook.point_source IS 'buyer, finale or ours.';
COMMENT ON COLUMN plan.outlook.due_units IS 'Units that are due on `due_on`.';
COMMENT ON COLUMN plan.outlook.units_per_day IS 'Mean sales a day, in units; 0 = it does not sell.';
COMMENT ON COLUMN plan.outlook.days_left IS 'Days until it is out at that pace.';
COMMENT ON COLUMN plan.outlook.suggested_units IS 'Units to order by our purchase plan.';
COMMENT ON COLUMN plan.outlook.money_at_risk IS 'Units that will be missing until an order of today arrives, at Finale''s cost of the product, in the account''s currency; null where only a price in another currency is known.';
COMMENT ON COLUMN plan.outlook.arrives_on IS 'When an order of the day that it was decided for is on the shelf.';
COMMENT ON COLUMN plan.outlook.due_on IS 'The next day on which an open order is due.';
