CREATE OR REPLACE VIEW core.product_component AS
SELECT p.product_url, i.value ->> 'productUrl' AS component_url,
       sum((i.value ->> 'quantity')::numeric) AS units
FROM core.product p
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(p.payload -> 'productAssocList') WHEN 'array'
         THEN p.payload -> 'productAssocList' ELSE '[]'::jsonb END) a
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(a.value -> 'productAssocItemList') WHEN 'array'
         THEN a.value -> 'productAssocItemList' ELSE '[]'::jsonb END) i
WHERE p.removed_at IS NULL AND p.payload ? 'productAssocList'
  AND a.value ->> 'productAssocTypeId' LIKE '%COMPONENT%'
  AND i.value ->> 'quantity' ~ '^\s*\d{1,12}(\.\d{0,20})?([eE][+-]?\d{1,2})?\s*$'
  AND i.value ->> 'productUrl' <> p.product_url
GROUP BY 1, 2 HAVING sum((i.value ->> 'quantity')::numeric) > 0;
COMMENT ON VIEW core.product_component IS
    'Bills of materials: what a product is made of, whether it is built ahead or put together when it is sold; one row per product and component.';
COMMENT ON COLUMN core.product_component.product_url IS 'The product that is made.';
COMMENT ON COLUMN core.product_component.component_url IS 'The product that goes into it.';
COMMENT ON COLUMN core.product_component.units IS 'Units of the component in one unit of the product.';
