CREATE OR REPLACE VIEW mart.sales_by_product AS
WITH sold AS (
    SELECT product_url, sum(units) AS sold_units, max(sold_on) AS last_sold_on
    FROM core.sales_daily GROUP BY 1
), returned AS (
    SELECT product_url, sum(units) AS returned_units, max(returned_on) AS last_returned_on
    FROM core.sales_return GROUP BY 1
)
SELECT product_url, p.sku, p.name, coalesce(s.sold_units, 0) AS sold_units,
       coalesce(r.returned_units, 0) AS returned_units,
       coalesce(s.sold_units, 0) - coalesce(r.returned_units, 0) AS net_units,
       round(r.returned_units / nullif(s.sold_units, 0), 4) AS returned_share,
       s.last_sold_on, r.last_returned_on
FROM sold s FULL JOIN returned r USING (product_url) LEFT JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.sales_by_product IS
    'All that was ever sold of a product, what of it came back to stock, and what is left; one row per product that moved.';
COMMENT ON COLUMN mart.sales_by_product.product_url IS 'The product; the key.';
COMMENT ON COLUMN mart.sales_by_product.name IS 'Name of the product.';
COMMENT ON COLUMN mart.sales_by_product.sold_units IS 'Units customers asked for, gross.';
COMMENT ON COLUMN mart.sales_by_product.returned_units IS 'Units that came back to stock.';
COMMENT ON COLUMN mart.sales_by_product.net_units IS 'Sold less returned; negative where more came back than is known as sold.';
COMMENT ON COLUMN mart.sales_by_product.returned_share IS 'Returned units per unit sold; null = none came back, or none was sold.';
COMMENT ON COLUMN mart.sales_by_product.last_sold_on IS 'Business day of the last sale; null = none.';
COMMENT ON COLUMN mart.sales_by_product.last_returned_on IS 'Business day of the last return; null = none.';
