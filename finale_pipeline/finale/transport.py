"""One GET to Finale: address, credentials, deadlines, retries; a status becomes an error.

It can send nothing else: what writes is in `orders.py`.
"""

import ipaddress
import logging
import random
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Self, TypeVar
from urllib.parse import urlsplit

import httpcore

from finale_pipeline.errors import (
    AddressRefused,
    ConfigError,
    MalformedError,
    SourceUnavailable,
    ThrottledError,
)
from finale_pipeline.finale.budget import LONGEST_WAIT, Budget
from finale_pipeline.finale.deadline import Deadline
from finale_pipeline.finale.http import httpx
from finale_pipeline.finale.pages import Pages
from finale_pipeline.finale.responses import (
    connection_error,
    decoded,
    json_object,
    json_pages,
    login_page,
    reset_at,
    retry_after,
    status_error,
)
from finale_pipeline.finale.source_time import NEAR, believed

ATTEMPTS = 5
RETRY_SECONDS = 120.0
DEADLINE = 180.0
DEFAULT_PAUSE = 60.0
"""Seconds to wait after a 429 that does not say for how long: the minute's window is that long."""
LARGEST_BODY = 512 * 1024 * 1024
CLOCK_NOISE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
"""Whatever the source says of its budget: after so long one request asks whether it is so."""

T = TypeVar("T")
Take = Callable[[Iterator[bytes], str], T]
"""Puts the pieces of a body together, and judges it; the path is for errors."""

log = logging.getLogger(__name__)


def http_client(source: "Source", *, method: str, gzip: bool = False) -> httpx.Client:
    """Return connections to the account that send one method, GET or POST, and refuse others."""

    def only(request: httpx.Request) -> None:
        if request.method != method:
            raise AssertionError(f"a {request.method} where only {method} may go out")

    is_plain = urlsplit(source.base_url).scheme == "http"
    try:
        return _http_client(source, gzip=gzip, only=only, is_plain=is_plain)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"The proxy settings in the environment cannot be used: {error}.",
            step="HTTPS_PROXY and ALL_PROXY must be http:// or https:// addresses (SOCKS is not"
            " spoken); NO_PROXY a list of host names, without nets of IPv6. Correct them, or unset"
            " them for this program.",
        ) from error


def _http_client(
    source: "Source", *, gzip: bool, only: Callable[[httpx.Request], None], is_plain: bool
) -> httpx.Client:
    return httpx.Client(
        base_url=source.base_url,
        auth=(source.key, source.secret),
        headers={"Accept-Encoding": "gzip" if gzip else "identity"},
        timeout=httpx.Timeout(30.0, connect=10.0),
        limits=httpx.Limits(max_connections=4),
        follow_redirects=False,
        trust_env=not source.is_loopback,
        event_hooks={"request": [only]},
        # Loading the authorities' certificates takes longer than a small sync; without TLS
        # there is nothing to verify.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else True,
    )


class AnswerTooLarge(Exception):
    """The answer passed the size that the caller asked for; read it by windows."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which account to read, and as whom.

    Raises:
        AddressRefused: The address is neither https nor loopback, or the account is no plain name.
    """

    base_url: str
    account: str
    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        allowed = parts.scheme == "https" or (parts.scheme == "http" and self.is_loopback)
        if not allowed or not parts.hostname or parts.username or parts.path.strip("/"):
            raise AddressRefused(
                "FINALE_BASE_URL must be https://HOST, or http on loopback.", step="Correct it."
            )
        if not self.account or set(self.account) & set("/?#:% \\"):
            raise AddressRefused(
                f"FINALE_ACCOUNT is {self.account!r}; it is the one word after the host in the"
                " address of Finale.",
                step="Set that word alone, with its exact letter case.",
            )

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def path(self, resource: str) -> str:
        """Return the path of a resource."""
        return f"/{self.account}/api/{resource}"


@dataclass
class Usage:
    """What was asked of the source so far; safe to add to from several threads."""

    api_calls: int = 0
    bytes: int = 0
    retries: int = 0
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, calls: int = 0, size: int = 0, retries: int = 0) -> None:
        """Count requests, decoded body bytes and retries."""
        with self._mutex:
            self.api_calls += calls
            self.bytes += size
            self.retries += retries


