"""What stands before the app: hosts, tokens, sizes, rates; and what every answer carries."""

import asyncio
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finale_pipeline.api.server.disconnects import watched
from finale_pipeline.api.server.problems import UNEXPECTED, Problem, told
from finale_pipeline.api.server.tokens import sent_token
from finale_pipeline.settings import LOOPBACK

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

log = logging.getLogger("finale_pipeline.api")

BODY_BYTES = 64 << 10
BODY_SECONDS = 10.0
SAFE = ("GET", "HEAD", "OPTIONS")
PUBLIC = ("/livez", "/readyz", "/style.css", "/decide/", "/runbooks/")
TRIGGERS = "/api/sync-finale"
TRIGGERS_A_MINUTE = 30
REFUSALS_A_MINUTE = 20
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class Rate:
    """Counts events per client and minute.

    Args:
        most: Events of one client in a minute.
        clock: Seconds; only differences count.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._begun = clock()
        self._counts: dict[str, int] = {}

    def wait(self, client: str) -> int:
        """Return the seconds that a client must wait; 0 = it need not."""
        passed = self._clock() - self._begun
        if passed >= 60:  # noqa: PLR2004 - a minute
            self._counts.clear()
            self._begun, passed = self._clock(), 0.0
        is_over = self._counts.get(client, 0) >= self._most
        return max(1, round(60 - passed)) if is_over else 0

    def count(self, client: str) -> None:
        """Note an event."""
        self._counts[client] = self._counts.get(client, 0) + 1


class Guard:
    """An ASGI app around ours.

    Args:
        app: Ours.
        settings: With tokens and host names.
        clock: Seconds, for rates.
        body_seconds: Time in which a body must have come.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: "Settings",
        *,
        clock: Callable[[], float] = time.monotonic,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._settings = settings
        self._body_seconds = body_seconds
        self._hosts = {*LOOPBACK, *(host.lower() for host in settings.api_hosts)}
        pairs = (("write", settings.api_token), ("read", settings.api_read_token))
        self._tokens = {
            scope: token.get_secret_value().encode() for scope, token in pairs if token is not None
        }
        self._refusals = Rate(REFUSALS_A_MINUTE, clock)
        self._triggers = Rate(TRIGGERS_A_MINUTE, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the app answer; nothing that fails inside comes out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            self._admit(scope)
            body = await _body(scope, receive, self._body_seconds)
            with watched(scope, receive, body) as heard:
                await self._app(scope, heard, answer)
        except Problem as problem:
            await told(problem, scope, self._settings)(scope, receive, answer)
        except Exception:
            if not answer.status:
                log.exception("request %s failed", scope["trace_id"])
                failed = Problem(500, UNEXPECTED)
                await failed.response(scope["trace_id"])(scope, receive, answer)
        finally:
            answer.note()

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, "A NUL character is in the address.")
        writes = scope["method"] not in SAFE
        if not scope["path"].startswith(PUBLIC):
            self._check_token(scope, headers, writes=writes)
        if writes:
            _check_write(scope, headers)
        if writes and scope["path"].startswith(TRIGGERS):
            self._check_rate(_client(scope))

    def _check_host(self, headers: Headers) -> None:
        """A page of another site that resolves to us (DNS rebinding) still names itself here."""
        if _host_of(headers) not in self._hosts:
            raise Problem(
                400, "This host name is not one of FINALE_API_HOSTS.", code="host_not_allowed"
            )

    def _check_token(self, scope: Scope, headers: Headers, *, writes: bool) -> None:
        if not self._tokens:
            return
        client = _client(scope)
        wait = self._refusals.wait(client)
        if wait:
            raise _slower(wait)
        given = sent_token(headers)
        matching = [s for s, token in self._tokens.items() if hmac.compare_digest(token, given)]
        if not matching:
            self._refusals.count(client)
            raise Problem(
                401, "Send the token of FINALE_API_TOKEN as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": 'Bearer, Basic realm="finale"'},
            )  # fmt: skip
        if writes and "write" not in matching:
            raise Problem(
                403, "This token may only read; nothing was changed. FINALE_API_TOKEN may write.",
                code="read_only_token",
            )  # fmt: skip

    def _check_rate(self, client: str) -> None:
        wait = self._triggers.wait(client)
        if wait:
            raise _slower(wait)
        self._triggers.count(client)


def _host_of(headers: Headers) -> str | None:
    """Return the host that a request names, without its port; None = none, several or no host."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or set(hosts[0]) & set("/?#@\\ "):
        return None
    try:
        return urlsplit(f"//{hosts[0]}").hostname
    except ValueError:
        return None


def _slower(seconds: int) -> Problem:
    return Problem(
        429, f"Too many of these; again in {seconds} s.", headers={"Retry-After": str(seconds)}
    )


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "local"


def _check_write(scope: Scope, headers: Headers) -> None:
    """Refuse what another site's page could make a browser send."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        raise Problem(403, "The request comes from a page of another site.", code="other_origin")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if scope["path"].startswith("/api/") and has_body and kind != "application/json":
        raise Problem(415, "Send the body as application/json.")


async def _body(scope: Scope, receive: Receive, seconds: float) -> Message:
    """Read the body while it is small and comes in time; return it as one message."""
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdigit() or int(declared) > BODY_BYTES:
        raise Problem(413, f"A body has at most {BODY_BYTES:,} bytes.")
    try:
        async with asyncio.timeout(seconds):
            read = await _read(receive)
    except TimeoutError:
        raise Problem(408, "The body came too slowly.") from None
    return {"type": "http.request", "body": read, "more_body": False}


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message["type"] == "http.request" and message.get("more_body", False)
        if size > BODY_BYTES:
            raise Problem(413, f"A body has at most {BODY_BYTES:,} bytes.")
    return b"".join(parts)


class _Answer:
    """Sends an answer with the headers of all answers, and notes how it ended."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = time.perf_counter()
        self.status = 0
        scope["trace_id"] = uuid.uuid4().hex

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._scope["trace_id"]
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    def note(self) -> None:
        """Write a line of JSON: escaped, without the query, without any header."""
        said: dict[str, Any] = {
            "trace_id": self._scope["trace_id"],
            "method": self._scope["method"],
            "path": _shown_path(self._scope["path"]),
            "status": self.status,
            "ms": round((time.perf_counter() - self._begun) * 1000, 1),
        }
        log.info("%s", json.dumps(said))


def _shown_path(path: str) -> str:
    """A signed link is as good as a password, so its token stays out of the log."""
    return "/decide/…" if path.startswith("/decide/") else path[:300]
