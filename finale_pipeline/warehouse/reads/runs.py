"""Sync runs."""

from dataclasses import dataclass
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection, Row, objects_of, rows_of
from finale_pipeline.warehouse.reads.listing import Listing


@dataclass(frozen=True, slots=True)
class NewestRun:
    """The newest run of a strategy."""

    strategy: str
    run_id: int
    status: str
    trigger: str
    started_at: datetime
    seconds: float
    step: str | None
    percent: int | None
    batch: int | None
    batches: int | None
    rows: int
    eta_at: datetime | None
    retry_at: datetime | None
    reason: str | None
    error: str | None


HISTORY = Listing(
    name="history",
    query="SELECT run_id, strategy, trigger, reason, dagster_run_id, status, started_at,"
    " finished_at, round(extract(epoch FROM coalesce(finished_at, heartbeat_at) - started_at), 1)"
    " AS seconds, step, progress, rows_done, api_calls, bytes, counts, retry_at, error_kind, error"
    " FROM ops.sync_run",
    key=("run_id", "bigint"),
    sorts={"started_at": "timestamptz", "seconds": "numeric", "rows_done": "bigint"},
    order="-started_at",
    filters={
        "strategy": "strategy = %(strategy)s",
        "status": "status = %(status)s",
        "trigger": "trigger = %(trigger)s",
        "since": "started_at >= %(since)s",
        "until": "started_at < %(until)s",
    },
)


def newest_runs(connection: Connection) -> list[Row]:
    """Return the newest sync runs."""
    return rows_of(connection, f"{HISTORY.query} ORDER BY run_id DESC LIMIT 60")


def newest_by_strategy(connection: Connection) -> list[NewestRun]:
    """Return the newest run of each strategy."""
    return objects_of(
        connection,
        NewestRun,
        "SELECT DISTINCT ON (strategy) strategy, run_id, status, trigger, started_at,"
        " extract(epoch FROM coalesce(finished_at, now()) - started_at)::float8 AS seconds,"
        " step, round(progress * 100)::int AS percent, batch, batches, rows_done AS rows, eta_at,"
        " retry_at, reason, error FROM ops.sync_run ORDER BY strategy, run_id DESC",
    )
