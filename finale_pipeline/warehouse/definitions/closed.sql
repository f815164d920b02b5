-- Who may only read could else stop every sync: our locks are advisory locks, which anybody may
-- take; and fill the disk, with temporary tables and large objects. Only an administrator may take
-- these rights from everybody; elsewhere `finale doctor` names who holds our locks.
DO $$
DECLARE
    v_function regprocedure;
    v_owner name := pg_get_userbyid((SELECT datdba FROM pg_database
                                     WHERE datname = current_database()));
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I, CURRENT_USER', current_database(),
                   v_owner);
    FOR v_function IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND (p.proname ~ '^(pg_advisory_|pg_try_advisory_|lo_)'
               OR p.proname IN ('loread', 'lowrite'))
          AND (has_function_privilege('public', p.oid, 'EXECUTE')
               OR NOT has_function_privilege(v_owner, p.oid, 'EXECUTE'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I, CURRENT_USER', v_function, v_owner);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'locks and large objects could not be closed to readers: %', SQLERRM;
END $$;
