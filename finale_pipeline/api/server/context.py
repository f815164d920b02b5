"""What every request of the app shares, and what a route asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response, params
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from finale_pipeline.api.server.dagster import Dagster
from finale_pipeline.api.server.database import Acquired, Pool
from finale_pipeline.api.server.problems import Problem, later
from finale_pipeline.notify import links
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection

Headers = dict[str, str]
T = TypeVar("T")
SAFE = ("GET", "HEAD")
READERS = 4
"""Reads that work at once: more would only make each other wait for the processor. Connections
beyond them are left to writes and probes, which so never stand in line behind readers."""
MOST_CACHED = 32
"""So many answers that take long are cached."""
WAIT_SECONDS = 20.0
"""Longest wait of a read for its turn. It costs nothing here, and fifty readers of a machine with
much else to do were seen to wait for five seconds."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every request shares."""

    settings: Settings
    pool: Pool
    dagster: Dagster
    clock: Callable[[], datetime]
    readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))
    cached: dict[object, Any] = field(default_factory=dict)

    def once(self, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        """Return what was computed under a key before, else compute it; the last few are cached.

        Args:
            key: Of what is asked for, and of the data that it is computed from.
        """
        result: T | None = self.cached.get(key)
        if result is None:
            result = self.cached[key] = compute()
            for old in [*self.cached][:-MOST_CACHED]:
                self.cached.pop(old, None)
        return result

    @property
    def key(self) -> bytes:
        """Signs links and cursors; read anew each time, since a command may replace it."""
        return links.key_of(self.settings.home)


# What does not wait for anything is `async`: the others are given to a thread and back each time.
async def context_of(request: Request) -> Context:
    """Return the app's context."""
    context: Context = request.app.state.context
    return context


Shared = Annotated[Context, Depends(context_of)]


@asynccontextmanager
async def _turn(context: Context, request: Request) -> AsyncIterator[None]:
    """Wait here and not in a thread until a read may begin; writes and probes begin at once.

    Raises:
        Problem: 503: its turn did not come in time.
    """
    if request.method not in SAFE or request.url.path == "/readyz":
        yield
        return
    try:
        await asyncio.wait_for(context.readers.acquire(), WAIT_SECONDS)
    except TimeoutError:
        raise later("Too many requests are under way.", code="busy", seconds=2) from None
    try:
        yield
    finally:
        context.readers.release()


async def _acquired(context: Shared, request: Request) -> AsyncIterator[Acquired]:
    """Hold a connection until the answer is made."""
    async with _turn(context, request):
        acquired = await run_in_threadpool(context.pool.acquire)
        try:
            yield acquired
        finally:
            context.pool.release(acquired.connection)


_Acquired = Annotated[Acquired, Depends(_acquired, scope="function")]


async def _connection(acquired: _Acquired) -> Connection:
    return acquired.connection


Warehouse = Annotated[Connection, Depends(_connection)]


async def as_of_headers(acquired: _Acquired, response: Response) -> Headers:
    """Return the headers that say how old an answer's data are, and which run they are of."""
    headers = {"X-Data-As-Of": acquired.read_at.isoformat()} if acquired.read_at else {}
    if acquired.run_id is not None:
        headers["X-Finale-Run-Id"] = str(acquired.run_id)
    response.headers.update(headers)
    return headers


AsOf = Annotated[Headers, Depends(as_of_headers)]


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, and those given twice.

    A misspelt filter would else answer with everything.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    others = (params.Path, params.Header, params.Cookie)
    flat = get_flat_params(route.dependant)  # also those that stand in a model
    allowed = {p.alias for p in flat if not isinstance(p.field_info, others)}
    names = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(names) - allowed)
    if unknown:
        there = f"; there are: {', '.join(sorted(allowed))}" if allowed else ""
        raise Problem(
            422, f"There is no parameter {unknown[0][:60]!r}{there}.", code="unknown_parameter"
        )
    if len(names) > len(set(names)):
        raise Problem(422, "A parameter is given twice.", code="repeated_parameter")
