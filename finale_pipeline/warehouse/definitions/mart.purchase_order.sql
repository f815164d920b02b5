CREATE OR REPLACE VIEW mart.purchase_order AS
SELECT o.order_url, o.order_id, o.status, o.is_open, o.vendor_url, o.vendor_id, v.name AS vendor,
       o.ordered_on, o.due_on, o.received_on, f.name AS destination, o.reference_number, o.total,
       l.lines, l.ordered_units, l.received_units, l.open_units, o.updated_at
FROM core.purchase_order o
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url
LEFT JOIN core.facility f ON f.facility_url = o.destination_url
LEFT JOIN (
    SELECT order_url, count(*) AS lines, sum(quantity_units) AS ordered_units,
           sum(received_units) AS received_units, sum(open_units) AS open_units
    FROM core.purchase_order_line GROUP BY 1
) l ON l.order_url = o.order_url
WHERE o.removed_at IS NULL;
COMMENT ON VIEW mart.purchase_order IS
    'Purchase orders with their vendor and what is still to come; the sums are null where the lines were never needed.';
COMMENT ON COLUMN mart.purchase_order.order_url IS 'Finale''s address of the order.';
COMMENT ON COLUMN mart.purchase_order.vendor_url IS 'The vendor.';
COMMENT ON COLUMN mart.purchase_order.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_order.destination IS 'Name of the place it goes to.';
COMMENT ON COLUMN mart.purchase_order.lines IS 'Lines of the order; null = they were never needed.';
COMMENT ON COLUMN mart.purchase_order.ordered_units IS 'Units ordered, over all lines.';
