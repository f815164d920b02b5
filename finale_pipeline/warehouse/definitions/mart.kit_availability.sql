CREATE OR REPLACE VIEW mart.kit_availability AS
WITH part AS (
    SELECT c.product_url, c.component_url, c.units, coalesce(l.available_units, 0) AS available_units,
           floor(greatest(coalesce(l.available_units, 0), 0) / c.units) AS makeable
    FROM core.product_component c LEFT JOIN core.stock_level l ON l.product_url = c.component_url
)
SELECT DISTINCT ON (c.product_url) c.product_url, p.sku, p.name, p.keeps_stock,
       c.makeable AS makeable_units, c.component_url AS limiting_url, q.sku AS limiting_sku,
       c.available_units AS limiting_available_units, c.units AS limiting_units_each
FROM part c
JOIN core.product p ON p.product_url = c.product_url
LEFT JOIN core.product q ON q.product_url = c.component_url
ORDER BY c.product_url, c.makeable, q.sku, c.component_url;
COMMENT ON VIEW mart.kit_availability IS
    'Products with components: how many can be made of what is available now, and which component limits it.';
COMMENT ON COLUMN mart.kit_availability.product_url IS 'The kit or built product; the key.';
COMMENT ON COLUMN mart.kit_availability.name IS 'Name of the kit.';
COMMENT ON COLUMN mart.kit_availability.makeable_units IS 'Whole units that can be made of the components'' available units; 0 = none.';
COMMENT ON COLUMN mart.kit_availability.limiting_url IS 'The component that allows the fewest.';
COMMENT ON COLUMN mart.kit_availability.limiting_sku IS 'Its SKU; null = it is not in the catalogue.';
COMMENT ON COLUMN mart.kit_availability.limiting_available_units IS 'Its available units.';
COMMENT ON COLUMN mart.kit_availability.limiting_units_each IS 'Units of it in one unit of the kit.';
