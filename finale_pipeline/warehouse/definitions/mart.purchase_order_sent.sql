CREATE OR REPLACE VIEW mart.purchase_order_sent AS
SELECT w.reference, w.order_id, w.state, w.plan_on, w.vendor_url, v.name AS vendor, w.vendor_id,
       w.facility_url, f.name AS place, w.sequence, jsonb_array_length(w.lines) AS lines,
       (SELECT sum((l ->> 'quantity_units')::numeric) FROM jsonb_array_elements(w.lines) l) AS units,
       w.total, w.attempts, w.created_by, w.intended_at, w.sent_at, w.settled_at, w.order_url,
       coalesce(o.status, w.finale_status) AS finale_status, coalesce(o.is_open, false) AS is_open,
       w.link, w.differences, w.warnings, w.error
FROM ops.purchase_order_write w
LEFT JOIN core.vendor v ON v.vendor_url = w.vendor_url
LEFT JOIN core.facility f ON f.facility_url = w.facility_url
LEFT JOIN core.purchase_order o ON o.order_url = w.order_url;
COMMENT ON VIEW mart.purchase_order_sent IS
    'Purchase orders that we drafted in Finale, with how that ended and where they are now. Open states (intended, sent, unverified, unknown) want: finale orders check.';
COMMENT ON COLUMN mart.purchase_order_sent.vendor_url IS 'The vendor (a path).';
COMMENT ON COLUMN mart.purchase_order_sent.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_order_sent.facility_url IS 'The location it goes to.';
COMMENT ON COLUMN mart.purchase_order_sent.place IS 'Name of the location.';
COMMENT ON COLUMN mart.purchase_order_sent.lines IS 'How many lines were meant.';
COMMENT ON COLUMN mart.purchase_order_sent.units IS 'Units that were meant, all lines.';
COMMENT ON COLUMN mart.purchase_order_sent.order_url IS 'Finale''s address of the order (a path); null = none known.';
COMMENT ON COLUMN mart.purchase_order_sent.finale_status IS 'Status in Finale as last synced, else as last read when it was created.';
COMMENT ON COLUMN mart.purchase_order_sent.is_open IS 'Committed in Finale, and something is still to come; only then it counts as on order.';
