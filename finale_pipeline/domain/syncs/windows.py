"""Windows of `lastUpdatedDate`: how a span of time is cut into requests the source accepts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_DAYS = 29
"""The source refuses more than 30 days; one less, so that no rounding matters."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A span of time in UTC and whole seconds; its last is the next one's first."""

    lo: datetime
    hi: datetime

    def halves(self) -> tuple["Window", "Window"]:
        """Cut in two that share their border; a ValueError: it is one second or less."""
        seconds = int((self.hi - self.lo).total_seconds())
        if seconds <= 1:
            raise ValueError(f"a window of {seconds} s cannot be cut")
        middle = self.lo + timedelta(seconds=seconds // 2)
        return Window(self.lo, middle), Window(middle, self.hi)


def cut(since: datetime, until: datetime, *, span: timedelta) -> Iterator[Window]:
    """Yield windows that cover [since, until], none longer than `span`; neighbours share a border.

    >>> from datetime import UTC
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [w.hi.day for w in cut(day, day.replace(day=6), span=timedelta(days=2))]
    [3, 5, 6]
    """
    lo = since
    while lo < until:
        hi = min(lo + span, until)
        yield Window(lo, hi)
        lo = hi


def following(
    cursor: datetime,
    stored: Sequence[Window],
    upper: datetime,
    *,
    span: timedelta,
    extend: bool,
) -> Window:
    """Return the next window of a scan: a stored one where one begins, else a new one.

    Stored windows are kept as they are, since the same question gives the same answer, and with it
    the same digest.

    Args:
        stored: Windows of the last scan, ascending, none longer than the source allows.
        extend: Whether the last stored window may grow up to `upper` instead of a new one.
    """
    ahead = [w for w in stored if w.lo >= cursor]
    if ahead and ahead[0].lo == cursor:
        window = ahead[0]
        grows = extend and len(ahead) == 1 and upper - window.lo <= timedelta(days=MAX_DAYS)
        return Window(window.lo, max(window.hi, upper)) if grows else window
    end = min(ahead[0].lo if ahead else upper, upper)
    return Window(cursor, min(cursor + span, end))
