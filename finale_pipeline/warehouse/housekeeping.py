"""Old rows that nobody asks for any more."""

from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection

BY_DAY = {
    "plan.demand": ("plan.decision", "plan.forecast_by_location",
                    "plan.purchase_order_draft_line", "plan.forecast_outcome",
                    "plan.demand"),
    "plan.critical_item": ("plan.critical_item",),
}  # fmt: skip
"""Tables that get rows each day, by the one that says which days there are."""

# Kept: every day of the last month, the last of each week in the last year, of each month before;
# the newest; and days that somebody edited or ordered by.
OLD_DAYS = """
WITH day AS (SELECT DISTINCT snapshot_on FROM {table}),
kept AS (
    SELECT max(snapshot_on) AS snapshot_on FROM day
    GROUP BY CASE
        WHEN snapshot_on > %(today)s::date - 31 THEN snapshot_on
        WHEN snapshot_on > %(today)s::date - 365 THEN date_trunc('week', snapshot_on)::date
        ELSE date_trunc('month', snapshot_on)::date END
    UNION SELECT snapshot_on FROM plan.purchase_order_edit
    UNION SELECT plan_on FROM ops.purchase_order_write
    UNION SELECT max(snapshot_on) FROM day
)
SELECT snapshot_on FROM day EXCEPT SELECT snapshot_on FROM kept ORDER BY 1
"""


def delete_old(
    connection: Connection, *, today: date, ledger: datetime, rejects: datetime, mails: datetime
) -> int:
    """Delete what is older and return how many rows; the newest good run of each strategy stays.

    Args:
        ledger: Of runs, due times, requests of the API, what people chose, and of incidents and
            outages that are over.
        mails: Of mails that were sent, merged into others, or given up.
    """
    statements = (
        (
            "DELETE FROM ops.sync_run r WHERE finished_at < %s AND EXISTS (SELECT FROM ops.sync_run"
            " n WHERE n.strategy = r.strategy AND n.status = 'done' AND n.run_id > r.run_id)",
            ledger,
        ),
        ("DELETE FROM ops.schedule_tick WHERE decided_at < %s", ledger),
        ("DELETE FROM ops.sync_reject WHERE rejected_at < %s", rejects),
        ("DELETE FROM ops.trigger WHERE asked_at < %s", ledger),
        (
            "DELETE FROM ops.outbox WHERE created_at < %s AND state IN ('sent', 'merged', 'dead')",
            mails,
        ),
        (
            "DELETE FROM ops.incident_event e USING ops.incident i"
            " WHERE e.incident_id = i.incident_id AND i.closed_at < %s",
            ledger,
        ),
        ("DELETE FROM ops.incident WHERE closed_at < %s", ledger),
        ("DELETE FROM ops.choice WHERE made_at < %s", ledger),
        ("DELETE FROM ops.outage WHERE closed_at < %s", ledger),
    )
    deleted = sum(connection.execute(query, (before,)).rowcount for query, before in statements)
    return deleted + sum(_delete_days(connection, table, today) for table in BY_DAY)


def _delete_days(connection: Connection, table: str, today: date) -> int:
    """Delete rows of days that are not kept; a day is one transaction."""
    deleted = 0
    query = OLD_DAYS.format(table=table)
    for (day,) in connection.execute(query, {"today": today}).fetchall():
        with connection.transaction():
            for name in BY_DAY[table]:
                query = f"DELETE FROM {name} WHERE snapshot_on = %s"
                deleted += connection.execute(query, (day,)).rowcount
    return deleted
