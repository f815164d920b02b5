CREATE OR REPLACE VIEW core.build_reservation AS
WITH planned AS (
    SELECT l.product_url, sum(l.units) AS units
    FROM core.build_state b JOIN core.build_line l USING (build_url)
    WHERE b.state = 'planned' AND l.kind = 'consumed' AND l.product_url IS NOT NULL AND l.units > 0
    GROUP BY 1
)
-- Nobody could see yet whether Finale's reserved quantity holds builds. Only reserved rows that
-- name no order could be theirs; the larger of the two counts, so that nothing counts twice.
SELECT p.product_url, p.units, greatest(p.units - coalesce((
    SELECT sum(s.reserved_units) FROM core.stock_entry s
    WHERE s.product_url = p.product_url AND s.order_url !~ '/order/'), 0), 0)
    AS unreserved_units
FROM planned p;
COMMENT ON VIEW core.build_reservation IS
    'What builds that are planned or under way will use. One row per component.';
COMMENT ON COLUMN core.build_reservation.product_url IS 'The component.';
COMMENT ON COLUMN core.build_reservation.units IS 'Units still to be used.';
COMMENT ON COLUMN core.build_reservation.unreserved_units IS 'Those of them that Finale''s reserved quantity cannot hold: less what it reserves without naming an order. core.stock_free takes them off what is available.';
