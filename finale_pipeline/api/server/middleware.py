"""What stands before both ports, ours and Dagster's: hosts, origins, tokens, sizes, rates, headers.

A browser obeys every page that it shows, so a request may be another site's although it comes from
the user's own machine. What a browser says of its origin is looked at for every method and for
WebSockets; a known host name keeps out names that were made to resolve to us.
"""

import asyncio
import hmac
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finale_pipeline import logs
from finale_pipeline.api.server.actors import claimed_name
from finale_pipeline.api.server.problems import UNEXPECTED, Problem, respond
from finale_pipeline.api.server.tokens import sent_token
from finale_pipeline.settings import LOOPBACK, Settings

log = logging.getLogger("finale_pipeline.api.access")

BODY_BYTES = 64 << 10
BODY_SECONDS = 10.0
SAFE = ("GET", "HEAD", "OPTIONS")
TRIGGERS = "/api/sync-finale"
TRIGGERS_PER_MINUTE = 30
REFUSALS_PER_MINUTE = 20
WEBSOCKETS_PER_CLIENT = 50
REFUSED_BY_POLICY = 1008
"""Code with which a WebSocket is closed."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What is particular to one of the ports.

    Attributes:
        public: Beginnings of paths that need no token.
        json_only: Beginning of paths to which only JSON may be sent; other paths take forms.
        headers: Of every answer that has none of that name.
        extra_policy: A Content-Security-Policy beside the answer's own; empty = none.
        graphql: Path at which questions may be posted only; None = none.
    """

    public: tuple[str, ...] = ("/livez", "/readyz", "/style.css", "/decide/", "/runbooks/")
    json_only: str = "/api/"
    body_bytes: int = BODY_BYTES
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)
    extra_policy: str = ""
    graphql: str | None = None


