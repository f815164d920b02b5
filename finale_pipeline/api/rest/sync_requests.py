"""Starting a sync through Dagster: which strategy, whether the tables are free, and only once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.api.server.context import Context
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.domain.syncs import tags
from finale_pipeline.sync.strategies import TABLE_SETS
from finale_pipeline.sync.ticks import choose
from finale_pipeline.warehouse import leases, locks, sync_requests
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.reads import runs as runs_reads

BEGINS_WITHIN = timedelta(minutes=2)
"""A started run that did not begin within this is lost, and may be started again."""
ANSWERS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """A request for a sync: what for, in whose name, and how its sender named it."""

    strategy: str
    actor: str
    key: str | None = None


def start_sync(connection: Connection, context: Context, request: SyncRequest) -> dict[str, Any]:
    """Start a sync and return the answer; the same key gets the same answer, and one run.

    Raises:
        Problem: 409: the tables are taken, or the run is about to begin. 422: the key was used
            for something else. 503: Dagster does not answer.
    """
    now = context.clock()
    with connection.transaction():
        locks.acquire_until_commit(connection, Lock.START)
        answered = _answered(connection, request, now)
        if answered is not None:
            return answered
        strategy, reason = request.strategy, "asked for"
        if strategy == "smart":
            choice = choose(connection, context.settings, now=now)
            strategy, reason = choice.strategy, choice.reason
        _require_free(connection, strategy, now)
        of_run = {
            tags.TRIGGER: "api",
            tags.BY: request.actor,
            tags.STRATEGY: strategy,
            tags.REASON: reason,
            tags.ASKED_AT: now.isoformat(),
            "dagster/partition": now.astimezone(context.settings.zone).date().isoformat(),
        }
        dagster_run_id = context.dagster.launch(f"{strategy}_sync", of_run)
        answer = {
            "run_id": dagster_run_id,
            "strategy": strategy,
            "reason": reason,
            "asked_at": now.isoformat(),
            "run_url": f"{context.dagster.url}/runs/{dagster_run_id}",
            "status_url": "/api/sync-finale/status",
        }
        sync_requests.keep(
            connection,
            asked_for=request.strategy,
            strategy=strategy,
            dagster_run_id=dagster_run_id,
            answer=answer,
            now=now,
            actor=request.actor,
            key=request.key,
        )
    return answer


def running(connection: Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Return the syncs that run, the newest first; those of dead processes are closed before."""
    leases.mark_crashed_runs(connection, now=now)
    return runs_reads.running(connection, now=now)


def _answered(connection: Connection, request: SyncRequest, now: datetime) -> dict[str, Any] | None:
    """Return the answer that a key got before."""
    if request.key is None:
        return None
    row = sync_requests.answered(connection, request.key, since=now - ANSWERS_KEPT)
    if row is None:
        return None
    if row["asked_for"] != request.strategy:
        raise Problem(
            422,
            f"This Idempotency-Key was used for the {row['asked_for']} sync.",
            code="idempotency_key_reused",
        )
    answer: dict[str, Any] = row["answer"]
    return answer


def _require_free(connection: Connection, strategy: str, now: datetime) -> None:
    table_sets = TABLE_SETS[strategy]
    for run in running(connection, now=now):
        is_rival = runs_reads.takes_any(connection, run["run_id"], table_sets)
        if is_rival and any(leases.taken(connection, name) for name in table_sets):
            raise _conflict(f"The {run['strategy']} sync {run['run_id']} works on them.", run)
    for table_set in table_sets:
        holder = leases.taken(connection, table_set)
        if holder is not None:
            raise _conflict(f"The {table_set} tables are taken: {holder}.", None)
    # A run that was started before and has not begun will take the same tables.
    rivals = [name for name, sets in TABLE_SETS.items() if set(sets) & set(table_sets)]
    begins = sync_requests.not_begun(connection, rivals, since=now - BEGINS_WITHIN, now=now)
    if begins is not None:
        raise _conflict(f"The {begins['strategy']} sync that was just started begins.", begins)


def _conflict(what: str, run: dict[str, Any] | None) -> Problem:
    shown = None
    if run is not None:
        shown = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in run.items()}
        shown["progress"] = float(run["progress"]) if run.get("progress") is not None else None
    return Problem(
        409,
        f"{what} Nothing was started and nothing waits.",
        code="sync_running",
        headers={"Retry-After": "30"},
        running=shown,
    )
