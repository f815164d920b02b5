CREATE OR REPLACE VIEW mart.sales_daily AS
SELECT d.sold_on, d.product_url, p.sku, p.name, p.category, d.units, d.orders, d.dated_by,
       d.units_by_ship_date, d.returned_units, d.units - d.returned_units AS net_units
FROM core.sales_daily d LEFT JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.sales_daily IS
    'Demand per product and business day; a day without a row had none. Product columns are null for products that are not in the catalogue.';
COMMENT ON COLUMN mart.sales_daily.product_url IS 'The product.';
COMMENT ON COLUMN mart.sales_daily.net_units IS 'Units sold that day that did not come back; forecasts learn from these.';
