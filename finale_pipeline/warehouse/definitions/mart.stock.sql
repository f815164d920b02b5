CREATE OR REPLACE VIEW mart.stock AS
SELECT p.product_url, p.sku, p.name, p.status = 'PRODUCT_ACTIVE' AS is_active, p.category,
       l.on_hand_units, l.reserved_units, l.on_order_units, l.available_units, l.position_units
FROM core.stock_level l JOIN core.product p USING (product_url)
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.stock IS
    'Stock now, per product.';
COMMENT ON COLUMN mart.stock.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.stock.is_active IS 'Whether Finale calls it active.';
