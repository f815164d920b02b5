"""Old rows of `ops` that nobody asks for any more."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


def delete_old(connection: Connection, *, ledger: datetime, rejects: datetime) -> int:
    """Delete what is older; the newest good run of each strategy stays.

    Args:
        ledger: Of runs, due times and requests of the API.
        rejects: Of records that could not be written.

    Returns:
        How many rows.
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
    )
    return sum(connection.execute(query, (before,)).rowcount for query, before in statements)
