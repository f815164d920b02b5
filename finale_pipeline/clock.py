"""The time, and the day it is for the account. Everything else gets the time as an argument."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present time by this machine."""
    return datetime.now(UTC)


def business_day(moment: datetime, zone: tzinfo) -> date:
    """Return the account's day of an instant.

    >>> from zoneinfo import ZoneInfo
    >>> business_day(datetime(2026, 3, 9, 3, 0, tzinfo=UTC), ZoneInfo("America/New_York"))
    datetime.date(2026, 3, 8)
    """
    return moment.astimezone(zone).date()


def midnights(first: date, last: date, zone: tzinfo) -> list[datetime]:
    """Return when each day of the account begins, from the first to the last, UTC.

    For whoever must reckon days without rules of zones of its own: the database's may be older.

    >>> from zoneinfo import ZoneInfo
    >>> [f"{m:%d %H:%M}" for m in midnights(date(2026, 3, 8), date(2026, 3, 9),
    ...                                     ZoneInfo("America/New_York"))]
    ['08 05:00', '09 04:00']
    """
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [datetime.combine(day, time(), zone).astimezone(UTC) for day in days]
