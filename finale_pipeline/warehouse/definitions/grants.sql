-- The reader sees what is promised and what operators ask about; neither core, plan, nor what mails
-- say: they carry links. A server that does not let us make roles keeps working; its administrator
-- grants the same by hand.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'finale_reader') THEN
        CREATE ROLE finale_reader NOLOGIN;
    END IF;
    GRANT USAGE ON SCHEMA mart, ops TO finale_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA mart TO finale_reader;
    GRANT EXECUTE ON FUNCTION mart.stock_as_of(date) TO finale_reader;
    GRANT SELECT ON ops.hold, ops.incident, ops.incident_event, ops.purchase_order_write_event,
        ops.schedule_tick, ops.sync_reject, ops.sync_run, ops.watermark TO finale_reader;
    GRANT SELECT (outbox_id, message_id, kind, subject, state, attempts, unknown_outcomes,
        next_attempt_at, last_error, merged_into, run_id, created_at, sent_at)
        ON ops.outbox TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        RAISE NOTICE 'the role finale_reader could not be made or granted the views: %', SQLERRM;
END $$;

-- The limits hold for whoever logs in as the role and, since a role's settings are not its members',
-- for each of its present members. Roles are the server's: what is so already is left alone.
DO $$
DECLARE
    v_limits text[] := ARRAY['idle_in_transaction_session_timeout=10min', 'statement_timeout=5min',
                             'default_transaction_read_only=on'];
    v_role name;
    v_limit text;
BEGIN
    FOR v_role IN
        SELECT r.rolname FROM pg_roles r
        WHERE NOT r.rolsuper AND r.rolname <> current_user
          AND pg_has_role(r.oid, 'finale_reader', 'MEMBER')
          AND NOT coalesce(r.rolconfig @> v_limits, false)
    LOOP
        BEGIN
            FOREACH v_limit IN ARRAY v_limits LOOP
                EXECUTE format('ALTER ROLE %I SET %s = %L', v_role, split_part(v_limit, '=', 1),
                               split_part(v_limit, '=', 2));
            END LOOP;
        EXCEPTION
            WHEN insufficient_privilege OR undefined_object THEN
                RAISE NOTICE 'the role % could not be limited: %', v_role, SQLERRM;
        END;
    END LOOP;
EXCEPTION
    WHEN undefined_object THEN
        RAISE NOTICE 'there is no role finale_reader: %', SQLERRM;
END $$;
