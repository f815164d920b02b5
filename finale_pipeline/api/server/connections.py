"""Limits of connections: how many, how slow, how much at once; uvicorn itself has none of these.

A client that only holds connections gives way to one that asks something: the oldest idle
connection is closed for a new one, so that probes and people always get in.
"""

import json
from asyncio import TimerHandle
from collections import defaultdict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from finale_pipeline.api.server.problems import MEDIA, Problem

HEADER_SECONDS = 10.0
MAX_CONNECTIONS = 500
MAX_PER_CLIENT = 100
MAX_PIPELINED = 16
"""Requests that may wait on one connection behind the one that is answered."""

BODY = json.dumps(Problem(408, "The request's headers came too slowly.").body("")).encode()
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
    + f"Content-Type: {MEDIA}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


class Connections:
    """The open connections of one server, by client address, oldest first."""

    def __init__(self) -> None:
        self._by_client: dict[str, dict[LimitedProtocol, None]] = defaultdict(dict)

    def add(self, new: "LimitedProtocol") -> None:
        """Note a new connection; one too many closes an idle one, else itself."""
        own = self._by_client[new.address]
        own[new] = None
        if len(own) > MAX_PER_CLIENT:
            _close_one(own, new)
        elif sum(map(len, self._by_client.values())) > MAX_CONNECTIONS:
            _close_one(max(self._by_client.values(), key=len), new)

    def discard(self, gone: "LimitedProtocol") -> None:
        """Forget a connection."""
        own = self._by_client[gone.address]
        own.pop(gone, None)
        if not own:
            del self._by_client[gone.address]


def _close_one(some: "dict[LimitedProtocol, None]", new: "LimitedProtocol") -> None:
    idle = (p for p in some if p is not new and p.is_idle)
    next(idle, new).transport.close()


class LimitedProtocol(H11Protocol):
    """The server's protocol, with limits.

    Attributes:
        header_seconds: From the connection's beginning, or a request's first byte, until its
            headers are complete.
    """

    registry = Connections()
    header_seconds = HEADER_SECONDS
    address = ""
    _timer: TimerHandle | None = None
    _pipelined = 0

    @property
    def is_idle(self) -> bool:
        """Whether no request is answered on it."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Count it, and begin to wait for the first request."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else "local"
        self.registry.add(self)
        self._timer = self.loop.call_later(self.header_seconds, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Wait on, from the first byte of a request until its headers are complete."""
        before = self.cycle
        if self._timer is None and before is not None and before.response_complete:
            self._timer = self.loop.call_later(self.header_seconds, self._give_up)
        super().data_received(data)
        if self.cycle is not before:
            self._stop()

    def on_response_complete(self) -> None:
        """Answer the next request that waits, unless too many do."""
        waits = self.conn.their_state is h11.DONE and self.conn.trailing_data[0]
        self._pipelined = self._pipelined + 1 if waits else 0
        if self._pipelined > MAX_PIPELINED:
            self.transport.close()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over; the middleware counts WebSockets."""
        self._stop()
        self.registry.discard(self)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop()
        self.registry.discard(self)
        super().connection_lost(exc)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
            self.transport.close()


def limited(header_seconds: float = HEADER_SECONDS) -> type[LimitedProtocol]:
    """Return the protocol of one server, with connections of its own."""
    members = {"header_seconds": header_seconds, "registry": Connections()}
    return type("LimitedProtocol", (LimitedProtocol,), members)
