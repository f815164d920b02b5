"""Due times of schedules, and what was decided of each."""

from dataclasses import dataclass
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


@dataclass(frozen=True, slots=True)
class Tick:
    """A due time that was decided: when, and whether a sync was to run."""

    decided_at: datetime
    is_run: bool


def find(connection: Connection, schedule: str, tick_at: datetime) -> Tick | None:
    """Return what was decided of a schedule's due time."""
    query = (
        "SELECT decided_at, is_run FROM ops.schedule_tick WHERE schedule_name = %s AND tick_at = %s"
    )
    return connection.one(Tick, query, schedule, tick_at)


def keep(
    connection: Connection,
    schedule: str,
    tick_at: datetime,
    *,
    strategy: str,
    is_run: bool,
    reason: str | None,
    now: datetime,
) -> None:
    """Write down what was decided of a due time."""
    connection.execute(
        "INSERT INTO ops.schedule_tick (schedule_name, tick_at, decided_at, strategy, is_run,"
        " reason) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (schedule_name, tick_at) DO UPDATE"
        " SET decided_at = excluded.decided_at, is_run = excluded.is_run,"
        " reason = excluded.reason",
        (schedule, tick_at, now, strategy, is_run, reason),
    )


def note_repeat(connection: Connection, schedule: str, tick_at: datetime, *, now: datetime) -> None:
    """Note that a due time came again."""
    connection.execute(
        "UPDATE ops.schedule_tick SET repeats = repeats + 1, repeated_at = %s"
        " WHERE schedule_name = %s AND tick_at = %s",
        (now, schedule, tick_at),
    )


def last_decided_at(connection: Connection, *, before: datetime | None = None) -> datetime | None:
    """Return when any due time was last decided; None = never."""
    return connection.scalar(
        datetime,
        "SELECT max(decided_at) FROM ops.schedule_tick"
        " WHERE %(before)s::timestamptz IS NULL OR decided_at < %(before)s",
        before=before,
    )
