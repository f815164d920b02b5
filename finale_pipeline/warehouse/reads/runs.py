"""Sync runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from finale_pipeline.domain.states import RunStatus
from finale_pipeline.domain.syncs.freshness import CLOCKS_APART
from finale_pipeline.domain.syncs.outcomes import EndedSync
from finale_pipeline.warehouse.connect import Connection, Row, columns_of
from finale_pipeline.warehouse.outbox import IS_WAITING
from finale_pipeline.warehouse.reads.listing import Listing


@dataclass(frozen=True, slots=True)
class NewestRun:
    """The newest run of a strategy."""

    strategy: str
    run_id: int
    status: RunStatus
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
    return connection.rows(f"{HISTORY.query} ORDER BY run_id DESC LIMIT 60")


def newest_by_strategy(connection: Connection) -> list[NewestRun]:
    """Return the newest run of each strategy."""
    return connection.objects(
        NewestRun,
        "SELECT DISTINCT ON (strategy) strategy, run_id, status, trigger, started_at,"
        " extract(epoch FROM coalesce(finished_at, now()) - started_at)::float8 AS seconds,"
        " step, round(progress * 100)::int AS percent, batch, batches, rows_done AS rows, eta_at,"
        " retry_at, reason, error FROM ops.sync_run ORDER BY strategy, run_id DESC",
    )


def refused(connection: Connection, *, since: datetime, most: int) -> list[Row]:
    """Return what of the answers since a moment could not be read, the latest first; each once."""
    return connection.rows(
        "SELECT table_name, record_key, reason, max(rejected_at) AS rejected_at"
        " FROM ops.sync_reject WHERE rejected_at > %s GROUP BY 1, 2, 3"
        " ORDER BY 4 DESC, 1, 2, 3 LIMIT %s",
        since,
        most,
    )


def ended_since(connection: Connection, moment: datetime, *, now: datetime) -> list[EndedSync]:
    """Return the runs with a last sign of life after a moment and not after now, oldest first."""
    return connection.objects(
        EndedSync,
        "SELECT run_id, strategy, trigger, status, coalesce(finished_at, heartbeat_at) AS at,"
        " error_kind, error FROM ops.sync_run WHERE coalesce(finished_at, heartbeat_at) > %s"
        " AND coalesce(finished_at, heartbeat_at) <= %s"
        " ORDER BY coalesce(finished_at, heartbeat_at), run_id",
        moment,
        now + CLOCKS_APART,
    )


def last_ended_at(connection: Connection) -> datetime | None:
    """Return when the newest run ended, by the clock of then; None = none has."""
    return connection.scalar(
        datetime,
        "SELECT finished_at FROM ops.sync_run WHERE finished_at IS NOT NULL"
        " ORDER BY run_id DESC LIMIT 1",
    )


def last_good_at(
    connection: Connection, strategies: Sequence[str], *, now: datetime | None = None
) -> datetime | None:
    """Return when some strategies last ended well, by `now`; None = never."""
    return connection.scalar(
        datetime,
        "SELECT max(finished_at) FROM ops.sync_run WHERE status = 'done' AND strategy = ANY (%s)"
        " AND finished_at <= coalesce(%s::timestamptz, 'infinity')",
        list(strategies),
        None if now is None else now + CLOCKS_APART,
    )


def is_one_alive(connection: Connection, strategies: Sequence[str], *, since: datetime) -> bool:
    """Whether one of some strategies is at work and gave a sign of life since a moment."""
    query = (
        "SELECT EXISTS (SELECT FROM ops.sync_run WHERE status = 'running'"
        " AND heartbeat_at > %s AND strategy = ANY (%s))"
    )
    return connection.is_true(query, since, list(strategies))


def has_begun(connection: Connection, strategy: str, *, since: datetime, now: datetime) -> bool:
    """Whether a sync began at or after a moment; one that would begin after `now` did not."""
    query = (
        "SELECT EXISTS (SELECT FROM ops.sync_run WHERE strategy = %s"
        " AND started_at BETWEEN %s AND %s)"
    )
    return connection.is_true(query, strategy, since, now + CLOCKS_APART)


def was_ever_full(connection: Connection) -> bool:
    """Whether a full sync ever ended well."""
    return last_good_at(connection, ["full"]) is not None


def done_since(
    connection: Connection, strategies: Sequence[str], asked_at: datetime, now: datetime
) -> tuple[str, int] | None:
    """Return strategy and number of the newest good run that began at or after a moment.

    A run that would begin after `now` was made while a clock was ahead, and counts for nothing.
    """
    return connection.execute(
        "SELECT strategy, run_id FROM ops.sync_run WHERE status = 'done' AND strategy = ANY (%s)"
        " AND started_at BETWEEN %s AND %s ORDER BY run_id DESC LIMIT 1",
        (list(strategies), asked_at, now + CLOCKS_APART),
    ).fetchone()


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of some strategies, and how many there were since the last good one."""

    run_id: int
    dagster_run_id: str | None
    trigger: str
    status: RunStatus
    error_kind: str | None
    finished_at: datetime | None
    retry_at: datetime | None
    attempts: int


