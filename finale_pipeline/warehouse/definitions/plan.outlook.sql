-- Money at risk is added up over vendors, so it may not be in each vendor's own currency.
CREATE OR REPLACE VIEW plan.outlook AS
SELECT f.product_url, f.velocity_units_per_day AS units_per_day,
       f.days_until_stockout AS days_left, f.quantity_units AS suggested_units,
       f.lost_units * coalesce(p.cost, CASE WHEN f.currency IS NULL THEN f.unit_cost END)
           AS money_at_risk, o.due_on
FROM plan.forecast f
JOIN core.product p ON p.product_url = f.product_url
LEFT JOIN (
    SELECT product_url, min(due_on) AS due_on FROM core.purchase_order_line
    WHERE open_units > 0 GROUP BY 1
) o ON o.product_url = f.product_url
WHERE f.snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast);
COMMENT ON VIEW plan.outlook IS
    'What forecasts and purchase orders say of each product now; at most one row per product.';
COMMENT ON COLUMN plan.outlook.product_url IS 'The product.';
COMMENT ON COLUMN plan.outlook.units_per_day IS 'Mean sales a day, in units; 0 = it does not sell.';
COMMENT ON COLUMN plan.outlook.days_left IS 'Days until it is out at that pace.';
COMMENT ON COLUMN plan.outlook.suggested_units IS 'Units to order by our purchase plan.';
COMMENT ON COLUMN plan.outlook.money_at_risk IS 'Units that will be missing until an order of today arrives, at Finale''s cost of the product, in the account''s currency; null where only a price in another currency is known.';
COMMENT ON COLUMN plan.outlook.due_on IS 'Earliest due date of what is on order.';
