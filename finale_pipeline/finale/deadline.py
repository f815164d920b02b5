"""A limit on all that a request takes, whatever trickles; httpx limits each single read."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from finale_pipeline.finale.http import httpx


class Deadline:
    """The moment at which the request of the calling thread ends, from connecting to the last byte.

    Args:
        seconds: What a request may take in all.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._thread = threading.local()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Begin to count for one request of this thread."""
        self._thread.ends_at = time.monotonic() + self.seconds
        try:
            yield
        finally:
            del self._thread.ends_at

    def left(self, timeout: float | None) -> float | None:
        """Return how long one more wait may take.

        Raises:
            httpcore.ReadTimeout: The request's time is over.
        """
        ends_at = getattr(self._thread, "ends_at", None)
        if ends_at is None:
            return timeout
        left: float = ends_at - time.monotonic()
        if left <= 0:
            raise self.over()
        return left if timeout is None else min(timeout, left)

    def over(self) -> httpcore.ReadTimeout:
        """Return what a request ends with whose time is over."""
        return httpcore.ReadTimeout(f"it took longer than {self.seconds:g} s in all")

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the deadline where it is what cut a wait short."""
        try:
            yield
        except httpcore.TimeoutException as error:
            self.left(None)
            raise error from None

    def bind(self, client: httpx.Client) -> None:
        """Have every connection of a client obey; httpx has no setting for that."""
        transports = [client._transport, *client._mounts.values()]
        for transport in transports:
            if isinstance(transport, httpx.HTTPTransport):
                pool = transport._pool
                pool._network_backend = _Network(pool._network_backend, self)


class _Network(httpcore.NetworkBackend):
    """Connects as another backend does, within the deadline."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(
            host, port, self._deadline.left(timeout), local_address, socket_options
        )
        return _Stream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait is within the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._deadline.named():
            return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
