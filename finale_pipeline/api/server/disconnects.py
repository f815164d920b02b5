"""Clients that hang up: what was begun for them is stopped, so that others get its place."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope

GUEST = "finale_guest"


@dataclass(slots=True)
class Guest:
    """The client of one request.

    Attributes:
        is_gone: Whether it hung up.
        stop: Ends what is done for it; None = nothing can be ended.
    """

    is_gone: bool = False
    stop: Callable[[], None] | None = None


def guest_of(scope: Scope) -> Guest:
    """Return the client of a request; one that stays when nobody watches it."""
    found: Guest = scope.get(GUEST) or Guest()
    return found


@contextmanager
def watched(scope: Scope, receive: Receive, first: Message) -> Iterator[Receive]:
    """Watch a client while the body answers it, and stop the work when it hangs up.

    Args:
        scope: Of its request.
        receive: Tells of the client.
        first: What is told before: its whole body.

    Yields:
        What tells the app of the client.
    """
    guest = scope[GUEST] = Guest()
    waiting = [first]
    watch = asyncio.create_task(_wait_until_gone(guest, receive))

    async def give() -> Message:
        if waiting:
            return waiting.pop()
        await asyncio.shield(watch)
        return {"type": "http.disconnect"}

    try:
        yield give
    finally:
        watch.cancel()


async def _wait_until_gone(guest: Guest, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    guest.is_gone = True
    if guest.stop is not None:
        with suppress(Exception):  # it ends by its own limit, then
            await run_in_threadpool(guest.stop)
