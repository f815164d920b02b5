"""Due times, as Dagster's own scheduler counts them."""

from datetime import UTC, datetime


def last_tick(cron: str, zone: str, now: datetime) -> datetime:
    """Return the newest due time up to now, as Dagster's own scheduler counts them."""
    # Not public, and yet the only way to treat clock-change days just as the scheduler does.
    from dagster._utils.schedules import cron_string_iterator

    backwards = cron_string_iterator(now.timestamp(), cron, zone, ascending=False)
    newest = next(tick for tick in backwards if tick <= now)
    # Where the hour after midnight comes twice, as in Havana, it steps back too far; forwards, as
    # the scheduler itself goes, it leaves none out.
    for tick in cron_string_iterator(newest.timestamp(), cron, zone, ascending=True):
        if tick > now:
            break
        newest = max(newest, tick)
    return newest.astimezone(UTC)
