"""Answers requests to the simulated account: routes, credentials, budgets, faults."""

import base64
import hmac
import json
import time
from urllib.parse import parse_qsl, unquote, urlsplit

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.control import control
from finale_pipeline.sandbox.query import BadQuery, Query, parse
from finale_pipeline.sandbox.sent import OrderRefused
from finale_pipeline.sandbox.wire import Wire

KEY, SECRET = "sandbox-key", "sandbox-secret"
MOST_BYTES = 16 << 20


class Handler(Wire):
    """Answers the requests of one connection."""

    def do_POST(self) -> None:  # noqa: N802 - the base's name
        """Accept a write of a purchase order, or the control of the sandbox itself."""
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(length, MOST_BYTES))
        if length > MOST_BYTES:
            self.close_connection = True
            self.send(413, [b'{"error":"too large"}'])
        elif self.path.startswith("/sandbox/"):
            self._control(body)
        else:
            self._write(body)

    def _control(self, body: bytes) -> None:
        try:
            what, sent = self.path.removeprefix("/sandbox/"), json.loads(body or b"{}")
            self.send(200, [json.dumps(control(self.server.sandbox, what, sent)).encode()])
        except (ValueError, KeyError, TypeError, ConfigError, OrderRefused) as error:
            self.send(400, [json.dumps({"error": str(error)}).encode()])

    def _write(self, body: bytes) -> None:
        """Carry out a POST to the account."""
        if self.server.sandbox.on_request is not None:
            self.server.sandbox.on_request(f"POST {self.path}")
        parts = self._parts()
        headers = self._admitted("POST", parts)
        if headers is None:
            return
        reply = self.server.sandbox.post(self.path, body)
        if reply is None:
            self._not_written(parts, headers)
        else:
            self.reply(reply, headers)

    def _not_written(self, parts: list[str], headers: dict[str, str]) -> None:
        is_single_order = parts[2:3] == ["order"] and len(parts) > 3
        if self._is_known(parts) and not is_single_order:
            self.send(405, [b'{"error":"this sandbox writes purchase orders only"}'], headers)
        else:
            self.not_found(urlsplit(self.path).path)

    def do_GET(self) -> None:  # noqa: N802 - the base's name
        """Answer a read."""
        sandbox = self.server.sandbox
        sandbox.requests.append(self.path)
        sandbox.rates.note()
        if sandbox.on_request is not None:
            sandbox.on_request(self.path)
        url = urlsplit(self.path)
        parts = self._parts()
        headers = self._admitted("GET", parts)
        if headers is None:
            return
        if not self._is_known(parts):
            self.not_found(url.path)
            return
        if len(parts) > 3 and parts[3]:
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
            self.send(401, [b'{"error":"unauthorized"}'])
            return None
        if not sandbox.limits:
            return {}
        # account/api/name
        is_collection = method == "GET" and len([p for p in parts if p]) == 3
        passes, budgets = sandbox.limits.take(method, is_collection=is_collection)
        headers = sandbox.account.quirks.budget_headers(budgets, is_refused=not passes)
        if passes:
            return headers
        if method == "GET":
            sandbox.rates.note(is_refused=True)
        self.send(429, [b'{"error":"too many requests"}'], headers)
        return None

    def _is_authorised(self) -> bool:
        expected = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        return hmac.compare_digest(self.headers.get("authorization", ""), expected)

    def _is_known(self, parts: list[str]) -> bool:
        account = self.server.sandbox.account
        if parts[:2] != [account.name, "api"] or len(parts) < 3:
            return False
        # Without its slash the stock is not found, unlike all other collections.
        return parts[2] in account.tables and parts[2:] != ["inventoryitem"]

    def _record(self, name: str, path: str, headers: dict[str, str]) -> None:
        record = self.server.sandbox.account.record(name, unquote(path))
        if record is None:
            self.not_found(path)
            return
        fault = self.server.sandbox.fault_for(name, "record", f"{name} record")
        if fault and fault.kind == "record-garbage":
            self.server.sandbox.account.garble(record, fault.argument)
        body = json.dumps(record).encode()
        if fault and (self.failed(fault, headers) or self.mistreated(fault, body, headers)):
            return
        self.send(200, [body], headers)

    def _collection(self, name: str, params: dict[str, str], headers: dict[str, str]) -> None:
        sandbox = self.server.sandbox
        fault = sandbox.fault_for(name, "collection")
        if fault and self.failed(fault, headers):
            return
        try:
            now = sandbox.account.clock.now()
            query = Query() if name == "inventoryitem" else parse(params, now=now)
        except BadQuery:
            self.send(400, [b'{"error":"bad request"}'], headers)
            return
        parts = sandbox.collection(name, query)
        if sandbox.tamper is not None:
            columns = json.loads(b"".join(parts))
            sandbox.tamper(name, columns)
            parts = [json.dumps(columns).encode()]
        if fault and fault.changes_rows():
            parts = [fault.changed(b"".join(parts))]
        if fault and self.mistreated(fault, b"".join(parts), headers):
            return
        self.send(200, parts, headers)
