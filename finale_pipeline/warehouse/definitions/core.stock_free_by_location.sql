CREATE OR REPLACE VIEW core.stock_free_by_location AS
WITH planned AS (
    SELECT l.product_url, coalesce(f.parent_url, nullif(l.facility_url, '')) AS location_url, sum(l.units) AS units
    FROM core.build_state b
    JOIN core.build_line l USING (build_url)
    LEFT JOIN core.facility f ON f.facility_url = l.facility_url
    WHERE b.state = 'planned' AND l.kind = 'consumed' AND l.product_url IS NOT NULL AND l.units > 0
    GROUP BY 1, 2
),
-- A build that names no place takes from where most of the component lies.
placed AS (
    SELECT p.product_url, coalesce(p.location_url, (
               SELECT s.location_url FROM core.stock_level_by_location s
               WHERE s.product_url = p.product_url
               ORDER BY s.available_units DESC, s.location_url LIMIT 1), '') AS location_url,
           sum(p.units * r.unreserved_units / r.units) AS units
    FROM planned p JOIN core.build_reservation r USING (product_url)
    GROUP BY 1, 2
)
SELECT product_url, location_url, coalesce(l.available_units, 0) - coalesce(b.units, 0) AS available_units,
       coalesce(l.on_order_units, 0) AS on_order_units, coalesce(b.units, 0) AS build_units
FROM core.stock_level_by_location l FULL JOIN placed b USING (product_url, location_url);
COMMENT ON VIEW core.stock_free_by_location IS
    'core.stock_free per location; its sums are those of the product.';
COMMENT ON COLUMN core.stock_free_by_location.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN core.stock_free_by_location.location_url IS 'The location; empty = none; part of the key.';
COMMENT ON COLUMN core.stock_free_by_location.available_units IS 'On hand less reserved there, less `build_units`.';
COMMENT ON COLUMN core.stock_free_by_location.on_order_units IS 'Units to come there on committed purchase orders.';
COMMENT ON COLUMN core.stock_free_by_location.build_units IS 'Units that planned builds will take from there.';
