CREATE OR REPLACE VIEW mart.dead_stock AS
WITH receipt AS (
    SELECT l.product_url, max(s.received_on) AS received_on
    FROM core.shipment s JOIN core.shipment_line l ON l.shipment_url = s.shipment_url
    WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
      AND s.removed_at IS NULL AND l.units > 0
    GROUP BY 1
), known AS (
    SELECT t.today_on, t.zone, (SELECT min(sold_on) FROM core.sales_daily) AS since_on
    FROM core.today t
)
SELECT s.product_url, s.sku, s.name, s.is_active, s.category, s.vendor, s.on_hand_units,
       s.available_units, s.unit_cost, s.value, s.currency, s.last_sold_on, s.days_since_sale,
       r.received_on AS last_received_on,
       k.today_on - r.received_on AS days_since_receipt,
       (p.created_at AT TIME ZONE k.zone)::date AS created_on, p.first_seen_at,
       k.since_on AS sales_known_since_on,
       CASE WHEN k.since_on IS NOT NULL THEN greatest(k.today_on - greatest(
           s.last_sold_on, r.received_on, k.since_on,
           CASE WHEN s.last_sold_on IS NULL AND r.received_on IS NULL
                THEN (coalesce(p.created_at, p.first_seen_at) AT TIME ZONE k.zone)::date END
       ), 0) END AS quiet_days
FROM mart.stock_now s
JOIN core.product p ON p.product_url = s.product_url
CROSS JOIN known k
LEFT JOIN receipt r ON r.product_url = s.product_url
WHERE s.on_hand_units > 0;
COMMENT ON VIEW mart.dead_stock IS
    'Products that are on hand, with how long they lie there unsold; filter by quiet_days, such as quiet_days >= 180. Value per currency only.';
COMMENT ON COLUMN mart.dead_stock.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.dead_stock.last_received_on IS 'Business day of the last delivered receipt; null = none known.';
COMMENT ON COLUMN mart.dead_stock.days_since_receipt IS 'Days from it to the day that the data reach to; null = none known.';
COMMENT ON COLUMN mart.dead_stock.created_on IS 'Business day on which it was created in Finale.';
COMMENT ON COLUMN mart.dead_stock.sales_known_since_on IS 'First business day with a sale of any product: nothing is known before it.';
COMMENT ON COLUMN mart.dead_stock.quiet_days IS 'Days certain to have passed without a sale or a receipt: since the last of both; without either since it was created (or first seen); never more than sales are known for. Null = no sales are known at all.';
