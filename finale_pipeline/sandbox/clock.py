"""The simulated account's time: the real one, moved as far as one likes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that can be moved.

    Args:
        frozen_at: Stand still there; None = run with the real time.
        real: Gives the real time in UTC.
    """

    def __init__(
        self,
        frozen_at: datetime | None = None,
        *,
        real: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._real = real
        self._frozen = frozen_at
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the account's time, UTC."""
        return (self._frozen or self._real()) + self._offset

    def advance(self, *, seconds: float) -> None:
        """Move the clock."""
        self._offset += timedelta(seconds=seconds)
