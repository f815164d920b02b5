ALTER TABLE ops.sync_run
    ADD COLUMN reason TEXT,
    ADD COLUMN batch INTEGER,
    ADD COLUMN batches INTEGER,
    ADD COLUMN rows_done BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN eta_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN retry_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN ops.sync_run.strategy IS 'critical, inventory, active, full, vendors, or a backfilled asset.';
COMMENT ON COLUMN ops.sync_run.trigger IS 'cli, schedule, sensor, api, ui or test.';
COMMENT ON COLUMN ops.sync_run.status IS 'running, done, failed, held, throttled (goes on at retry_at), skipped or interrupted.';
COMMENT ON COLUMN ops.sync_run.reason IS 'Why this strategy, where smart chose it; null = it was asked for.';
COMMENT ON COLUMN ops.sync_run.batch IS 'Batches that are committed, in the present part.';
COMMENT ON COLUMN ops.sync_run.batches IS 'Batches expected in the present part.';
COMMENT ON COLUMN ops.sync_run.rows_done IS 'Rows read.';
COMMENT ON COLUMN ops.sync_run.eta_at IS 'UTC, when it will be done at its pace so far; null = not known yet.';
COMMENT ON COLUMN ops.sync_run.retry_at IS 'UTC, when the source''s budget is back, for a throttled run.';
CREATE TABLE ops.schedule_tick (
	schedule_name TEXT NOT NULL,
	tick_at TIMESTAMP WITH TIME ZONE NOT NULL,
	decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
	strategy TEXT NOT NULL,
	is_run BOOLEAN NOT NULL,
	reason TEXT,
	repeats INTEGER DEFAULT 0 NOT NULL,
	repeated_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (schedule_name, tick_at)
);
CREATE INDEX schedule_tick_decided_at_idx ON ops.schedule_tick (decided_at);
COMMENT ON TABLE ops.schedule_tick IS 'What became of each due time of a schedule; one row per schedule and due time.';
COMMENT ON COLUMN ops.schedule_tick.schedule_name IS 'The schedule.';
COMMENT ON COLUMN ops.schedule_tick.tick_at IS 'UTC, when it was due.';
COMMENT ON COLUMN ops.schedule_tick.decided_at IS 'UTC, when it was decided.';
COMMENT ON COLUMN ops.schedule_tick.strategy IS 'What it stands for; for smart, what that chose.';
COMMENT ON COLUMN ops.schedule_tick.is_run IS 'Whether a sync was asked for.';
COMMENT ON COLUMN ops.schedule_tick.reason IS 'Why it was skipped, or why smart chose the strategy.';
COMMENT ON COLUMN ops.schedule_tick.repeats IS 'How often the same tick came again; more than 0 = a second daemon runs.';
COMMENT ON COLUMN ops.schedule_tick.repeated_at IS 'UTC, when it last came again.';
CREATE TABLE ops.hold (
	hold_id BIGSERIAL NOT NULL,
	run_id BIGINT NOT NULL,
	subject TEXT NOT NULL,
	reasons TEXT[] NOT NULL,
	before JSONB NOT NULL,
	after JSONB NOT NULL,
	sample JSONB NOT NULL,
	held_at TIMESTAMP WITH TIME ZONE NOT NULL,
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	seen_count INTEGER NOT NULL,
	state TEXT NOT NULL,
	decided_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (hold_id)
);
CREATE UNIQUE INDEX hold_open_idx ON ops.hold (subject) WHERE state IN ('open', 'rejected');
COMMENT ON TABLE ops.hold IS 'Reads that were not believed and changed nothing, until a person decides.';
COMMENT ON COLUMN ops.hold.hold_id IS 'Number.';
COMMENT ON COLUMN ops.hold.run_id IS 'The run that held it first.';
COMMENT ON COLUMN ops.hold.subject IS 'What was held: stock, or the table with records gone.';
COMMENT ON COLUMN ops.hold.reasons IS 'Why the read was not believed.';
COMMENT ON COLUMN ops.hold.before IS 'What is stored, in sum.';
COMMENT ON COLUMN ops.hold.after IS 'What was read, in sum.';
COMMENT ON COLUMN ops.hold.sample IS 'Some of the records that would change most.';
COMMENT ON COLUMN ops.hold.held_at IS 'UTC, when it was held first.';
COMMENT ON COLUMN ops.hold.seen_at IS 'UTC, when a read last said the same.';
COMMENT ON COLUMN ops.hold.seen_count IS 'Reads that said so.';
COMMENT ON COLUMN ops.hold.state IS 'open, approved, rejected, or passed: a later read was fine.';
COMMENT ON COLUMN ops.hold.decided_at IS 'UTC, when it left the state open.';
CREATE UNLOGGED TABLE ops.request (
	request_id BIGSERIAL NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
	method TEXT NOT NULL,
	is_collection BOOLEAN NOT NULL,
	PRIMARY KEY (request_id)
);
CREATE INDEX request_sent_at_idx ON ops.request (sent_at);
COMMENT ON TABLE ops.request IS 'Requests of the last hour by all processes; the source''s budgets are kept by them.';
COMMENT ON COLUMN ops.request.request_id IS 'Number.';
COMMENT ON COLUMN ops.request.sent_at IS 'UTC.';
COMMENT ON COLUMN ops.request.method IS 'GET or POST.';
COMMENT ON COLUMN ops.request.is_collection IS 'Whether it reads a collection.';
CREATE TABLE ops.request_block (
	only_row BOOLEAN NOT NULL,
	blocked_until TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (only_row)
);
COMMENT ON TABLE ops.request_block IS 'Until when the source wants no requests, as its answers said.';
COMMENT ON COLUMN ops.request_block.only_row IS 'True: there is one row.';
COMMENT ON COLUMN ops.request_block.blocked_until IS 'UTC, when requests may go out again.';

