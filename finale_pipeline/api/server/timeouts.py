"""How long a client may take to say what it wants; the server itself would wait for ever."""

import json
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from finale_pipeline.api.server.problems import MEDIA

BODY = json.dumps(
    {
        "type": "urn:finale-pipeline:problem:too_slow",
        "title": "too slow",
        "status": 408,
        "code": "too_slow",
        "detail": "The request's headers came too slowly.",
    }
).encode()
ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
    + f"Content-Type: {MEDIA}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


class Impatient(H11Protocol):
    """The server's protocol, with a limit for the headers of every request.

    Attributes:
        header_seconds: From the connection's beginning, or a request's first byte, to their end.
    """

    header_seconds = 10.0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.header_seconds, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Wait on, from the first byte of a request until its headers are complete."""
        before = self.cycle
        if self._timer is None and before is not None and before.response_complete:
            self._timer = self.loop.call_later(self.header_seconds, self._give_up)
        super().data_received(data)
        if self.cycle is not before:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)
            self.transport.close()


def impatient(seconds: float) -> type[Impatient]:
    """Return the protocol with a limit of its own."""
    return type("Impatient", (Impatient,), {"header_seconds": seconds})
