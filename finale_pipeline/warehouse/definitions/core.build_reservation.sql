CREATE OR REPLACE VIEW core.build_reservation AS
SELECT l.product_url, sum(l.units) AS units
FROM core.build b JOIN core.build_line l USING (build_url)
WHERE b.removed_at IS NULL AND b.completed_at IS NULL AND l.kind = 'consumed'
  AND b.status NOT IN ('PRUN_COMPLETED', 'PRUN_CLOSED', 'PRUN_CANCELLED', 'PRUN_CANCELED')
  AND l.product_url IS NOT NULL AND l.units > 0
GROUP BY 1;
COMMENT ON VIEW core.build_reservation IS
    'What builds that are planned or under way will use; Finale''s own reserved quantity is of sales orders. One row per component.';
COMMENT ON COLUMN core.build_reservation.product_url IS 'The component.';
COMMENT ON COLUMN core.build_reservation.units IS 'Units still to be used.';
