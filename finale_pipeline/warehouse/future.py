"""What was noted while a clock was ahead: it lies in the future, and nothing may wait for it."""

from datetime import date, datetime

from finale_pipeline.domain.syncs.freshness import CLOCKS_APART
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.outbox import IS_WAITING

TABLES = (
    "SELECT table_schema, table_name FROM information_schema.columns"
    " WHERE column_name = 'snapshot_on' AND table_schema IN ('core', 'plan')"
    " AND (table_schema, table_name) IN (SELECT schemaname, tablename FROM pg_tables)"
    " ORDER BY 1, 2"
)


def forget(connection: Connection, *, now: datetime, today: date) -> int:
    """Delete days and plans after today, and take moments after now back; return how many days.

    Only for who is sure of the present, for instance since two clocks agree; in a transaction.
    """
    days = connection.count("SELECT count(*) FROM core.stock_day WHERE snapshot_on > %s", today)
    if not days and not connection.count(ANY_AHEAD, now=now):
        return 0
    for row in connection.rows(TABLES):
        table = f"{row['table_schema']}.{row['table_name']}"
        connection.execute(f"DELETE FROM {table} WHERE snapshot_on > %s", (today,))
    values = {"now": now}
    for statement in MOMENTS:
        connection.execute(statement, values)
    return days


def ahead_until(connection: Connection, *, now: datetime) -> datetime | None:
    """Return the latest moment after now that a sync noted; None = there is none."""
    query = "SELECT max(finished_at) FROM ops.sync_run WHERE finished_at > %s"
    return connection.scalar(datetime, query, now + CLOCKS_APART)


ANY_AHEAD = """
SELECT count(*) FROM (
    SELECT read_at FROM core.stock_day
    UNION ALL SELECT greatest(evaluated_at, read_at) FROM ops.evaluation
    UNION ALL SELECT decided_at FROM ops.schedule_tick
    UNION ALL SELECT decided_at FROM plan.decision_state
    UNION ALL SELECT greatest(opened_at, decided_at) FROM ops.incident WHERE closed_at IS NULL
    UNION ALL SELECT created_at FROM ops.outbox
    UNION ALL SELECT opened_at FROM ops.outage
    UNION ALL SELECT asked_at FROM ops.trigger
) noted (at) WHERE at > %(now)s::timestamptz + interval '1 hour'
"""
MOMENTS = (
    "UPDATE core.stock_day SET read_at = %(now)s WHERE read_at > %(now)s",
    "DELETE FROM core.stock_out_span WHERE from_at > %(now)s",
    "UPDATE core.stock_out_span SET until_at = %(now)s WHERE until_at > %(now)s",
    "UPDATE ops.evaluation SET evaluated_at = least(evaluated_at, %(now)s),"
    " read_at = least(read_at, %(now)s), snapshot_on = least(snapshot_on,"
    " coalesce((SELECT max(snapshot_on) FROM core.stock_day), snapshot_on))",
    "DELETE FROM ops.schedule_tick WHERE decided_at > %(now)s",
    "DELETE FROM plan.decision_state WHERE decided_at > %(now)s",
    # A snooze lasts as long as it was to last when it was chosen.
    "UPDATE ops.incident SET snoozed_until = snoozed_until - (decided_at - %(now)s)"
    " WHERE decided_at > %(now)s",
    "UPDATE ops.incident SET opened_at = least(opened_at, %(now)s),"
    " decided_at = least(decided_at, %(now)s), closed_at = least(closed_at, %(now)s)"
    " WHERE greatest(opened_at, decided_at, closed_at) > %(now)s",
    "UPDATE ops.choice SET made_at = least(made_at, %(now)s), undone_at = least(undone_at, %(now)s)"
    " WHERE greatest(made_at, undone_at) > %(now)s",
    "UPDATE ops.incident_event SET happened_at = %(now)s WHERE happened_at > %(now)s",
    "UPDATE ops.item_level SET since_at = least(since_at, %(now)s),"
    " better_since_at = least(better_since_at, %(now)s),"
    " worsened_at = least(worsened_at, %(now)s)"
    " WHERE greatest(since_at, better_since_at, worsened_at) > %(now)s",
    # What is about a day that is still to come may be told again on it.
    "UPDATE ops.outbox SET dedupe_key = format('%%s, noted ahead, %%s', dedupe_key, outbox_id),"
    " created_at = %(now)s, sent_at = least(sent_at, %(now)s),"
    " next_attempt_at = least(next_attempt_at, %(now)s) WHERE created_at > %(now)s",
    f"UPDATE ops.outbox SET next_attempt_at = %(now)s WHERE {IS_WAITING}"
    " AND next_attempt_at > %(now)s::timestamptz + interval '1 day'",
    "UPDATE ops.outage SET opened_at = %(now)s WHERE opened_at > %(now)s",
    "UPDATE ops.scan SET finished_at = %(now)s WHERE finished_at > %(now)s",
    "UPDATE ops.trigger SET asked_at = %(now)s WHERE asked_at > %(now)s",
)
