"""Sends the simulated account's answers, well or as a fault will have it."""

import gzip
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from hashlib import blake2b
from urllib.parse import urlsplit

from finale_pipeline.sandbox.listening import Listener, RequestHandler
from finale_pipeline.sandbox.postfaults import REPLIES, Reply
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.simulation import Parts, Simulation

MEGABYTE = 1 << 20


class AccountListener(Listener):
    """Listens for a simulated account."""

    def __init__(
        self, address: tuple[str, int], handler: type[RequestHandler], sandbox: Simulation
    ) -> None:
        self.sandbox = sandbox
        super().__init__(address, handler)


class Wire(RequestHandler):
    """One connection to the simulated account."""

    server: AccountListener

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The account's time, as the Date header."""
        sandbox = self.server.sandbox
        now = sandbox.account.clock.now() + timedelta(seconds=sandbox.date_ahead)
        return format_datetime(now, usegmt=True)

    def not_found(self, path: str) -> None:
        """Answer as Finale does where there is nothing: 404 and a page of HTML."""
        escaped = "".join(f"&#{ord(c)};" for c in path)
        page = (
            "<html><title> Not Found </title>\n<body><h2> Not Found </h2>\n"
            f"<p>The requested URL {escaped} was not found on the server.</p>\n</body></html>\n"
        )
        self.send(404, [page.encode()], {"Content-Type": "text/html; charset=utf-8"})

    def failed(self, fault: Fault, headers: dict[str, str]) -> bool:
        """Act out a fault that needs no answer; False when one is needed after all."""
        if fault.kind == "no-slash":
            self.not_found(urlsplit(self.path).path.rstrip("/"))
        elif fault.kind == "throttle-reset":
            self.send(429, [b"{}"], self._reset_in(fault.argument))
        elif fault.kind == "bomb":
            self._send_bomb(int(fault.argument))
        elif fault.kind in REPLIES:
            reply = REPLIES[fault.kind](fault.argument)
            tells_budgets = reply.status == 200 or fault.kind == "status"
            self.reply(reply, headers if tells_budgets else {})
        else:
            time.sleep(float(fault.argument) if fault.kind == "slow" else 0)
            return False
        return True

    def mistreated(self, fault: Fault, body: bytes, headers: dict[str, str]) -> bool:
        """Send an answer badly; False when the fault is none of that kind."""
        half = body[: len(body) // 2]
        if fault.kind == "truncate":
            self.send(200, [half], headers)
        elif fault.kind == "reset-mid":
            self._head(200, len(body), headers)
            self.wfile.write(half)
            self.hang_up()
        elif fault.kind == "drip":
            self._head(200, len(body), headers)
            pieces = 50
            for i in range(pieces):
                self.wfile.write(body[len(body) * i // pieces : len(body) * (i + 1) // pieces])
                self.wfile.flush()
                time.sleep(float(fault.argument) / pieces)
        else:
            return False
        return True

    def _send_bomb(self, megabytes: int) -> None:
        zipped = gzip.compress(b" " * MEGABYTE)
        self._head(200, len(zipped) * megabytes, {"Content-Encoding": "gzip"})
        for _ in range(megabytes):
            self.wfile.write(zipped)

    def reply(self, reply: Reply, headers: dict[str, str]) -> None:
        """Send a reply, or hang up where it is none."""
        time.sleep(reply.seconds)
        if reply.status is None:
            self.hang_up()
        else:
            self.send(reply.status, [reply.body], headers | reply.headers)

    def send(self, status: int, parts: Parts, headers: dict[str, str] | None = None) -> None:
        """Send an answer whose body is the parts, packed when it is worth it."""
        headers = dict(headers or {})
        length = sum(map(len, parts))
        if status == 200 and length > 1000 and "gzip" in self.headers.get("accept-encoding", ""):
            parts = [self._zipped(b"".join(parts))]
            length = len(parts[0])
            headers["Content-Encoding"] = "gzip"
        self._head(status, length, headers)
        for piece in self._paced(parts):
            self.wfile.write(piece)

    def _zipped(self, body: bytes) -> bytes:
        """Compress once: a served account's answers repeat, and the cost is not the client's."""
        zipped = self.server.sandbox.zipped
        key = blake2b(body).digest()
        if key not in zipped:
            if sum(map(len, zipped.values())) > 64 * MEGABYTE:
                zipped.clear()
            zipped[key] = gzip.compress(body, 5)
        return zipped[key]

    def _paced(self, parts: Parts) -> Iterator[bytes | memoryview]:
        bandwidth = self.server.sandbox.bandwidth
        if bandwidth is None:
            yield from parts
            return
        body, piece = b"".join(parts), 1 << 16
        begun = time.monotonic()
        for start in range(0, len(body), piece):
            yield body[start : start + piece]
            ahead = (start + piece) / bandwidth - (time.monotonic() - begun)
            if ahead > 0:
                self.wfile.flush()
                time.sleep(ahead)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _reset_in(self, seconds: str) -> dict[str, str]:
        if not seconds.isdigit():
            return {}
        account = self.server.sandbox.account
        reset = int(account.clock.now().timestamp()) + int(seconds)
        return account.quirks.budget_headers(
            {"X-RateLimit-Reset": str(reset * 1000)}, is_refused=True
        )
