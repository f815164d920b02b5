"""Who works on what: locks that die with their session, and the ledger of sync runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finale_pipeline.domain.states import RunStatus
from finale_pipeline.domain.syncs.freshness import CLOCKS_APART
from finale_pipeline.errors import InterruptedSync, SkippedError
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.locks import Lock

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

TERMINATED_WITHIN = timedelta(seconds=5)
"""So long the end of a session is waited for."""
TABLE_SETS = {"catalogue": 1, "stock": 2, "sales": 3}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: its status, and for a failure the class, the message, when to return."""

    status: RunStatus
    error_kind: str | None = None
    error: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, as ops.sync_run has it; `share` is that of its whole work, 0 to 1."""

    step: str
    share: float | None = None
    batch: int | None = None
    batches: int | None = None
    rows: int = 0
    eta_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that was closed by someone else: its number, Dagster's id, and why."""

    run_id: int
    dagster_run_id: str | None
    error: str


def mark_crashed_runs(connection: "Connection", *, now: datetime) -> list[EndedRun]:
    """Mark runs as failed that say `running` while nothing holds their life lock."""
    return connection.objects(
        EndedRun,
        "UPDATE ops.sync_run r SET status = 'failed', finished_at = %s, error_kind = 'CRASHED',"
        " error = 'The process ended without a word (killed, or the machine went down)."
        " Committed windows stay. The next run of the same sync goes on from its checkpoint.'"
        " WHERE run_id IN (SELECT run_id FROM ops.sync_run WHERE status = 'running'"
        f" AND run_id NOT IN (SELECT objid FROM ({locks.HOLDERS}) alive)"
        " FOR UPDATE SKIP LOCKED) RETURNING run_id, dagster_run_id, error",
        now,
        Lock.RUN,
    )


