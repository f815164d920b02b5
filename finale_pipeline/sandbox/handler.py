"""Answers one request to the simulated account: routes, credentials, faults, the wire."""

import base64
import gzip
import hmac
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from email.utils import format_datetime
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.postfaults import LOGIN_PAGE
from finale_pipeline.sandbox.query import BadQuery, Query, parse
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.stock import decoded

if TYPE_CHECKING:
    from finale_pipeline.sandbox.server import SandboxServer

KEY, SECRET = "sandbox-key", "sandbox-secret"
MEGABYTE = 1 << 20
Parts = list[bytes | memoryview]


class Listener(ThreadingHTTPServer):
    """A thread per connection."""

    daemon_threads = True
    request_queue_size = 64
    sandbox: "SandboxServer"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is its own business; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Listener
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing; the server keeps its list of requests."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The account's time, as the Date header."""
        return format_datetime(self.server.sandbox.account.clock.now(), usegmt=True)

    def do_POST(self) -> None:
        """Accept a write of a purchase order, or the control of the sandbox itself."""
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(length, MEGABYTE))
        if not self.path.startswith("/sandbox/"):
            self._write(body)
            return
        try:
            self._send(200, [json.dumps(self._control(json.loads(body or b"{}"))).encode()])
        except (ValueError, KeyError, TypeError, ConfigError) as error:
            self._send(400, [json.dumps({"error": str(error)}).encode()])

    def _write(self, body: bytes) -> None:
        """Carry out a POST to the account."""
        if self.server.sandbox.on_request is not None:
            self.server.sandbox.on_request(f"POST {self.path}")
        parts = self._parts()
        headers = self._admitted("POST", parts)
        if headers is None:
            return
        reply = self.server.sandbox.post(self.path, body)
        if reply is None and self._is_known(parts):
            self._send(405, [b'{"error":"this sandbox writes purchase orders only"}'], headers)
        elif reply is None:
            self._not_found(urlsplit(self.path).path)
        else:
            time.sleep(reply.seconds)
            if reply.status is None:
                self._hang_up()
            else:
                self._send(reply.status, [reply.body], headers | reply.headers)

    def _control(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Do what a person asks of the sandbox, such as `/sandbox/clock {"seconds": 86400}`."""
        sandbox = self.server.sandbox
        account = sandbox.account
        actions: dict[str, Callable[[], object]] = {
            "clock": lambda: account.clock.advance(seconds=float(sent["seconds"])),
            "fault": lambda: sandbox.add_fault(str(sent["fault"])),
            "heal": sandbox.clear_faults,
            "rates": sandbox.rates.as_dict,
            "edit": lambda: len(account.edit_products(int(sent["products"]))),
            "remove": lambda: len(account.remove_products(int(sent["products"]))),
            "sell": account.catch_up,
            "quirk": lambda: account.quirks.set(str(sent["quirk"])),
            "orders": lambda: account.orders(sent.get("origin")),
            "posts": lambda: [asdict(post) for post in sandbox.posts],
            "arrive": lambda: account.arrive(str(sent["order"])),
            "create": lambda: len(account.create_products(int(sent["products"]))),
        }
        what = self.path.removeprefix("/sandbox/")
        done = actions[what]()
        return {"done": what, "answer": done, "now": account.clock.now().isoformat()}

    def do_GET(self) -> None:
        """Answer a read."""
        sandbox = self.server.sandbox
        sandbox.requests.append(self.path)
        sandbox.rates.note_request()
        if sandbox.on_request is not None:
            sandbox.on_request(self.path)
        url = urlsplit(self.path)
        parts = self._parts()
        headers = self._admitted("GET", parts)
        if headers is None:
            return
        if not self._is_known(parts):
            self._not_found(url.path)
            return
        if len(parts) > 3 and parts[3]:  # noqa: PLR2004
            self._record(parts[2], url.path, headers)
            return
        self._collection(parts[2], dict(parse_qsl(url.query)), headers)

    def _parts(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]

    def _admitted(self, method: str, parts: list[str]) -> dict[str, str] | None:
        """Return the headers of what is left of the budgets; None = the request was refused."""
        sandbox = self.server.sandbox
        if sandbox.latency:
            time.sleep(sandbox.latency)
        if not self._is_authorised():
            self._send(401, [b'{"error":"unauthorized"}'])
            return None
        if not sandbox.limits:
            return {}
        is_collection = method == "GET" and len([p for p in parts if p]) == 3  # noqa: PLR2004 - account/api/name
        passes, headers = sandbox.limits.take(method, is_collection=is_collection)
        if passes:
            return headers
        if method == "GET":
            sandbox.rates.note_refusal()
        self._send(429, [b'{"error":"too many requests"}'], headers)
        return None

    def _is_authorised(self) -> bool:
        expected = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        return hmac.compare_digest(self.headers.get("authorization", ""), expected)

    def _is_known(self, parts: list[str]) -> bool:
        account = self.server.sandbox.account
        if parts[:2] != [account.name, "api"] or len(parts) < 3:  # noqa: PLR2004
            return False
        # Without its slash the stock is not found, unlike all other collections.
        return parts[2] in account.tables and parts[2:] != ["inventoryitem"]

    def _not_found(self, path: str) -> None:
        shown = "".join(f"&#{ord(c)};" for c in path)
        page = (
            "<html><title> Not Found </title>\n<body><h2> Not Found </h2>\n"
            f"<p>The requested URL {shown} was not found on the server.</p>\n</body></html>\n"
        )
        self._send(404, [page.encode()], {"Content-Type": "text/html; charset=utf-8"})

    def _record(self, name: str, path: str, headers: dict[str, str]) -> None:
        table = self.server.sandbox.account.tables[name]
        with self.server.sandbox.account.mutex:
            self.server.sandbox.account.catch_up()
            place = table.find(unquote(path))
            record = None if place is None else decoded(table.record(place))
            fault = None if record is None else self.server.sandbox.fault_for_record(name)
            if record and fault and fault.kind == "record-garbage":
                self.server.sandbox.account.book.garble(record, fault.argument)
        if record is None:
            self._not_found(path)
            return
        body = json.dumps(record).encode()
        if fault and (self._failed(fault, headers) or self._mistreated(fault, body, headers)):
            return
        self._send(200, [body], headers)

    def _collection(self, name: str, params: dict[str, str], headers: dict[str, str]) -> None:
        sandbox = self.server.sandbox
        fault = sandbox.fault_for(name)
        if fault and self._failed(fault, headers):
            return
        try:
            now = sandbox.account.clock.now()
            query = Query() if name == "inventoryitem" else parse(params, now=now)
        except BadQuery:
            self._send(400, [b'{"error":"bad request"}'], headers)
            return
        parts = sandbox.collection(name, query)
        if fault and fault.changes_rows():
            parts = [fault.changed(b"".join(parts))]
        if fault and self._mistreated(fault, b"".join(parts), headers):
            return
        self._send(200, parts, headers)

    def _failed(self, fault: Fault, headers: dict[str, str]) -> bool:
        """Act out a fault that needs no answer; False when one is needed after all."""
        page = {"Content-Type": "text/html"}
        seconds = fault.argument
        replies: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "throttle": (429, b"{}", {"Retry-After": seconds}),
            "throttle-reset": (429, b"{}", {"X-RateLimit-Reset": self._later(seconds)}),
            "throttle-bare": (429, b"{}", {}),
            "revoke": (401, b'{"error":"unauthorized"}', {}),
            "redirect": (302, b"", {"Location": "https://elsewhere.example/login"}),
            "html": (200, LOGIN_PAGE, page),
            "error-object": (200, b'{"success":false,"errorMessage":"internal error"}', {}),
            "empty": (200, b"", {}),
            "empty-object": (200, b"{}", {}),
        }
        if fault.kind == "no-slash":
            self._not_found(urlsplit(self.path).path.rstrip("/"))
        elif fault.kind == "status":
            self._send(int(fault.argument), [b'{"error":"sick"}'], headers)
        elif fault.kind in replies:
            status, body, extra = replies[fault.kind]
            self._send(status, [body], (headers if status == 200 else {}) | extra)  # noqa: PLR2004
        elif fault.kind == "reset":
            self._hang_up()
        elif fault.kind == "bomb":
            self._send_bomb(int(fault.argument))
        else:
            if fault.kind == "slow":
                time.sleep(float(seconds))
            return False
        return True

    def _mistreated(self, fault: Fault, body: bytes, headers: dict[str, str]) -> bool:
        """Send an answer badly; False when the fault is none of that kind."""
        half = body[: len(body) // 2]
        if fault.kind == "truncate":
            self._send(200, [half], headers)
        elif fault.kind == "reset-mid":
            self._head(200, len(body), headers)
            self.wfile.write(half)
            self._hang_up()
        elif fault.kind == "drip":
            self._head(200, len(body), headers)
            pieces = 50
            for i in range(pieces):
                self.wfile.write(body[len(body) * i // pieces : len(body) * (i + 1) // pieces])
                time.sleep(float(fault.argument) / pieces)
        else:
            return False
        return True

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send_bomb(self, megabytes: int) -> None:
        zipped = gzip.compress(b" " * MEGABYTE)
        self._head(200, len(zipped) * megabytes, {"Content-Encoding": "gzip"})
        for _ in range(megabytes):
            self.wfile.write(zipped)

    def _send(self, status: int, parts: Parts, headers: dict[str, str] | None = None) -> None:
        headers = dict(headers or {})
        length = sum(map(len, parts))
        if status == 200 and length > 1000 and "gzip" in self.headers.get("accept-encoding", ""):  # noqa: PLR2004
            parts = [self._zipped(b"".join(parts))]
            length = len(parts[0])
            headers["Content-Encoding"] = "gzip"
        self._head(status, length, headers)
        for piece in self._paced(parts):
            self.wfile.write(piece)

    def _zipped(self, body: bytes) -> bytes:
        """Compress once: a served account's answers repeat, and the cost is not the client's."""
        kept = self.server.sandbox.zipped
        key = blake2b(body).digest()
        if key not in kept:
            if sum(map(len, kept.values())) > 64 * MEGABYTE:
                kept.clear()
            kept[key] = gzip.compress(body, 5)
        return kept[key]

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
                time.sleep(ahead)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _later(self, seconds: str) -> str:
        now = self.server.sandbox.account.clock.now().timestamp()
        return str(int(now) + int(seconds)) if seconds.isdigit() else ""
