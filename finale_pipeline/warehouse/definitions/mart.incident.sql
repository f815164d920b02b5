CREATE OR REPLACE VIEW mart.incident AS
SELECT i.incident_id, i.subject, p.sku, p.name, i.state, i.level, i.mailed, i.opened_at,
       i.closed_at, i.snoozed_until, i.note, i.decided_by, i.decided_at
FROM ops.incident i LEFT JOIN core.product p ON p.product_url = i.subject;
COMMENT ON VIEW mart.incident IS
    'Every stay of a product, or of a sync, away from ok.';
