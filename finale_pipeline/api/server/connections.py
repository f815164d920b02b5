"""Limits of connections: how slow, how many of one client; uvicorn itself has none of these.

A client that only holds connections gives way to one that asks something: the oldest idle
connection is closed for a new one, so that probes and people always get in.
"""

import json
from asyncio import TimerHandle
from collections import defaultdict
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from finale_pipeline.api.server.problems import MEDIA, Problem

HEADER_SECONDS = 10.0
MAX_CONNECTIONS = 500
MAX_PER_CLIENT = 100

BODY = json.dumps(Problem(408, "The request's headers came too slowly.").body("")).encode()
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
    + f"Content-Type: {MEDIA}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


class LimitedProtocol(H11Protocol):
    """The server's protocol, with limits.

    Attributes:
        header_seconds: From the connection's beginning, or a request's first byte, until its
            headers are complete.
        begun: When it was opened, on the loop's clock.
    """

    header_seconds = HEADER_SECONDS
    begun = 0.0
    _timer: TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is answered on it."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Make room for it, and begin to wait for the first request."""
        super().connection_made(transport)
        self.begun = self.loop.time()
        self._timer = self.loop.call_later(self.header_seconds, self._give_up)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Wait on, from the first byte of a request until its headers are complete."""
        before = self.scope
        if self._timer is None and self.is_idle:
            self._timer = self.loop.call_later(self.header_seconds, self._give_up)
        super().data_received(data)
        if self.scope is not before:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Close the oldest idle connection where there is one too many, else this one."""
        clients: dict[str, list[LimitedProtocol]] = defaultdict(list)
        for one in self.connections:
            # WebSockets are counted by the middleware.
            if isinstance(one, LimitedProtocol) and not one.transport.is_closing():
                clients[one.client[0] if one.client else ""].append(one)
        crowd = max(clients.values(), key=len)
        if len(crowd) > MAX_PER_CLIENT or sum(map(len, clients.values())) > MAX_CONNECTIONS:
            idle = (one for one in crowd if one is not self and one.is_idle)
            min(idle, key=lambda one: one.begun, default=self).transport.close()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
            self.transport.close()


def limited(header_seconds: float = HEADER_SECONDS) -> type[LimitedProtocol]:
    """Return the protocol of one server."""
    return type("LimitedProtocol", (LimitedProtocol,), {"header_seconds": header_seconds})
