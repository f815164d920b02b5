"""Reads of Finale's collections: what to ask for, and the digest of what came."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import xxhash

from finale_pipeline.domain.windows import Window
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.records import Resource
from finale_pipeline.finale.transport import Source, Transport, Usage

STAMP = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Body:
    """An answer as it came.

    Attributes:
        data: The JSON text.
        digest: Its 64-bit hash, signed; the same digest is the same answer.
    """

    data: bytes
    digest: int


class FinaleClient:
    """The account's collections; used by several threads at once.

    Args:
        source: The account.
        budget: Asked before every request.
        clock: Gives the time in UTC.
        sleep: Waits for seconds.
        compress: Ask for compressed answers; None = unless the source is on this machine.
    """

    def __init__(
        self,
        source: Source,
        *,
        budget: Budget,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        compress: bool | None = None,
    ) -> None:
        self._transport = Transport(
            source, budget=budget, clock=clock, sleep=sleep, compress=compress
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    @property
    def usage(self) -> Usage:
        """What was asked of the source so far."""
        return self._transport.usage

    def source_now(self) -> datetime:
        """Return the time by the source's clock."""
        return self._transport.source_now()

    def body(
        self, resource: Resource, window: Window | None = None, *, max_bytes: int | None = None
    ) -> Body:
        """Read a collection, whole or one window of it.

        Args:
            resource: Which; `inventoryitem/` takes no window.
            window: Both ends included; None = everything.
            max_bytes: Give up when the answer is larger.

        Raises:
            AnswerTooLarge: It is larger than `max_bytes`.
        """
        params = {} if window is None else {"filter": _filter(window)}
        data = self._transport.get(resource.path, params, max_bytes=max_bytes)
        digest = int.from_bytes(xxhash.xxh3_64_digest(data), "big", signed=True)
        return Body(data, digest)


def _filter(window: Window) -> str:
    """Both ends are always sent: an open one is refused by some accounts."""
    ends = [window.lo.strftime(STAMP), window.hi.strftime(STAMP)]
    return base64.b64encode(json.dumps({"lastUpdatedDate": ends}).encode()).decode()
