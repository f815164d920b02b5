"""Due times, as Dagster's own scheduler counts them; and from when on an asset is late by them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from finale_pipeline.domain.syncs.strategy import assets_of

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

GRACE = timedelta(minutes=2)
"""So long a sync that is due may take until it is in the ledger as done."""
SPARE = timedelta(hours=2)
"""An asset that was not read when it was due is late after so long, or when it is due again."""


def _ticks(cron: str, zone: str, start: datetime, *, ascending: bool) -> Iterator[datetime]:
    # Not public, and yet the only way to treat clock-change days just as the scheduler does.
    from dagster._utils.schedules import cron_string_iterator

    ticks = cron_string_iterator(start.timestamp(), cron, zone, ascending=ascending)
    return (tick.astimezone(UTC) for tick in ticks)


def last_tick(cron: str, zone: str, now: datetime) -> datetime:
    """Return the newest due time up to now."""
    newest = next(tick for tick in _ticks(cron, zone, now, ascending=False) if tick <= now)
    # Where the hour after midnight comes twice, as in Havana, it steps back too far; forwards, as
    # the scheduler itself goes, it leaves none out.
    for tick in _ticks(cron, zone, newest, ascending=True):
        if tick > now:
            break
        newest = max(newest, tick)
    return newest


def missed_at(
    since: datetime, crons: Collection[str], zone: str, *, spare: timedelta = timedelta.max
) -> datetime | None:
    """Return when two due times after a moment were missed, or one by `spare`; None = none is due.

    It is the one rule of what is late: of assets with `SPARE`, of syncs that are mailed about
    without.
    """
    due = set[datetime]()
    for cron in crons:
        later = (tick for tick in _ticks(cron, zone, since, ascending=True) if tick > since)
        due.update(islice(later, 2))
    if not due:
        return None
    first, second = sorted(due)[:2]
    return first + min(second - first, spare) + GRACE


@cache
def longest_allowed(crons: frozenset[str], zone: str) -> timedelta | None:
    """Return after how long without a read `missed_at` calls an asset late, in its longest pause.

    For Dagster's own judgement, which knows one age and no due times; None = too little is due.
    """
    begin = datetime(2026, 1, 5, tzinfo=UTC)  # weeks like any other
    until = begin + timedelta(days=23)
    ticks = (_ticks(cron, zone, begin, ascending=True) for cron in crons)
    due = sorted({tick for own in ticks for tick in takewhile(lambda tick: tick < until, own)})
    spans = [
        first + min(second - first, SPARE) + GRACE - read
        for read, first, second in zip(due, due[1:], due[2:], strict=False)
    ]
    return max(spans, default=None)


def sure_of(schedule: str) -> tuple[str, ...]:
    """Return the assets that every sync of a schedule reads: of smart's, the smallest does."""
    return assets_of("critical" if schedule == "smart" else schedule)


def note_lateness(connection: "Connection", crons: Mapping[str, str], zone: str) -> None:
    """Note from when on each asset is late, by the schedules that are on; all doors go by it."""
    from finale_pipeline.warehouse.reads import health  # nothing at import

    late_at = {}
    for age in health.asset_ages(connection):
        own = [cron for name, cron in crons.items() if age.asset in sure_of(name)]
        moment = missed_at(age.read_at, own, zone, spare=SPARE) if age.read_at else None
        if age.read_at is not None and moment is not None:
            late_at[age.asset] = (age.read_at, moment)
    health.note_lateness(connection, late_at)