class Transport:
    """Sends GETs; retries what may heal, and turns the rest into errors with their cause.

    Args:
        budget: Asked before every request.
        compress: Ask for gzip; None = unless the source is on this machine, where it only costs.
        deadline: Seconds one request may take in all; httpx limits each read alone.
        near: How far the source's clock may be from ours to be believed; None = however far.
        known: When a sync ended last, UTC; None = none did.
    """

    def __init__(
        self,
        source: Source,
        *,
        budget: Budget,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        compress: bool | None = None,
        deadline: float = DEADLINE,
        near: timedelta | None = NEAR,
        known: datetime | None = None,
    ) -> None:
        self.source = source
        self.usage = Usage()
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._deadline = Deadline(deadline)
        self._near = near
        self._known = known
        self._offset = timedelta()
        self._has_date = False
        self._told = False
        gzip = not source.is_loopback if compress is None else compress
        self._http = http_client(source, method="GET", gzip=gzip)
        self._deadline.bind(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def source_now(self) -> datetime:
        """Return the present in whole seconds: by the source's last Date header, if believed."""
        ours = self._clock()
        offset = self._offset if abs(self._offset) > CLOCK_NOISE else timedelta()
        by_source = ours + offset
        now = (
            by_source if self._near is None else believed(by_source, ours, self._known, self._near)
        )
        if abs(by_source - ours) > NEAR and self._near is not None and not self._told:
            self._told = True
            who = "the source's" if now == ours else "this machine's"
            log.warning(
                "The source says %s, this machine %s: %s clock is not believed.",
                f"{by_source:%Y-%m-%d %H:%M}",
                f"{ours:%Y-%m-%d %H:%M}",
                who,
            )
        return now.replace(microsecond=0)

    def agrees(self) -> bool:
        """Whether the source's clock and ours show the same present."""
        return self._has_date and abs(self._offset) <= NEAR

    def get(
        self,
        resource: str,
        params: Mapping[str, str],
        *,
        max_bytes: int | None = None,
        is_collection: bool = True,
    ) -> bytes:
        """Return the decoded body of a read.

        Args:
            resource: Path below the account, such as `inventoryitem/`.
            max_bytes: Stop reading when the body is larger.
            is_collection: Whether it counts in the hourly budget too.

        Raises:
            AnswerTooLarge: The body passed `max_bytes`.
            CredentialsRefused, AddressRefused, ConfigError: Trying again cannot help.
            ThrottledError: The budget comes back later than a request may wait.
            SourceUnavailable: It stayed sick over all attempts.
            MalformedError: The answer is no JSON object.
        """

        def whole(chunks: Iterator[bytes], path: str) -> bytes:
            return json_object(b"".join(chunks), path)

        once = partial(self._once, resource, params, whole, max_bytes, is_collection=is_collection)
        return self._retried(resource, once)

    def get_pages(self, resource: str) -> Pages:
        """Return the decoded body of a whole collection that may be large; raises as `get` does."""

        def paged(chunks: Iterator[bytes], path: str) -> Pages:
            body = Pages()
            for chunk in chunks:
                body.extend(chunk)
            return json_pages(body, path)

        once = partial(self._once, resource, {}, paged, None, is_collection=True)
        return self._retried(resource, once)

    def _retried(self, resource: str, once: Callable[[], T]) -> T:
        """Return what a request brings, sent again where that may help."""
        waited = 0.0
        for attempt in range(ATTEMPTS):
            try:
                return once()
            except (SourceUnavailable, _TryAgain) as error:
                pause = self._pause(error, attempt)
                waited += pause
                last = attempt == ATTEMPTS - 1 or waited > RETRY_SECONDS
                if last and isinstance(error, _TryAgain):
                    raise ThrottledError(
                        f"Finale answered 429 to {resource} {attempt + 1} times.",
                        retry_at=self._clock() + timedelta(seconds=pause),
                    ) from error
                if last:
                    raise
                self.usage.add(retries=1)
                self._sleep(pause)
        raise AssertionError  # the last attempt returned or raised

    def _pause(self, error: Exception, attempt: int) -> float:
        if isinstance(error, _TryAgain):
            return error.seconds
        return random.uniform(0, min(20.0, 0.5 * 4**attempt))  # noqa: S311 - spreads load

    def _once(
        self,
        resource: str,
        params: Mapping[str, str],
        take: Take[T],
        max_bytes: int | None,
        *,
        is_collection: bool,
    ) -> T:
        self._budget.acquire(is_collection=is_collection)
        self.usage.add(calls=1)
        path = self.source.path(resource)
        try:
            with (
                self._deadline.running(),
                self._http.stream("GET", path, params=dict(params)) as response,
            ):
                self._learn(response.headers)
                self._judge(response, path)
                return take(self._read(response, path, max_bytes), path)
        except (httpx.TransportError, httpcore.ReadTimeout) as error:
            raise connection_error(error, path) from error

    def _learn(self, headers: httpx.Headers) -> None:
        """Take over the source's clock, and its word on the budget."""
        try:
            self._offset = parsedate_to_datetime(headers["date"]) - self._clock()
            self._has_date = True
        except (KeyError, ValueError, TypeError):
            self._offset = timedelta()
            self._has_date = False
        reset = self._reset(headers)
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            self._budget.block_until(reset)

    def _judge(self, response: httpx.Response, path: str) -> None:
        status = response.status_code
        if status == httpx.codes.OK:
            if "html" in response.headers.get("content-type", ""):
                raise login_page(path)
            return
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise self._throttled(response.headers, path)
        raise status_error(status, path)

    def _reset(self, headers: httpx.Headers) -> datetime | None:
        """Return by our clock when the budget is back; the header says it by the source's."""
        moment = reset_at(headers.get("x-ratelimit-reset"))
        if moment is None:
            return None
        return min(moment - self._offset, self._clock() + LONGEST_PAUSE)

    def _throttled(self, headers: httpx.Headers, path: str) -> Exception:
        now = self._clock()
        wait = retry_after(headers.get("retry-after"), now)
        reset = self._reset(headers)
        if wait is None and reset is not None:
            wait = (reset - now).total_seconds()
        wait = DEFAULT_PAUSE if wait is None or wait <= 0 else wait
        wait = min(wait, LONGEST_PAUSE.total_seconds())
        free_at = now + timedelta(seconds=wait)
        self._budget.block_until(free_at)  # all processes of the account, not this one alone
        if wait > LONGEST_WAIT:
            return ThrottledError(f"Finale answered 429 to {path}.", retry_at=free_at)
        return _TryAgain(wait)

    def _read(self, response: httpx.Response, path: str, max_bytes: int | None) -> Iterator[bytes]:
        """Yield the body under our deadline and size caps, whatever each single read allows."""
        size = 0
        for chunk in decoded(response, path):
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise AnswerTooLarge
            if size > LARGEST_BODY:
                raise MalformedError(f"The answer for {path} is larger than {LARGEST_BODY} bytes.")
            self._deadline.left(None)
            yield chunk
        self.usage.add(size=size)


class _TryAgain(Exception):
    """429 with a wait short enough to sit out."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
