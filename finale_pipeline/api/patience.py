"""How long a client may take to say what it wants; the server itself would wait for ever."""

import json
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from finale_pipeline.api.problems import MEDIA

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


def impatient(seconds: float) -> type[H11Protocol]:
    """Return the protocol of the server, with a limit for the first request of a connection.

    Between later ones its own limit of keeping connections counts, until all headers are there.

    Args:
        seconds: From the connection's beginning to the end of the first request's headers.
    """

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            # The timer that every request stops when its headers are complete.
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self._give_up)

        def _give_up(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(ANSWER)
                self.transport.close()

    return Impatient
