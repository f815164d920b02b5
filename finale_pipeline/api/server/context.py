"""What every request of the app shares, and what a route asks for."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Response, params
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from finale_pipeline.api.server.concurrency import Rooms
from finale_pipeline.api.server.dagster import Dagster
from finale_pipeline.api.server.database import Lent, Pool
from finale_pipeline.api.server.disconnects import guest_of
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.notify import links
from finale_pipeline.warehouse.connect import Connection

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

Headers = dict[str, str]
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Context:
    """What every request shares.

    Attributes:
        settings: The program's settings.
        pool: Connections to the warehouse.
        dagster: Where syncs are started.
        clock: Returns the present time, UTC.
        rooms: Places for requests that want a connection.
    """

    settings: "Settings"
    pool: Pool
    dagster: Dagster
    clock: Callable[[], datetime]
    rooms: Rooms = field(default_factory=Rooms)

    @property
    def key(self) -> bytes:
        """Signs links and cursors; read anew each time, since a command may replace it."""
        return links.key_of(self.settings.home)


# What does not wait for anything is `async`: the others are given to a thread and back each time.
async def context_of(request: Request) -> Context:
    """Return the app's context."""
    found: Context = request.app.state.context
    return found


Shared = Annotated[Context, Depends(context_of)]


async def _lent(context: Shared, request: Request) -> AsyncIterator[Lent]:
    """Lend a connection until the answer is made, or until a reader hangs up."""
    guest, reads = guest_of(request.scope), request.method in SAFE
    async with context.rooms.place(reads=reads):
        if reads and guest.is_gone:
            raise Problem(503, "The client hung up.", code="hung_up")
        lent = await run_in_threadpool(context.pool.lend)
        if reads:  # what writes is finished, whoever waits for the answer
            guest.stop = lent.connection.cancel_safe
        try:
            yield lent
        finally:
            guest.stop = None
            context.pool.take_back(lent.connection, is_spoilt=reads and guest.is_gone)


_Lent = Annotated[Lent, Depends(_lent, scope="function")]


async def _connection(lent: _Lent) -> Connection:
    return lent.connection


Warehouse = Annotated[Connection, Depends(_connection)]


async def as_of_headers(lent: _Lent, response: Response) -> Headers:
    """Return the headers that say how old an answer's data are, and which run they are of."""
    found = {"X-Data-As-Of": lent.read_at.isoformat()} if lent.read_at else {}
    if lent.run_id is not None:
        found["X-Finale-Run-Id"] = str(lent.run_id)
    response.headers.update(found)
    return found


AsOf = Annotated[Headers, Depends(as_of_headers)]


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, and those given twice.

    A misspelt filter would else answer with everything.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {
        p.alias for p in get_flat_params(route.dependant) if isinstance(p.field_info, params.Query)
    }
    given = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(given) - known)
    if unknown:
        there = f"; there are: {', '.join(sorted(known))}" if known else ""
        raise Problem(
            422, f"There is no parameter {unknown[0][:60]!r}{there}.", code="unknown_parameter"
        )
    if len(given) > len(set(given)):
        raise Problem(422, "A parameter is given twice.", code="repeated_parameter")
