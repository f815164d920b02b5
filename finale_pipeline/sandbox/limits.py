"""The account's three request budgets, with fixed windows, as its headers tell them."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime


class RateLimits:
    """Counts requests per minute and hour.

    Args:
        per_minute: GETs a minute, and as many POSTs.
    """

    def __init__(self, per_minute: int, per_hour: int, clock: Callable[[], datetime]) -> None:
        self._spans = {"minute": (60, per_minute), "hour": (3600, per_hour)}
        self._clock = clock
        self._counts: dict[tuple[str, int], int] = {}
        self._mutex = threading.Lock()

    def take(self, method: str, *, is_collection: bool) -> tuple[bool, dict[str, str]]:
        """Count a request.

        Returns:
            Whether it may pass, and the headers that say what is left of the tightest budget; the
            reset in Unix milliseconds.
        """
        now = int(self._clock().timestamp())
        names = ("minute", "hour") if is_collection else ("minute",)
        tightest: tuple[int, int, int] | None = None
        with self._mutex:
            for name in names:
                seconds, limit = self._spans[name]
                key = (f"{method} {name}", now // seconds)
                used = self._counts[key] = self._counts.get(key, 0) + 1
                budget = limit - used, limit, (now // seconds + 1) * seconds
                tightest = budget if tightest is None else min(tightest, budget)
        remaining, limit, reset = tightest or (0, 0, 0)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": str(reset * 1000),
        }
        return remaining >= 0, headers


class Rates:
    """How often it was asked, as it saw it; nothing is refused here."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._refused = 0
        self._mutex = threading.Lock()

    def note(self, *, is_refused: bool = False) -> None:
        """Count a read that came; and once more when it is over a budget."""
        with self._mutex:
            if is_refused:
                self._refused += 1
            else:
                self._moments.append(time.monotonic())

    def as_dict(self) -> dict[str, int]:
        """Return all requests, the most in any 60 seconds, and the refused ones."""
        with self._mutex:
            moments, refused = list(self._moments), self._refused
        busiest = max(
            (i + 1 - bisect_left(moments, m - 60) for i, m in enumerate(moments)), default=0
        )
        return {"requests": len(moments), "busiest_minute": busiest, "refused": refused}
