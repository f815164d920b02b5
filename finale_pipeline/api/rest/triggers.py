"""Starting a sync through Dagster: which strategy, whether the tables are free, and only once."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.api.server.context import Context
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.sync.strategies import TABLE_SETS
from finale_pipeline.sync.ticks import choose
from finale_pipeline.warehouse import leases, locks
from finale_pipeline.warehouse.connect import Connection, row_of, rows_of
from finale_pipeline.warehouse.locks import Lock

BEGINS_WITHIN = timedelta(minutes=2)
"""A started run that did not begin within this is lost, and may be started again."""
ANSWERS_KEPT = timedelta(days=1)

RUN = (
    "SELECT run_id, strategy, trigger, dagster_run_id, started_at, step, progress, batch, batches,"
    " rows_done, eta_at, extract(epoch FROM %(now)s - started_at)::float8 AS age_seconds"
    " FROM ops.sync_run WHERE status = 'running'"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a sync: what for, in whose name, and how its sender named it."""

    strategy: str
    actor: str
    key: str | None = None


def start(connection: Connection, context: Context, ask: Ask) -> dict[str, Any]:
    """Start a sync and return the answer; the same key gets the same answer, and one run.

    Raises:
        Problem: 409: the tables are taken, or the run is about to begin. 422: the key was used
            for something else. 503: Dagster does not answer.
    """
    now = context.clock()
    with connection.transaction():
        locks.take_until_commit(connection, Lock.START)
        answered = _answered(connection, ask, now)
        if answered is not None:
            return answered
        strategy, reason = ask.strategy, "asked for"
        if strategy == "smart":
            choice = choose(connection, context.settings, now=now)
            strategy, reason = choice.strategy, choice.reason
        _require_free(connection, strategy, now)
        tags = {
            "finale/trigger": "api",
            "finale/by": ask.actor,
            "finale/strategy": strategy,
            "finale/reason": reason,
            "finale/asked_at": now.isoformat(),
            "dagster/partition": now.astimezone(context.settings.zone).date().isoformat(),
        }
        dagster_run_id = context.dagster.launch(f"{strategy}_sync", tags)
        answer = {
            "run_id": dagster_run_id,
            "strategy": strategy,
            "reason": reason,
            "asked_at": now.isoformat(),
            "run_url": f"{context.dagster.url}/runs/{dagster_run_id}",
            "status_url": "/api/sync-finale/status",
        }
        connection.execute(
            "INSERT INTO ops.trigger (idempotency_key, asked_for, strategy, dagster_run_id, answer,"
            " asked_at, asked_by) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (ask.key, ask.strategy, strategy, dagster_run_id, json.dumps(answer), now, ask.actor),
        )
    return answer


def running(connection: Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Return the syncs that run, the newest first; those of dead processes are closed before."""
    leases.mark_crashed_runs(connection, now=now)
    return rows_of(connection, f"{RUN} ORDER BY run_id DESC", now=now)


def _answered(connection: Connection, ask: Ask, now: datetime) -> dict[str, Any] | None:
    """Return the answer that a key got before."""
    if ask.key is None:
        return None
    connection.execute(
        "UPDATE ops.trigger SET idempotency_key = NULL"
        " WHERE idempotency_key = %s AND asked_at < %s",
        (ask.key, now - ANSWERS_KEPT),
    )
    row = row_of(
        connection,
        "SELECT asked_for, answer FROM ops.trigger WHERE idempotency_key = %(key)s",
        key=ask.key,
    )
    if row is None:
        return None
    if row["asked_for"] != ask.strategy:
        raise Problem(
            422, f"This Idempotency-Key was used for the {row['asked_for']} sync.",
            code="idempotency_key_reused",
        )  # fmt: skip
    answer: dict[str, Any] = row["answer"]
    return answer


def _require_free(connection: Connection, strategy: str, now: datetime) -> None:
    for run in running(connection, now=now):
        if any(leases.taken(connection, s) for s in TABLE_SETS[strategy]) and _meets(
            connection, run["run_id"], strategy
        ):
            raise _conflict(f"The {run['strategy']} sync {run['run_id']} works on them.", run)
    for table_set in TABLE_SETS[strategy]:
        holder = leases.taken(connection, table_set)
        if holder is not None:
            raise _conflict(f"The {table_set} tables are taken: {holder}.", None)
    _require_none_begins(connection, strategy, now)


def _meets(connection: Connection, run_id: int, strategy: str) -> bool:
    row = connection.execute(
        "SELECT locks && %s FROM ops.sync_run WHERE run_id = %s",
        (list(TABLE_SETS[strategy]), run_id),
    ).fetchone()
    return bool(row and row[0])


def _require_none_begins(connection: Connection, strategy: str, now: datetime) -> None:
    """Refuse while a run that was started before has not begun: it will take the same tables."""
    rivals = [name for name, sets in TABLE_SETS.items() if set(sets) & set(TABLE_SETS[strategy])]
    begins = row_of(
        connection,
        "SELECT t.strategy, t.dagster_run_id, t.asked_at AS started_at,"
        " extract(epoch FROM %(now)s - t.asked_at)::float8 AS age_seconds FROM ops.trigger t"
        " WHERE t.strategy = ANY (%(rivals)s) AND t.asked_at > %(since)s AND NOT EXISTS"
        " (SELECT FROM ops.sync_run r WHERE r.dagster_run_id = t.dagster_run_id)"
        " ORDER BY t.trigger_id DESC LIMIT 1",
        now=now, rivals=rivals, since=now - BEGINS_WITHIN,
    )  # fmt: skip
    if begins is not None:
        raise _conflict(f"The {begins['strategy']} sync that was just started begins.", begins)


def _conflict(what: str, run: dict[str, Any] | None) -> Problem:
    shown = None
    if run is not None:
        shown = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in run.items()}
        shown["progress"] = float(run["progress"]) if run.get("progress") is not None else None
    return Problem(
        409, f"{what} Nothing was started and nothing waits.", code="sync_running",
        headers={"Retry-After": "30"}, running=shown,
    )  # fmt: skip
