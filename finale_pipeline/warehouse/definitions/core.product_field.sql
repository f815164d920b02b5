CREATE OR REPLACE VIEW core.product_field AS
SELECT p.product_url, f.value ->> 'attrName' AS attr_name,
       coalesce(d.label, f.value ->> 'attrName') AS label, f.value ->> 'attrValue' AS value
FROM core.product p
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(p.payload -> 'userFieldDataList') WHEN 'array'
         THEN p.payload -> 'userFieldDataList' ELSE '[]'::jsonb END) f
LEFT JOIN core.user_field d ON d.attr_name = f.value ->> 'attrName'
WHERE p.removed_at IS NULL AND p.payload ? 'userFieldDataList'
  AND nullif(f.value ->> 'attrValue', '') IS NOT NULL;
COMMENT ON VIEW core.product_field IS
    'User-defined fields of products; one row per product and field that has a value.';
COMMENT ON COLUMN core.product_field.product_url IS 'The product.';
COMMENT ON COLUMN core.product_field.attr_name IS 'Finale''s name of the field, such as user_10001.';
COMMENT ON COLUMN core.product_field.label IS 'What people call it; Finale''s name where no label is known.';
COMMENT ON COLUMN core.product_field.value IS 'Its value.';
