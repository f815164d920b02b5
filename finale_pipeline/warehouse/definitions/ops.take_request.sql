-- Takes room for one request, or says when there will be some. One caller at a time, so that all
-- processes together stay within the budgets; whoever may use only a share of them leaves the
-- rest to what is more urgent.
CREATE OR REPLACE FUNCTION ops.take_request(
    p_now TIMESTAMPTZ, p_method TEXT, p_is_collection BOOLEAN, p_share DOUBLE PRECISION,
    p_per_minute INTEGER, p_per_hour INTEGER
) RETURNS TIMESTAMPTZ LANGUAGE plpgsql AS $$
DECLARE
    v_free TIMESTAMPTZ := p_now;
    v_moment TIMESTAMPTZ;
BEGIN
    PERFORM pg_advisory_xact_lock(7283, 1);
    DELETE FROM ops.request WHERE sent_at <= p_now - INTERVAL '1 hour' OR sent_at > p_now + INTERVAL '1 hour';
    -- No pause is longer than an hour: what lies further was said by a clock that is ahead.
    SELECT blocked_until INTO v_moment FROM ops.request_block
        WHERE blocked_until <= p_now + INTERVAL '61 minutes';
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
