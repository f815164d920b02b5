CREATE OR REPLACE VIEW mart.vendor_lead_time AS
WITH receipt AS (
    SELECT o.order_url, o.vendor_id, o.vendor_url, s.received_on,
           s.received_on - o.ordered_on AS days,
           (SELECT coalesce(sum(greatest(l.units, 0)), 0) FROM core.shipment_line l
            WHERE l.shipment_url = s.shipment_url) AS units
    FROM core.purchase_order o
    JOIN core.shipment s ON s.order_url = o.order_url
    WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
      AND s.removed_at IS NULL AND o.removed_at IS NULL AND o.status <> 'ORDER_CANCELLED'
      AND NOT o.is_dropship
      AND s.received_on > o.ordered_on
),
delivery AS (
    SELECT order_url, vendor_id, vendor_url, max(received_on) AS received_on,
           sum(days * units) / sum(units) AS days
    FROM receipt WHERE units > 0 GROUP BY 1, 2, 3
)
SELECT d.vendor_id, d.vendor_url, v.name AS vendor, count(*) AS orders,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY d.days) AS median_days,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY d.days) AS p90_days,
       stddev_samp(d.days) AS sd_days, min(d.days) AS shortest_days, max(d.days) AS longest_days,
       max(d.received_on) AS last_received_on
FROM delivery d LEFT JOIN core.vendor v ON v.vendor_url = d.vendor_url
GROUP BY 1, 2, 3;
COMMENT ON VIEW mart.vendor_lead_time IS
    'Measured days from order to receipt, per vendor. Receipts that were entered on the order''s own day are left out: they say when somebody typed. Every other order that was delivered counts once; one that came in parts with its parts'' days weighted by their units. sd_days is null for a single order.';
COMMENT ON COLUMN mart.vendor_lead_time.vendor_url IS 'The vendor.';
COMMENT ON COLUMN mart.vendor_lead_time.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.vendor_lead_time.orders IS 'Orders that were delivered.';
COMMENT ON COLUMN mart.vendor_lead_time.median_days IS 'Half of the orders took at most so many days.';
COMMENT ON COLUMN mart.vendor_lead_time.p90_days IS 'Nine in ten orders took at most so many days.';
COMMENT ON COLUMN mart.vendor_lead_time.sd_days IS 'Standard deviation in days; null for a single order.';
COMMENT ON COLUMN mart.vendor_lead_time.shortest_days IS 'Days of the fastest order.';
COMMENT ON COLUMN mart.vendor_lead_time.longest_days IS 'Days of the slowest order.';
COMMENT ON COLUMN mart.vendor_lead_time.last_received_on IS 'Business day of the newest delivery.';