-- Takes room for one request, or says when there will be some. One caller at a time, so that all
-- processes together stay within the budgets; whoever may use only a share of them leaves the
-- rest to what is more urgent.
CREATE FUNCTION ops.take_request(
    p_now TIMESTAMPTZ, p_method TEXT, p_is_collection BOOLEAN, p_share DOUBLE PRECISION,
    p_per_minute INTEGER, p_per_hour INTEGER
) RETURNS TIMESTAMPTZ LANGUAGE plpgsql AS $$
DECLARE
    v_free TIMESTAMPTZ := p_now;
    v_moment TIMESTAMPTZ;
BEGIN
    PERFORM pg_advisory_xact_lock(7283, 1);
    DELETE FROM ops.request WHERE sent_at <= p_now - INTERVAL '1 hour' OR sent_at > p_now + INTERVAL '1 hour';
    SELECT blocked_until INTO v_moment FROM ops.request_block;
    v_free := greatest(v_free, v_moment);
    SELECT sent_at + INTERVAL '1 minute' INTO v_moment FROM ops.request
        WHERE method = p_method AND sent_at > p_now - INTERVAL '1 minute'
        ORDER BY sent_at DESC OFFSET greatest(1, floor(p_per_minute * p_share)) - 1 LIMIT 1;
    v_free := greatest(v_free, v_moment);
    IF p_is_collection THEN
        SELECT sent_at + INTERVAL '1 hour' INTO v_moment FROM ops.request
            WHERE method = p_method AND is_collection
            ORDER BY sent_at DESC OFFSET greatest(1, floor(p_per_hour * p_share)) - 1 LIMIT 1;
        v_free := greatest(v_free, v_moment);
    END IF;
    IF v_free <= p_now THEN
        INSERT INTO ops.request (sent_at, method, is_collection)
            VALUES (p_now, p_method, p_is_collection);
    END IF;
    RETURN v_free;
END $$;
COMMENT ON FUNCTION ops.take_request IS 'Counts a request to the source if its budgets have room for it, and returns when they have.';

DO $$
BEGIN
    GRANT SELECT ON ops.schedule_tick, ops.hold TO finale_reader;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'finale_reader was not granted the new tables: %', SQLERRM;
END $$;
