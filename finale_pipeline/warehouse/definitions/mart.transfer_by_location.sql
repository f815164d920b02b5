CREATE OR REPLACE VIEW mart.transfer_by_location AS
WITH moving AS (
    SELECT product_url, from_url, to_url, units FROM core.transfer
    WHERE removed_at IS NULL AND received_at IS NULL
      AND coalesce(status, '') NOT LIKE '%CANCEL%' AND coalesce(status, '') NOT LIKE '%COMPLETE%'
    UNION ALL
    SELECT l.product_url, coalesce(l.facility_url, s.origin_url), s.destination_url, l.units
    FROM core.shipment s JOIN core.shipment_line l USING (shipment_url)
    WHERE s.removed_at IS NULL AND s.shipment_type LIKE 'TRANSFER%'
      AND s.status NOT IN ('SHIPMENT_DELIVERED', 'SHIPMENT_CANCELLED')
),
side AS (
    SELECT m.product_url, coalesce(f.parent_url, m.to_url) AS location_url, m.units AS incoming_units,
           0 AS outgoing_units
    FROM moving m LEFT JOIN core.facility f ON f.facility_url = m.to_url
    UNION ALL
    SELECT m.product_url, coalesce(f.parent_url, m.from_url), 0, m.units
    FROM moving m LEFT JOIN core.facility f ON f.facility_url = m.from_url
)
SELECT s.product_url, p.sku, p.name, coalesce(s.location_url, '') AS location_url,
       coalesce(f.name, 'no location') AS location, sum(s.incoming_units) AS incoming_units,
       sum(s.outgoing_units) AS outgoing_units
FROM side s
JOIN core.product p USING (product_url)
LEFT JOIN core.facility f ON f.facility_url = s.location_url
GROUP BY s.product_url, p.sku, p.name, coalesce(s.location_url, ''), coalesce(f.name, 'no location');
COMMENT ON VIEW mart.transfer_by_location IS
    'Units in transfer between locations that were not received yet, per product and location; never demand.';
COMMENT ON COLUMN mart.transfer_by_location.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN mart.transfer_by_location.name IS 'Name of the product.';
COMMENT ON COLUMN mart.transfer_by_location.location_url IS 'The location, its sublocations added up; empty = none said; part of the key.';
COMMENT ON COLUMN mart.transfer_by_location.location IS 'Name of the location.';
COMMENT ON COLUMN mart.transfer_by_location.incoming_units IS 'Units on their way to it, or planned to be.';
COMMENT ON COLUMN mart.transfer_by_location.outgoing_units IS 'Units that leave it or left it, and did not arrive yet.';
