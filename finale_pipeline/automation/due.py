"""Due times, as Dagster's own scheduler counts them."""

from datetime import UTC, datetime


def last_tick(cron: str, zone: str, now: datetime) -> datetime:
    """Return the newest due time up to now, as Dagster's own scheduler counts them."""
    # Not public, and yet the only way to treat clock-change days just as the scheduler does.
    from dagster._utils.schedules import cron_string_iterator  # noqa: PLC0415

    backwards = cron_string_iterator(now.timestamp(), cron, zone, ascending=False)
    return next(tick for tick in backwards if tick <= now).astimezone(UTC)
