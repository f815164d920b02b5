CREATE OR REPLACE VIEW core.sales_return AS
SELECT s.shipment_url, s.order_url, l.product_url, coalesce(s.received_on, s.shipped_on) AS returned_on,
       coalesce((
           SELECT min(t.sold_on) FROM core.shipment t JOIN core.shipment_line m USING (shipment_url)
           WHERE t.order_url = s.order_url AND t.sold_on IS NOT NULL
             AND m.product_url = l.product_url AND m.units > 0
       ), s.received_on, s.shipped_on) AS counts_on,
       sum(abs(l.units)) AS units
FROM core.shipment s JOIN core.shipment_line l USING (shipment_url)
WHERE (s.return_url IS NOT NULL OR s.shipment_type LIKE '%RETURN%')
  AND s.shipment_type NOT LIKE 'PURCHASE%' AND s.removed_at IS NULL
  AND (s.status = 'SHIPMENT_DELIVERED' OR s.status = 'SHIPMENT_SHIPPED' AND s.received_on IS NOT NULL)
  AND l.product_url IS NOT NULL AND l.units <> 0
GROUP BY s.shipment_url, l.product_url;
COMMENT ON VIEW core.sales_return IS
    'Goods that customers sent back and that went back to stock; one row per return''s shipment and product. What goes back to a vendor is none.';
COMMENT ON COLUMN core.sales_return.order_url IS 'The sales order they belong to; null = none said.';
COMMENT ON COLUMN core.sales_return.product_url IS 'The product.';
COMMENT ON COLUMN core.sales_return.returned_on IS 'Business day on which they came back.';
COMMENT ON COLUMN core.sales_return.counts_on IS 'Business day whose demand they lower: the one on which their own order sold the product; `returned_on` where that is unknown.';
COMMENT ON COLUMN core.sales_return.units IS 'Units that came back.';
COMMENT ON COLUMN core.sales_return.shipment_url IS 'The return''s shipment; part of the key.';
