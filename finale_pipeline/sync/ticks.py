"""Decides what becomes of a schedule's due time: once, whoever asks, with the reason kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finale_pipeline.domain.syncs.strategy import (
    LADDER,
    Schedule,
    StrategyChoice,
    Thresholds,
    covering,
    smart,
)
from finale_pipeline.sync.strategies import TABLE_SETS
from finale_pipeline.warehouse import leases, locks, ticks
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.reads import runs
from finale_pipeline.warehouse.requests import blocked_until

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings
    from finale_pipeline.warehouse.connect import Connection

LOST_AFTER = timedelta(minutes=5)
"""A tick that was to run and whose run never began may be decided again after so long."""
SHORT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TickDecision:
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
) -> TickDecision:
    """Decide a tick, and keep the decision in `ops.schedule_tick`.

    Args:
        settings: The thresholds of the smart choice.
        due: Schedules that are switched on, with their newest due time up to now, UTC.
    """
    with _deciding(connection):
        choice = choose(connection, settings, now=now)
        tick = _schedule(connection, schedule, choice, tick_at)
        if _is_repeat(connection, tick, tick_at, now):
            return TickDecision(
                is_run=False,
                strategy=tick.strategy,
                reason="decided before; a second daemon seems to run (finale doctor)",
            )
        others = [_schedule(connection, n, choice, at) for n, at in due.items() if n != schedule]
        awake_at = ticks.last_decided_at(connection, before=now - SHORT)
        why_not = _obstacle(connection, tick.strategy, now) or covering(
            tick,
            tick_at,
            now=now,
            awake_at=awake_at,
            others=others,
        )
        reason = why_not or (choice.reason if schedule == "smart" else None)
        decision = TickDecision(why_not is None, tick.strategy, reason)
        ticks.keep(
            connection,
            schedule,
            tick_at,
            strategy=decision.strategy,
            is_run=decision.is_run,
            reason=decision.reason,
            now=now,
        )
        return decision


def choose(connection: "Connection", settings: "Settings", *, now: datetime) -> StrategyChoice:
    """Return the smart choice of this moment."""
    last = runs.last_good_at(connection, LADDER, now=now)
    minutes = (now - last).total_seconds() / 60 if last else None
    bounds = Thresholds(settings.smart_critical, settings.smart_inventory, settings.smart_active)
    return smart(minutes, bounds)


@contextmanager
def _deciding(connection: "Connection") -> Iterator[None]:
    with connection.transaction():
        locks.acquire_until_commit(connection, Lock.SMART_TICK)
        yield


def _schedule(
    connection: "Connection", name: str, choice: StrategyChoice, due_at: datetime
) -> Schedule:
    tick = ticks.find(connection, name, due_at)
    strategy = choice.strategy if name == "smart" else name
    if tick is None:
        return Schedule(name, strategy, due_at)
    return Schedule(name, strategy, due_at, tick.decided_at, tick.is_run)


def _is_repeat(connection: "Connection", tick: Schedule, tick_at: datetime, now: datetime) -> bool:
    """Whether the tick was decided already; one whose run was lost may be decided again."""
    if tick.decided_at is None:
        return False
    has_begun = runs.has_begun(connection, tick.strategy, since=tick.decided_at, now=now)
    if tick.is_run and not has_begun and now - tick.decided_at > LOST_AFTER:
        return False
    ticks.note_repeat(connection, tick.name, tick_at, now=now)
    return True


def _obstacle(connection: "Connection", strategy: str, now: datetime) -> str | None:
    """Say what keeps a strategy from running now."""
    if strategy != "full" and not runs.was_ever_full(connection):
        return "the first full sync is not done yet"
    for table_set in TABLE_SETS[strategy]:
        holder = leases.taken(connection, table_set)
        if holder is not None:
            return f"the {table_set} tables are taken: {holder}"
    until = blocked_until(connection, now=now)
    if until is not None and until - now > SHORT:
        return f"Finale's budget is used up until {until:%Y-%m-%d %H:%M:%S} UTC"
    return None