class Rate:
    """Counts events per client and minute.

    Args:
        clock: Seconds; only differences count.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._begun = clock()
        self._counts: Counter[str] = Counter()

    def count(self, client: str) -> None:
        """Note an event.

        Raises:
            Problem: 429: it is one too many; says when again.
        """
        passed = self._clock() - self._begun
        if passed >= 60:  # noqa: PLR2004 - a minute
            self._counts.clear()
            self._begun, passed = self._clock(), 0.0
        if self._counts[client] >= self._limit:
            wait = max(1, round(60 - passed))
            raise Problem(
                429, f"Too many of these; again in {wait} s.", headers={"Retry-After": str(wait)}
            )
        self._counts[client] += 1


class Middleware:
    """An ASGI app around another: ours, or Dagster's."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._settings = settings
        self._policy = policy or Policy()
        self._body_seconds = body_seconds
        urls = [url for url in (settings.pages_url, settings.ui_url) if url]
        self._origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in urls}
        named = {urlsplit(url).hostname or "" for url in urls}
        self._hosts = {*LOOPBACK, *named, *(host.lower() for host in settings.api_hosts)} - {""}
        pairs = (("write", settings.api_token), ("read", settings.api_read_token))
        self._tokens = {
            right: token.get_secret_value().encode() for right, token in pairs if token is not None
        }
        self._refusals = Rate(REFUSALS_PER_MINUTE, clock)
        self._triggers = Rate(TRIGGERS_PER_MINUTE, clock)
        self._websockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the app answer; nothing that fails inside comes out."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = _Response(scope, send, self._policy)
        try:
            self._admit(scope)
            body = await self._body(scope, receive)
            with logs.context(request_id=scope["trace_id"]):
                await self._app(scope, _after(body, receive), response)
        except Problem as problem:
            response.code = problem.code
            await respond(problem, scope, self._settings)(scope, receive, response)
        except Exception:
            log.exception("request %s failed", scope["trace_id"])
            if not response.status:
                failed = Problem(500, UNEXPECTED)
                await failed.response(scope["trace_id"])(scope, receive, response)
        finally:
            response.note()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = _Response(scope, send, self._policy)
        try:
            self._admit(scope)
            with self._one_more_websocket(_client(scope)):
                response.status = 101
                response.note()
                await self._app(scope, receive, send)
        except Problem as problem:
            response.code, response.status = problem.code, problem.status
            response.note()
            await send({"type": "websocket.close", "code": REFUSED_BY_POLICY})

    @contextmanager
    def _one_more_websocket(self, client: str) -> Iterator[None]:
        if self._websockets[client] >= WEBSOCKETS_PER_CLIENT:
            raise Problem(429, "Too many WebSockets of one client are open.")
        self._websockets[client] += 1
        try:
            yield
        finally:
            self._websockets[client] -= 1
            self._websockets += Counter()  # forgets clients that have none

    def _admit(self, scope: Scope) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        writes = scope["type"] == "http" and scope["method"] not in SAFE
        if _host_of(headers) not in self._hosts:
            # A page of another site that resolves to us (DNS rebinding) still names itself here.
            raise Problem(
                400, "This host name is not one of FINALE_API_HOSTS.", code="host_not_allowed"
            )
        if "\0" in path or b"%00" in scope["query_string"]:
            raise Problem(400, "A NUL character is in the address.")
        self._check_origin(scope, headers)
        if not path.startswith(self._policy.public):
            self._check_token(scope, headers, writes=writes)
        if writes:
            self._check_body_type(path, headers)
        elif path == self._policy.graphql and scope["query_string"] and scope["type"] == "http":
            raise Problem(405, "Post questions as application/json.", headers={"Allow": "POST"})
        if writes and path.startswith(TRIGGERS):
            self._triggers.count(_client(scope))

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse what another site's page could make a browser send; only links may lead here."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        is_ours = origin is None or (
            origin.partition("://")[2] == headers.get("host") or origin in self._origins
        )
        follows_a_link = (
            scope["type"] == "http"
            and scope["method"] in SAFE
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        if not is_ours or not (site in {"same-origin", "none"} or follows_a_link):
            raise Problem(
                403, "The request comes from a page of another site.", code="other_origin"
            )

    def _check_token(self, scope: Scope, headers: Headers, *, writes: bool) -> None:
        """Let the right token in, always; only wrong ones are counted and slowed down."""
        if not self._tokens:
            return
        sent = sent_token(headers)
        rights = [r for r, token in self._tokens.items() if hmac.compare_digest(token, sent)]
        scope["finale_right"] = rights[0] if rights else ""
        if not rights:
            if sent:  # a browser's first request has none, and is only asked for it
                self._refusals.count(_client(scope))
            raise Problem(
                401,
                "Send the token of FINALE_API_TOKEN as `Authorization: Bearer …`.",
                # One scheme alone: with two in a line browsers ask for nothing.
                headers={"WWW-Authenticate": 'Basic realm="finale"'},
            )
        if writes and "write" not in rights:
            raise Problem(
                403,
                "This token may only read; nothing was changed. FINALE_API_TOKEN may write.",
                code="read_only_token",
            )

    def _check_body_type(self, path: str, headers: Headers) -> None:
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if "content-length" in headers and "transfer-encoding" in headers:
            raise Problem(
                400,
                "A request has one length: Content-Length or Transfer-Encoding.",
                headers={"Connection": "close"},
            )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        is_json = kind == "application/json" or (not has_body and self._policy.graphql is None)
        if path.startswith(self._policy.json_only) and not is_json:
            raise Problem(415, "Send the body as application/json.")

    async def _body(self, scope: Scope, receive: Receive) -> Message:
        """Read the body while it is small and comes in time; return it as one message."""
        most = self._policy.body_bytes
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > most:
            raise Problem(413, f"A body has at most {most:,} bytes.")
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(receive, most)
        except TimeoutError:
            raise Problem(408, "The body came too slowly.") from None
        return {"type": "http.request", "body": body, "more_body": False}


def _host_of(headers: Headers) -> str | None:
    """Return the host that a request names, without its port; None = none, several or no host."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or set(hosts[0]) & set("/?#@\\ "):
        return None
    try:
        return urlsplit(f"//{hosts[0]}").hostname
    except ValueError:
        return None


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "local"


async def _read(receive: Receive, most: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message["type"] == "http.request" and message.get("more_body", False)
        if size > most:
            raise Problem(413, f"A body has at most {most:,} bytes.")
    return b"".join(parts)


def _after(first: Message, receive: Receive) -> Receive:
    """Return what gives the body that was read, and then what comes after it."""
    waiting = [first]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


class _Response:
    """Sends an answer with the headers of all answers, and notes how it ended."""

    def __init__(self, scope: Scope, send: Send, policy: Policy) -> None:
        self._scope = scope
        self._send = send
        self._policy = policy
        self._begun = time.perf_counter()
        self.status = 0
        self.code = ""
        scope["trace_id"] = uuid.uuid4().hex

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._scope["trace_id"]
            for name, value in self._policy.headers.items():
                headers.setdefault(name, value)
            if self._policy.extra_policy:
                headers.append("Content-Security-Policy", self._policy.extra_policy)
        await self._send(message)

    def note(self) -> None:
        """Write a line of the access log: without the query, without any header but the name."""
        scope = self._scope
        name = claimed_name(Headers(scope=scope)) or "-"
        log.log(
            logging.WARNING if self.status in {401, 403, 429} else logging.INFO,
            "request %s from %s by %r%s: %s %s %d%s in %.1f ms",
            scope["trace_id"],
            _client(scope),
            name,
            f" ({scope['finale_right']} token)" if scope.get("finale_right") else "",
            scope.get("method", "WEBSOCKET"),
            _shown_path(scope["path"]),
            self.status,
            f" {self.code}" if self.code else "",
            (time.perf_counter() - self._begun) * 1000,
        )


def _shown_path(path: str) -> str:
    """Return a path on one line; a link of a mail is as good as a password and stays out."""
    return "/decide/…" if path.startswith("/decide/") else quote(path[:300], safe="/=+:@,;")
