"""Waits for room in the source's request budgets; the counting is the ledger's."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from finale_pipeline.errors import ThrottledError

LONGEST_WAIT = 60.0
"""Seconds a request may wait for budget; a longer wait ends the run with the time to return."""


class RequestLedger(Protocol):
    """Counts requests; all processes of an account share one."""

    def take(self, *, now: datetime, method: str, is_collection: bool) -> datetime:
        """Count a request if there is room, and return when there is: now, or later."""
        ...

    def block(self, until: datetime) -> None:
        """Let no request out before a moment that the source named."""
        ...


class Budget:
    """The budgets as one process meets them; shared by its threads."""

    def __init__(
        self,
        ledger: RequestLedger,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._sleep = sleep

    def acquire(self, *, is_collection: bool, method: str = "GET") -> None:
        """Wait until a request may go out, and count it.

        Raises:
            ThrottledError: That is more than a minute away.
        """
        while True:
            now = self._clock()
            free_at = self._ledger.take(now=now, method=method, is_collection=is_collection)
            if free_at <= now:
                return
            wait = (free_at - now).total_seconds()
            if wait > LONGEST_WAIT:
                raise ThrottledError("Finale's request budget is used up.", retry_at=free_at)
            self._sleep(wait)

    def block_until(self, moment: datetime) -> None:
        """Let no request out before a moment that the source named."""
        self._ledger.block(moment)
