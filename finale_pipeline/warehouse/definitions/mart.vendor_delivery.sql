CREATE OR REPLACE VIEW mart.vendor_delivery AS
SELECT o.order_url, o.order_id, o.vendor_url, v.name AS vendor, o.is_open, o.ordered_on, o.due_on,
       count(*) AS receipts, min(s.received_on) AS first_received_on,
       max(s.received_on) AS last_received_on, sum(l.units) AS received_units,
       sum((s.received_on - o.ordered_on) * l.units) / sum(l.units) AS lead_time_days,
       max(s.received_on) - o.due_on AS days_late
FROM core.purchase_order o
JOIN core.shipment s ON s.order_url = o.order_url AND s.received_on >= o.ordered_on
JOIN LATERAL (
    SELECT sum(greatest(l.units, 0)) AS units FROM core.shipment_line l
    WHERE l.shipment_url = s.shipment_url
) l ON l.units > 0
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url
WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
  AND s.removed_at IS NULL AND o.removed_at IS NULL AND o.status <> 'ORDER_CANCELLED'
      AND NOT o.is_dropship
GROUP BY o.order_url, v.vendor_url;
COMMENT ON VIEW mart.vendor_delivery IS
    'Purchase orders of which something was delivered, with how long that took; mart.vendor_lead_time sums them up. Receipts dated before the order are left out.';
COMMENT ON COLUMN mart.vendor_delivery.order_url IS 'Finale''s address of the order; the key.';
COMMENT ON COLUMN mart.vendor_delivery.vendor_url IS 'The vendor; null = not in mart.vendor.';
COMMENT ON COLUMN mart.vendor_delivery.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.vendor_delivery.receipts IS 'Deliveries it came in.';
COMMENT ON COLUMN mart.vendor_delivery.first_received_on IS 'Business day of the first.';
COMMENT ON COLUMN mart.vendor_delivery.last_received_on IS 'Business day of the last so far.';
COMMENT ON COLUMN mart.vendor_delivery.received_units IS 'Units that came, over all products.';
COMMENT ON COLUMN mart.vendor_delivery.lead_time_days IS 'Days from order to receipt; of several receipts weighted by their units.';
COMMENT ON COLUMN mart.vendor_delivery.days_late IS 'Days from `due_on` to the last receipt; negative = early, null = no due date.';
