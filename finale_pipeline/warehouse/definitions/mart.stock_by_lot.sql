CREATE OR REPLACE VIEW mart.stock_by_lot AS
SELECT e.product_url, p.sku, p.name, e.lot_id, e.location_url,
       CASE e.location_url WHEN '' THEN 'no location' ELSE f.name END AS location,
       sum(e.on_hand_units) AS on_hand_units, min(e.expires_on) AS expires_on,
       min(e.expires_on) - t.today_on AS days_to_expiry
FROM core.stock_entry e
JOIN core.product p USING (product_url)
CROSS JOIN core.today t
LEFT JOIN core.facility f ON f.facility_url = e.location_url
WHERE e.lot_id <> '' AND p.removed_at IS NULL AND e.on_hand_units <> 0
GROUP BY e.product_url, p.sku, p.name, e.lot_id, e.location_url, f.name, t.today_on;
COMMENT ON VIEW mart.stock_by_lot IS
    'Stock on hand with a lot or serial number, per product, lot and location.';
COMMENT ON COLUMN mart.stock_by_lot.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN mart.stock_by_lot.name IS 'Name of the product.';
COMMENT ON COLUMN mart.stock_by_lot.lot_id IS 'Lot or serial number.';
COMMENT ON COLUMN mart.stock_by_lot.location_url IS 'The location, its sublocations added up; part of the key.';
COMMENT ON COLUMN mart.stock_by_lot.location IS 'Name of the location; `no location` = Finale places it nowhere.';
COMMENT ON COLUMN mart.stock_by_lot.expires_on IS 'Day on which the lot expires, the first where rows differ; null = Finale says none.';
COMMENT ON COLUMN mart.stock_by_lot.days_to_expiry IS 'Days until then from the day that the data reach to; negative = it has expired, null = not known.';