def cancel_stuck(connection: "Connection", *, now: datetime, silent: timedelta) -> list[EndedRun]:
    """End the sessions of runs that live and gave no sign for so long, and mark the runs failed.

    Without its session a frozen process has lost its locks and its transaction; when it wakes up
    it can no longer commit. One that is frozen in its transaction holds its row of the ledger too,
    so the session goes first; a row that is held even then is marked the next time.
    """
    silent_since = now - silent
    # A sign of life in the future was given by a clock that was ahead: silence counts from now.
    connection.execute(
        "UPDATE ops.sync_run SET heartbeat_at = %s WHERE run_id IN (SELECT run_id FROM ops.sync_run"
        " WHERE status = 'running' AND heartbeat_at > %s FOR UPDATE SKIP LOCKED)",
        (now, now + CLOCKS_APART),
    )
    query = "SELECT run_id FROM ops.sync_run WHERE status = 'running' AND heartbeat_at < %s"
    runs = [row["run_id"] for row in connection.rows(query, silent_since)]
    connection.execute(
        f"SELECT pg_terminate_backend(pid, %s) FROM ({locks.HOLDERS}) alive WHERE objid = ANY (%s)",
        (TERMINATED_WITHIN // timedelta(milliseconds=1), Lock.RUN, runs),
    )
    return connection.objects(
        EndedRun,
        "UPDATE ops.sync_run SET status = 'failed', finished_at = %s, error_kind = 'STUCK',"
        " error = format('It gave no sign of life for %%s minutes and was cancelled. Committed"
        " windows stay; the open one was rolled back. The next run of the same sync goes on from"
        " its checkpoint.', %s::int) WHERE run_id IN (SELECT run_id FROM ops.sync_run"
        " WHERE run_id = ANY (%s) AND status = 'running' AND heartbeat_at < %s"
        " FOR UPDATE SKIP LOCKED) RETURNING run_id, dagster_run_id, error",
        now,
        silent // timedelta(minutes=1),
        runs,
        silent_since,
    )


def open_run(
    connection: "Connection",
    *,
    strategy: str,
    trigger: str,
    table_sets: Sequence[str],
    dagster_run_id: str | None,
    now: datetime,
    reason: str | None = None,
) -> int:
    """Write a run into the ledger, take its life lock, and return its number."""
    with connection.transaction():  # seen by others only once it holds its lock
        run_id = connection.count(
            "INSERT INTO ops.sync_run (strategy, trigger, reason, dagster_run_id, status,"
            " started_at, heartbeat_at, locks) VALUES (%s, %s, %s, %s, 'running', %s, %s, %s)"
            " RETURNING run_id",
            *(strategy, trigger, reason, dagster_run_id, now, now, list(table_sets)),
        )
        locks.acquire(connection, Lock.RUN, run_id)
    return run_id


def lock(connection: "Connection", table_set: str) -> None:
    """Take a table set for this session; a SkippedError says who has it, since when, how far."""
    if not locks.try_acquire(connection, Lock.TABLE_SET, TABLE_SETS[table_set]):
        raise SkippedError(f"The {table_set} tables are taken: {holder(connection, table_set)}.")


def unlock(connection: "Connection", table_set: str) -> None:
    """Give a table set back."""
    locks.release(connection, Lock.TABLE_SET, TABLE_SETS[table_set])


def is_mine(connection: "Connection", table_set: str) -> bool:
    """Whether this session holds a table set."""
    held = locks.holders(connection, Lock.TABLE_SET).get(TABLE_SETS[table_set])
    return held == connection.info.backend_pid


def note_lock(connection: "Connection", run_id: int, table_set: str) -> None:
    """Write into the ledger that a run took one more table set."""
    connection.execute(
        "UPDATE ops.sync_run SET locks = locks || %s WHERE run_id = %s", ([table_set], run_id)
    )


def holder(connection: "Connection", table_set: str) -> str:
    """Say who holds a table set, for how long, and how far it is."""
    row = connection.execute(
        "SELECT strategy, run_id, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS'), step,"
        " round(progress * 100), batch, batches FROM ops.sync_run"
        " WHERE status = 'running' AND %s = ANY (locks) ORDER BY run_id DESC LIMIT 1",
        (table_set,),
    ).fetchone()
    if row is None:
        strangers = [s for s in locks.strangers(connection) if s.number == TABLE_SETS[table_set]]
        owner = (
            f"{strangers[0].holder}, process {strangers[0].pid} of the server,"
            if strangers
            else "another session"
        )
        return f"{owner} holds their lock"
    strategy, run_id, started, step, percent, batch, batches = row
    progress = f", {step} ({percent} %)" if step and percent is not None else ""
    progress += f", batch {batch} of {batches}" if batch else ""
    return f"{strategy} sync {run_id} works on them since {started} UTC{progress}"


def taken(connection: "Connection", table_set: str) -> str | None:
    """Say who holds a table set, or None when it is free; nothing is locked."""
    is_taken = TABLE_SETS[table_set] in locks.holders(connection, Lock.TABLE_SET)
    return holder(connection, table_set) if is_taken else None


def heartbeat(connection: "Connection", run_id: int, far: Progress, *, now: datetime) -> None:
    """Show a sign of life, in the transaction of the work; an InterruptedSync: it was closed."""
    updated = connection.execute(
        "UPDATE ops.sync_run SET heartbeat_at = %s, step = %s, progress = coalesce(%s, progress),"
        " batch = %s, batches = %s, rows_done = %s, eta_at = %s"
        " WHERE run_id = %s AND status = 'running'",
        (now, far.step, far.share, far.batch, far.batches, far.rows, far.eta_at, run_id),
    )
    if not updated.rowcount:
        raise InterruptedSync(f"Sync run {run_id} was closed while it was still at work.")


def close_run(
    connection: "Connection",
    run_id: int,
    ending: Ending,
    *,
    now: datetime,
    counts: Mapping[str, Mapping[str, int]],
    api_calls: int,
    bytes_read: int,
) -> None:
    """Write how a run ended, and give its locks back; a run closed already stays as it is."""
    connection.execute(
        "UPDATE ops.sync_run SET status = %(status)s, error_kind = %(error_kind)s,"
        " error = %(error)s, retry_at = %(retry_at)s, finished_at = %(now)s,"
        " heartbeat_at = %(now)s, counts = %(counts)s, api_calls = %(calls)s, bytes = %(bytes)s,"
        " eta_at = NULL, progress = CASE WHEN %(status)s = 'done' THEN 1 ELSE progress END"
        " WHERE run_id = %(run_id)s AND status = 'running'",
        asdict(ending)
        | {"now": now, "counts": json.dumps(counts), "calls": api_calls, "bytes": bytes_read}
        | {"run_id": run_id},
    )
    # At once, for a closing session keeps its locks until the server has noticed.
    connection.execute("SELECT pg_advisory_unlock_all()")


def keep_rejects(
    connection: "Connection",
    run_id: int,
    table: str,
    rejects: Sequence[tuple[str | None, str, str | None]],
    *,
    now: datetime,
) -> None:
    """Write down what a run could not write into a table: key, reason and sample of each."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ops.sync_reject (run_id, table_name, record_key, reason, sample,"
            " rejected_at) VALUES (%s, %s, %s, %s, %s, %s)",
            [(run_id, table, *reject, now) for reject in rejects],
        )


def interrupt_all(connection: "Connection", *, at: datetime) -> None:
    """Mark the runs as interrupted that ran when a backup was made."""
    connection.execute(
        "UPDATE ops.sync_run SET status = 'interrupted', finished_at = %s, error_kind ="
        " 'INTERRUPTED', error = 'The backup was made while it ran. Committed windows are in"
        " it. The next run of the same sync goes on from its checkpoint.'"
        " WHERE status = 'running'",
        (at,),
    )


def number_from(connection: "Connection", last_run: int) -> None:
    """Let the numbers of runs go on after one, and after all that are stored."""
    connection.execute(
        "SELECT setval(pg_get_serial_sequence('ops.sync_run', 'run_id'),"
        " greatest(%s, (SELECT coalesce(max(run_id), 0) FROM ops.sync_run), 1))",
        (last_run,),
    )
