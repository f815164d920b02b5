"""The time, and the day it is for the account. Everything else gets the time as an argument."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo

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
