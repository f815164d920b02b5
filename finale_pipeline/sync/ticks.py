"""Decides what becomes of a schedule's due time: once, whoever asks, with the reason kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from finale_pipeline.domain.syncs.strategy import (
    Schedule,
    StrategyChoice,
    Thresholds,
    covering,
    smart,
)
from finale_pipeline.sync.strategies import TABLE_SETS
from finale_pipeline.warehouse import leases, locks
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.requests import blocked_until

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings
    from finale_pipeline.warehouse.connect import Connection

LOST_AFTER = timedelta(minutes=5)
"""A tick that was to run and whose run never began may be decided again after so long."""
SHORT = timedelta(minutes=1)
LADDER = ("critical", "inventory", "active", "full")
"""The strategies that smart chooses from; a good one of them makes the account fresh."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a tick: whether to run, which strategy, and why (not)."""

    is_run: bool
    strategy: str
    reason: str | None


def decide(
    connection: "Connection",
    settings: "Settings",
    *,
    schedule: str,
    tick_at: datetime,
    now: datetime,
    due: Mapping[str, datetime],
) -> Decision:
    """Decide a tick, and keep the decision in `ops.schedule_tick`.

    Args:
        connection: To the warehouse.
        settings: The thresholds of the smart choice.
        schedule: Its name: a strategy, or `smart`.
        tick_at: When it was due, UTC.
        now: The present time, UTC.
        due: Schedules that are switched on, with their newest due time up to now, UTC.
    """
    with _deciding(connection):
        choice = choose(connection, settings, now=now)
        tick = _schedule(connection, schedule, choice, tick_at)
        if _is_repeat(connection, tick, tick_at, now):
            return Decision(
                is_run=False,
                strategy=tick.strategy,
                reason="decided before; a second daemon seems to run (finale doctor)",
            )
        others = [_schedule(connection, n, choice, at) for n, at in due.items() if n != schedule]
        why_not = _obstacle(connection, tick.strategy, now) or covering(
            tick, tick_at, now=now, awake_at=_awake_at(connection, now), others=others
        )
        reason = why_not or (choice.reason if schedule == "smart" else None)
        decision = Decision(why_not is None, tick.strategy, reason)
        _keep(connection, schedule, tick_at, decision, now)
        return decision


def choose(connection: "Connection", settings: "Settings", *, now: datetime) -> StrategyChoice:
    """Return the smart choice of this moment."""
    row = connection.execute(
        "SELECT max(finished_at) FROM ops.sync_run WHERE status = 'done' AND strategy = ANY (%s)",
        (list(LADDER),),
    ).fetchone()
    last = cast("datetime | None", row[0]) if row else None
    minutes = (now - last).total_seconds() / 60 if last else None
    bounds = Thresholds(settings.smart_critical, settings.smart_inventory, settings.smart_active)
    return smart(minutes, bounds)


@contextmanager
def _deciding(connection: "Connection") -> Iterator[None]:
    with connection.transaction():
        locks.take_until_commit(connection, Lock.SMART_TICK)
        yield


def _schedule(
    connection: "Connection", name: str, choice: StrategyChoice, due_at: datetime
) -> Schedule:
    row = connection.execute(
        "SELECT decided_at, is_run FROM ops.schedule_tick"
        " WHERE schedule_name = %s AND tick_at = %s",
        (name, due_at),
    ).fetchone()
    decided_at, is_run = cast("tuple[datetime | None, bool]", row or (None, False))
    strategy = choice.strategy if name == "smart" else name
    return Schedule(name, strategy, due_at, decided_at, is_run)


def _is_repeat(connection: "Connection", tick: Schedule, tick_at: datetime, now: datetime) -> bool:
    """Whether the tick was decided already; one whose run was lost may be decided again."""
    if tick.decided_at is None:
        return False
    begun = connection.execute(
        "SELECT FROM ops.sync_run WHERE strategy = %s AND started_at >= %s LIMIT 1",
        (tick.strategy, tick.decided_at),
    ).fetchone()
    if tick.is_run and begun is None and now - tick.decided_at > LOST_AFTER:
        return False
    connection.execute(
        "UPDATE ops.schedule_tick SET repeats = repeats + 1, repeated_at = %s"
        " WHERE schedule_name = %s AND tick_at = %s",
        (now, tick.name, tick_at),
    )
    return True


def _obstacle(connection: "Connection", strategy: str, now: datetime) -> str | None:
    """Say what keeps a strategy from running now."""
    if strategy != "full" and not _was_full(connection):
        return "the first full sync is not done yet"
    for table_set in TABLE_SETS[strategy]:
        holder = leases.taken(connection, table_set)
        if holder is not None:
            return f"the {table_set} tables are taken: {holder}"
    until = blocked_until(connection)
    if until is not None and until - now > SHORT:
        return f"Finale's budget is used up until {until:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _awake_at(connection: "Connection", now: datetime) -> datetime | None:
    row = connection.execute(
        "SELECT max(decided_at) FROM ops.schedule_tick WHERE decided_at < %s", (now - SHORT,)
    ).fetchone()
    return cast("datetime | None", row[0]) if row else None


def _was_full(connection: "Connection") -> bool:
    row = connection.execute(
        "SELECT FROM ops.sync_run WHERE strategy = 'full' AND status = 'done' LIMIT 1"
    ).fetchone()
    return row is not None


def _keep(
    connection: "Connection", schedule: str, tick_at: datetime, decision: Decision, now: datetime
) -> None:
    connection.execute(
        "INSERT INTO ops.schedule_tick (schedule_name, tick_at, decided_at, strategy, is_run,"
        " reason) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (schedule_name, tick_at) DO UPDATE"
        " SET decided_at = excluded.decided_at, is_run = excluded.is_run,"
        " reason = excluded.reason",
        (schedule, tick_at, now, decision.strategy, decision.is_run, decision.reason),
    )
