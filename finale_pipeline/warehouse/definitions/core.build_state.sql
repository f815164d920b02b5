CREATE OR REPLACE VIEW core.build_state AS
SELECT b.build_url, b.build_id, b.status, CASE
           WHEN b.status LIKE 'PRUN_CANCEL%' THEN 'cancelled'
           WHEN b.status IN ('PRUN_COMPLETED', 'PRUN_CLOSED') THEN 'done'
           WHEN b.status IN ('PRUN_CREATED', 'PRUN_SCHEDULED', 'PRUN_DOC_PRINTED', 'PRUN_RUNNING') THEN 'planned'
           WHEN b.completed_on IS NOT NULL THEN 'done'
           ELSE 'planned' END AS state,
       coalesce(b.completed_on, (b.updated_at AT TIME ZONE t.zone)::date) AS done_on
FROM core.build b CROSS JOIN core.today t
WHERE b.removed_at IS NULL;
COMMENT ON VIEW core.build_state IS
    'What each build does to stock. No account has shown all states of builds yet: of one that nobody knows the date of completion decides.';
COMMENT ON COLUMN core.build_state.build_url IS 'The build; the key.';
COMMENT ON COLUMN core.build_state.state IS 'planned: it will use its components; done: it has used them; cancelled.';
COMMENT ON COLUMN core.build_state.done_on IS 'Business day on which it used them, where it is done: its completion, else its last change.';
