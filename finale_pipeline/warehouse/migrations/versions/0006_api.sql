CREATE TABLE ops.trigger (
	trigger_id BIGSERIAL NOT NULL,
	idempotency_key TEXT,
	asked_for TEXT NOT NULL,
	strategy TEXT NOT NULL,
	dagster_run_id TEXT NOT NULL,
	answer JSONB NOT NULL,
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (trigger_id)
);
CREATE UNIQUE INDEX trigger_idempotency_key_idx ON ops.trigger (idempotency_key);
CREATE INDEX trigger_asked_at_idx ON ops.trigger (asked_at);
COMMENT ON TABLE ops.trigger IS 'Syncs that the API started; one row per run.';
COMMENT ON COLUMN ops.trigger.trigger_id IS 'Number.';
COMMENT ON COLUMN ops.trigger.idempotency_key IS 'What the caller named the request; null = it was not named.';
COMMENT ON COLUMN ops.trigger.asked_for IS 'critical, inventory, vendors, smart, …: what was asked for.';
COMMENT ON COLUMN ops.trigger.strategy IS 'What was started.';
COMMENT ON COLUMN ops.trigger.dagster_run_id IS 'Dagster''s id of the run.';
COMMENT ON COLUMN ops.trigger.answer IS 'The answer that was given.';
COMMENT ON COLUMN ops.trigger.asked_at IS 'UTC.';
