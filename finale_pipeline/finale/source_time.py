"""What time it is, where the source, this machine and what was read before may disagree."""

from datetime import datetime, timedelta

NEAR = timedelta(minutes=5)
"""So far the source's clock and ours may be apart."""
LATELY = timedelta(days=2)
"""So soon after what was read last a sync is likely."""


def believed(said: datetime, ours: datetime, known: datetime | None, near: timedelta) -> datetime:
    """Return the present.

    The source is believed while it is near our own clock. Where they are apart, ours counts; unless
    the source's time follows upon what was read last and ours does not: then this machine's jumped.

    Args:
        said: UTC, by the source.
        ours: UTC, by this machine.
        known: UTC, when a sync ended last; None = none did.
        near: How far both may be apart.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> days = timedelta(days=1)
    >>> def tried(said, ours):
    ...     now = believed(noon + said * days, noon + ours * days, noon, NEAR)
    ...     return (now - noon).days
    >>> [tried(10, 0), tried(-9000, 0), tried(0, 30), tried(0, -30), tried(40, 40), tried(9, 7)]
    [0, 0, 0, 0, 40, 7]
    """
    if abs(said - ours) <= near or known is None:
        return said if abs(said - ours) <= near else ours
    return said if _follows(said, known) and not _follows(ours, known) else ours


def _follows(moment: datetime, known: datetime) -> bool:
    return known - NEAR <= moment <= known + LATELY
