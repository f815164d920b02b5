"""Finale's three request budgets, kept by counting and by what its answers say."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from finale_pipeline.errors import ThrottledError

LONGEST_WAIT = 60.0
"""Seconds a request may wait for budget; a longer wait ends the run with the time to return."""


class RequestBudget(Protocol):
    """Says when the next request may go out."""

    def acquire(self, *, is_collection: bool) -> None:
        """Wait for room for one GET, or raise ThrottledError."""
        ...

    def block_until(self, moment: datetime) -> None:
        """Let no request out before a moment that the source named."""
        ...


class Budget:
    """The budgets of one process, shared by its threads.

    Args:
        get_per_minute: GETs in any 60 seconds.
        collections_per_hour: Collection reads in any hour.
        clock: Gives the time in UTC.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        *,
        get_per_minute: int = 120,
        collections_per_hour: int = 300,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._limits = (
            (get_per_minute, timedelta(minutes=1), deque[datetime]()),
            (collections_per_hour, timedelta(hours=1), deque[datetime]()),
        )
        self._clock = clock
        self._sleep = sleep
        self._blocked_until: datetime | None = None
        self._mutex = threading.Lock()

    def acquire(self, *, is_collection: bool) -> None:
        """Wait until a GET may go out, and count it.

        Raises:
            ThrottledError: That is more than a minute away.
        """
        while True:
            with self._mutex:
                now = self._clock()
                free_at = self._free_at(now, is_collection=is_collection)
                if free_at <= now:
                    for _, _, sent in self._limits[: 2 if is_collection else 1]:
                        sent.append(now)
                    return
            wait = (free_at - now).total_seconds()
            if wait > LONGEST_WAIT:
                raise ThrottledError("Finale's request budget is used up.", retry_at=free_at)
            self._sleep(wait)

    def _free_at(self, now: datetime, *, is_collection: bool) -> datetime:
        moments = [now, self._blocked_until or now]
        for limit, span, sent in self._limits[: 2 if is_collection else 1]:
            while sent and sent[0] <= now - span:
                sent.popleft()
            if len(sent) >= limit:
                moments.append(sent[len(sent) - limit] + span)
        return max(moments)

    def block_until(self, moment: datetime) -> None:
        """Let no request out before a moment that the source named."""
        with self._mutex:
            self._blocked_until = max(moment, self._blocked_until or moment)
