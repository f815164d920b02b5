CREATE OR REPLACE VIEW plan.newest AS
SELECT max(snapshot_on) AS snapshot_on FROM plan.demand;
COMMENT ON VIEW plan.newest IS 'The day of the newest plan; one row.';
