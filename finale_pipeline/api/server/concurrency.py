"""Who may work at the same time: a start of a sync does not stand in line behind fifty readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from finale_pipeline.api.server.database import MOST_CONNECTIONS
from finale_pipeline.api.server.problems import Problem

READERS = 4
"""Reads that work at once: more would only make each other wait for the processor."""
WRITERS = MOST_CONNECTIONS - READERS - 1
"""Connections kept for writes; the last one is left for health."""
PATIENCE_SECONDS = 20.0
"""Longest wait for a place. It costs nothing here, and fifty readers of a machine with much else
to do were seen to wait for five seconds."""
GIVEN_WAY_SECONDS = 1.0
"""Longest time that reads wait for writes, such as for a Dagster that does not answer."""


class Rooms:
    """Places for requests; whoever must wait waits here and not in a thread.

    While something is written no further read begins: Dagster starts a run in 40 ms when the
    processor is free, and in 700 ms beside readers.
    """

    def __init__(self) -> None:
        self._readers = asyncio.Semaphore(READERS)
        self._writers = asyncio.Semaphore(WRITERS)
        self._writing = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()

    @asynccontextmanager
    async def place(self, *, reads: bool) -> AsyncIterator[None]:
        """Hold a place for the body.

        Raises:
            Problem: 503: none became free in time.
        """
        room = self._readers if reads else self._writers
        try:
            await asyncio.wait_for(room.acquire(), PATIENCE_SECONDS)
        except TimeoutError:
            raise Problem(
                503, "Too many requests are under way.", code="busy", headers={"Retry-After": "2"}
            ) from None
        try:
            async with self._giving_way() if reads else self._going_first():
                yield
        finally:
            room.release()

    @asynccontextmanager
    async def _giving_way(self) -> AsyncIterator[None]:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_quiet.wait(), GIVEN_WAY_SECONDS)
        yield

    @asynccontextmanager
    async def _going_first(self) -> AsyncIterator[None]:
        self._writing += 1
        self._is_quiet.clear()
        try:
            yield
        finally:
            self._writing -= 1
            if not self._writing:
                self._is_quiet.set()
