CREATE OR REPLACE VIEW mart.product_field AS
SELECT f.product_url, p.sku, p.name, f.label, f.value
FROM core.product_field f JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.product_field IS
    'User-defined fields of products, by the labels that people gave them; one row per product and field that has a value.';
COMMENT ON COLUMN mart.product_field.product_url IS 'The product.';
COMMENT ON COLUMN mart.product_field.name IS 'Name of the product.';
