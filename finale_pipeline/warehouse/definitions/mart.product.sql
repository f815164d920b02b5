CREATE OR REPLACE VIEW mart.product AS
SELECT p.product_url, p.sku, p.name, p.status, p.status = 'PRODUCT_ACTIVE' AS is_active, p.category,
       p.cost, p.lead_time_days, p.updated_at, v.name AS main_vendor, s.price AS main_vendor_price,
       s.currency AS main_vendor_currency, s.lead_time_days AS main_vendor_lead_time_days,
       p.pack_units, p.is_dropship, p.keeps_stock
FROM core.product p
LEFT JOIN LATERAL (
    SELECT * FROM core.product_supplier ps WHERE ps.product_url = p.product_url
    ORDER BY ps.is_main DESC, ps.vendor_url LIMIT 1
) s ON true
LEFT JOIN core.vendor v ON v.vendor_url = s.vendor_url
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.product IS
    'Products that are there now, with their main vendor.';
COMMENT ON COLUMN mart.product.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.product.name IS 'Name shown in Finale.';
COMMENT ON COLUMN mart.product.is_active IS 'Whether Finale calls it active.';
COMMENT ON COLUMN mart.product.lead_time_days IS 'Lead time of the product itself, in days.';
COMMENT ON COLUMN mart.product.updated_at IS 'UTC, when it was last changed in Finale.';
COMMENT ON COLUMN mart.product.main_vendor IS 'Name of the main vendor; without one marked so, of the first.';
COMMENT ON COLUMN mart.product.main_vendor_price IS 'That vendor''s price for one unit, in `main_vendor_currency`.';
COMMENT ON COLUMN mart.product.main_vendor_currency IS 'Currency of that price, such as GBP.';
COMMENT ON COLUMN mart.product.main_vendor_lead_time_days IS 'Days from order to arrival, that vendor.';
