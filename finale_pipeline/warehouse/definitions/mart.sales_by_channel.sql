CREATE OR REPLACE VIEW mart.sales_by_channel AS
WITH moved AS (
    SELECT s.sold_on AS day, l.product_url, coalesce(o.sale_source, '') AS channel,
           greatest(sum(l.units), 0) AS sold_units, 0 AS returned_units
    FROM core.shipment s
    JOIN core.shipment_line l USING (shipment_url)
    LEFT JOIN core.sales_order o ON o.order_url = s.order_url
    WHERE s.sold_on IS NOT NULL AND l.product_url IS NOT NULL
    GROUP BY 1, 2, 3, coalesce(s.order_url, s.shipment_url)
    UNION ALL
    SELECT r.returned_on, r.product_url, coalesce(o.sale_source, ''), 0, r.units
    FROM core.sales_return r LEFT JOIN core.sales_order o ON o.order_url = r.order_url
)
SELECT m.day AS sold_on, m.product_url, p.sku, p.name, m.channel, sum(m.sold_units) AS sold_units,
       sum(m.returned_units) AS returned_units,
       sum(m.sold_units) - sum(m.returned_units) AS net_units
FROM moved m LEFT JOIN core.product p USING (product_url)
GROUP BY m.day, m.product_url, p.sku, p.name, m.channel
HAVING sum(m.sold_units) <> 0 OR sum(m.returned_units) <> 0;
COMMENT ON VIEW mart.sales_by_channel IS
    'Sold and returned units per product, business day and channel. Returns stand on the day they came back, not on that of the sale.';
COMMENT ON COLUMN mart.sales_by_channel.sold_on IS 'Business day: of the order for sales, of the return for returns; part of the key.';
COMMENT ON COLUMN mart.sales_by_channel.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN mart.sales_by_channel.name IS 'Name of the product.';
COMMENT ON COLUMN mart.sales_by_channel.channel IS 'Finale''s saleSourceId of the order; empty = none said, or no known order; part of the key.';
COMMENT ON COLUMN mart.sales_by_channel.sold_units IS 'Units customers asked for, gross.';
COMMENT ON COLUMN mart.sales_by_channel.returned_units IS 'Units that came back to stock.';
COMMENT ON COLUMN mart.sales_by_channel.net_units IS 'Sold less returned.';
