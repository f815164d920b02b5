CREATE OR REPLACE VIEW mart.stock_by_location AS
SELECT p.product_url, p.sku, p.name, CASE l.location_url WHEN '' THEN 'no location' ELSE f.name END AS location, l.location_url,
       l.on_hand_units, l.reserved_units, l.on_order_units, l.available_units
FROM core.stock_level_by_location l
JOIN core.product p USING (product_url)
LEFT JOIN core.facility f ON f.facility_url = l.location_url
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.stock_by_location IS
    'Stock now, per product and location.';
COMMENT ON COLUMN mart.stock_by_location.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN mart.stock_by_location.name IS 'Name of the product.';
COMMENT ON COLUMN mart.stock_by_location.location IS 'Name of the location; `no location` = orders and stock that Finale places nowhere.';
COMMENT ON COLUMN mart.stock_by_location.location_url IS 'The location, its sublocations added up; part of the key.';
