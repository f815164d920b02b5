"""Hours of the account's day in which no mail leaves."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(hours: str | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of quiet hours such as 22:00-07:00 that it is in; None outside, or without.

    >>> night = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    >>> quiet_until("22:00-07:00", night, ZoneInfo("UTC")).isoformat()
    '2026-03-10T07:00:00+00:00'
    >>> quiet_until("22:00-07:00", night, ZoneInfo("America/New_York"))
    """
    if hours is None:
        return None
    begin, end = (time.fromisoformat(text.strip()) for text in hours.split("-"))
    local = now.astimezone(zone)
    at = local.time()
    is_over_midnight = begin > end
    is_quiet = at >= begin or at < end if is_over_midnight else begin <= at < end
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if is_over_midnight and at >= begin else 0)
    return datetime.combine(day, end, zone).astimezone(UTC)