def last_of(connection: Connection, strategies: Sequence[str]) -> LastRun | None:
    """Return the newest run of some strategies; None = there was none."""
    return connection.one(
        LastRun,
        "SELECT run_id, dagster_run_id, trigger, status, error_kind, finished_at, retry_at,"
        " (SELECT count(*) FROM ops.sync_run WHERE strategy = ANY (%(any)s) AND run_id >"
        "  (SELECT coalesce(max(run_id), 0) FROM ops.sync_run"
        "   WHERE strategy = ANY (%(any)s) AND status = 'done')) AS attempts"
        " FROM ops.sync_run WHERE strategy = ANY (%(any)s) ORDER BY run_id DESC LIMIT 1",
        any=list(strategies),
    )


def newest_id(connection: Connection) -> int | None:
    """Return the number of the newest run; None = there was none."""
    return connection.scalar(int, "SELECT max(run_id) FROM ops.sync_run")


@dataclass(frozen=True, slots=True)
class RunOfDagster:
    """How the newest run stands that a run of Dagster executes."""

    status: RunStatus
    finished_at: datetime | None
    error_kind: str | None
    error: str | None


def of_dagster(connection: Connection, dagster_run_id: str) -> RunOfDagster | None:
    """Return the run that a run of Dagster executes; None = it did not begin."""
    return connection.one(
        RunOfDagster,
        f"SELECT {columns_of(RunOfDagster)} FROM ops.sync_run WHERE dagster_run_id = %s"
        " ORDER BY run_id DESC LIMIT 1",
        dagster_run_id,
    )


def takes_any(connection: Connection, run_id: int, table_sets: Sequence[str]) -> bool:
    """Whether a run works on one of some table sets."""
    query = "SELECT locks && %s FROM ops.sync_run WHERE run_id = %s"
    return connection.is_true(query, list(table_sets), run_id)


def running(connection: Connection, *, now: datetime) -> list[Row]:
    """Return the runs that run, the newest first."""
    return connection.rows(f"{RUNNING} ORDER BY run_id DESC", now=now)


RUNNING = (
    "SELECT run_id, strategy, trigger, dagster_run_id, started_at, step, progress, batch, batches,"
    " rows_done, eta_at, extract(epoch FROM %(now)s - started_at)::float8 AS age_seconds"
    " FROM ops.sync_run WHERE status = 'running'"
)
LAST = (
    "SELECT DISTINCT ON (strategy) strategy, run_id, status, trigger, reason, started_at,"
    " finished_at, round(extract(epoch FROM finished_at - started_at), 1) AS seconds, rows_done,"
    " api_calls, retry_at, error_kind, error FROM ops.sync_run WHERE status <> 'running'"
    " ORDER BY strategy, run_id DESC"
)
STATISTICS = (
    "SELECT strategy, count(*) AS runs, count(*) FILTER (WHERE status = 'done') AS done,"
    " count(*) FILTER (WHERE status = 'failed') AS failed,"
    " count(*) FILTER (WHERE status IN ('held', 'throttled')) AS put_off,"
    " round(avg(extract(epoch FROM finished_at - started_at))"
    " FILTER (WHERE status = 'done'), 1) AS mean_seconds,"
    " round(max(extract(epoch FROM finished_at - started_at))"
    " FILTER (WHERE status = 'done'), 1) AS longest_seconds,"
    " sum(rows_done) AS rows, sum(api_calls) AS api_calls"
    " FROM ops.sync_run WHERE started_at > %(since)s AND status <> 'running'"
    " GROUP BY strategy ORDER BY strategy"
)
COUNTS = f"""
SELECT (SELECT count(*) FROM core.product WHERE removed_at IS NULL) AS products,
       (SELECT count(*) FROM core.vendor WHERE removed_at IS NULL) AS vendors,
       items.out_of_stock, items.low,
       (SELECT count(*) FROM ops.incident WHERE closed_at IS NULL) AS incidents_open,
       (SELECT count(*) FROM ops.hold WHERE state = 'open') AS holds_open,
       (SELECT count(*) FROM ops.outbox WHERE {IS_WAITING}) AS mails_waiting,
       (SELECT count(*) FROM ops.outbox WHERE state = 'dead') AS mails_dead,
       (SELECT count(*) FROM ops.sync_run WHERE status = 'running') AS syncs_running,
       (SELECT count(*) FROM ops.sync_reject WHERE rejected_at > %(day)s) AS rejects_day
FROM (SELECT count(*) FILTER (WHERE level = 'out') AS out_of_stock,
             count(*) FILTER (WHERE level = 'low') AS low
      FROM plan.critical_item JOIN ops.evaluation USING (snapshot_on)) items
"""
LAST_GOOD = (
    "SELECT strategy, extract(epoch FROM max(finished_at))::bigint AS at FROM ops.sync_run"
    " WHERE status = 'done' GROUP BY strategy ORDER BY strategy"
)
