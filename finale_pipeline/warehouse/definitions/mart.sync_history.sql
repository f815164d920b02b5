CREATE OR REPLACE VIEW mart.sync_history AS
SELECT r.run_id, r.strategy, r.trigger, r.reason, r.status, r.started_at, r.finished_at,
       round(extract(epoch FROM coalesce(r.finished_at, r.heartbeat_at) - r.started_at), 1)
           AS duration_seconds,
       CASE WHEN r.counts = '{}' THEN r.rows_done ELSE n.rows_read END AS rows_read,
       n.rows_inserted, n.rows_updated, n.rows_unchanged, n.rows_removed, n.rows_rejected,
       r.api_calls AS requests, r.bytes, r.retry_at, r.error_kind, r.error, r.dagster_run_id
FROM ops.sync_run r
CROSS JOIN LATERAL (
    SELECT coalesce(sum((c.value ->> 'read')::bigint), 0)::bigint AS rows_read,
           coalesce(sum((c.value ->> 'inserted')::bigint), 0)::bigint AS rows_inserted,
           coalesce(sum((c.value ->> 'updated')::bigint), 0)::bigint AS rows_updated,
           coalesce(sum((c.value ->> 'unchanged')::bigint), 0)::bigint AS rows_unchanged,
           coalesce(sum((c.value ->> 'removed')::bigint), 0)::bigint AS rows_removed,
           coalesce(sum((c.value ->> 'rejected')::bigint), 0)::bigint AS rows_rejected
    FROM jsonb_each(r.counts) c
) n;
COMMENT ON VIEW mart.sync_history IS
    'Every execution of a sync with how long it took and what it did, over all its tables; per table: ops.sync_run.counts.';
COMMENT ON COLUMN mart.sync_history.run_id IS 'Number of the run; the key.';
COMMENT ON COLUMN mart.sync_history.duration_seconds IS 'From start to end; while it runs to its last sign of life.';
COMMENT ON COLUMN mart.sync_history.rows_read IS 'Rows that were read, and rows derived from them; = inserted + updated + unchanged + rejected once it has ended.';
COMMENT ON COLUMN mart.sync_history.rows_inserted IS 'Rows that are new; 0 until it ends, like the next ones.';
COMMENT ON COLUMN mart.sync_history.rows_updated IS 'Rows that differed.';
COMMENT ON COLUMN mart.sync_history.rows_unchanged IS 'Rows that were as read.';
COMMENT ON COLUMN mart.sync_history.rows_removed IS 'Rows marked removed, or deleted with what they belong to.';
COMMENT ON COLUMN mart.sync_history.rows_rejected IS 'Rows that could not be read; see ops.sync_reject.';
COMMENT ON COLUMN mart.sync_history.requests IS 'Requests to Finale.';
