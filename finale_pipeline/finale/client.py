"""Reads of Finale's collections: what to ask for, and the digest of what came."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote

import xxhash

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.errors import MalformedError, UnknownPath
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.records import Resource
from finale_pipeline.finale.source_time import NEAR
from finale_pipeline.finale.transport import Source, Transport, Usage

STAMP = "%Y-%m-%dT%H:%M:%S"
MATCHING_BYTES = 16 << 20
ENCODED = re.compile(r"(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+", re.ASCII)


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
        budget: Asked before every request.
        compress: Ask for compressed answers; None = unless the source is on this machine.
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
        near: timedelta | None = NEAR,
        known: datetime | None = None,
    ) -> None:
        self._transport = Transport(
            source,
            budget=budget,
            clock=clock,
            sleep=sleep,
            compress=compress,
            near=near,
            known=known,
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

    @property
    def source(self) -> Source:
        """The account."""
        return self._transport.source

    def source_now(self) -> datetime:
        """Return the present: by the source's clock, if it can be believed."""
        return self._transport.source_now()

    def agrees(self) -> bool:
        """Whether the source's clock and ours show the same present."""
        return self._transport.agrees()

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

    def matching(self, resource: Resource, field: str, value: str) -> bytes:
        """Read what has a value in a top-level field, by Finale's filter.

        The filter is a range and some accounts ignore it: compare the field again. There is no
        `limit`, which some accounts apply before the filter.

        Raises:
            AnswerTooLarge: It is more than a filter can have left.
        """
        sent = base64.b64encode(json.dumps({field: [value, value]}).encode()).decode()
        return self._transport.get(resource.path, {"filter": sent}, max_bytes=MATCHING_BYTES)

    def record(self, resource: Resource, url: str) -> bytes | None:
        """Read one record by the address it carries; it counts in the GETs a minute alone.

        Args:
            url: Its path, such as `/demo/api/order/PO-551`, as Finale sent it.

        Returns:
            The JSON text; None when Finale does not know the record.

        Raises:
            MalformedError: The address is none of this collection's.
        """
        above = self._transport.source.path(f"{resource.path}/")
        inside = url.removeprefix(above)
        if inside == url or not inside or {"", ".", ".."} & set(inside.split("/")):
            raise MalformedError(f"{url[:200]!r} is no address of a record in {above}.")
        path = inside if ENCODED.fullmatch(inside) else quote(inside, safe="/")
        try:
            return self._transport.get(f"{resource.path}/{path}", {}, is_collection=False)
        except UnknownPath:
            return None


def _filter(window: Window) -> str:
    """Both ends are always sent: an open one is refused by some accounts."""
    ends = [window.lo.strftime(STAMP), window.hi.strftime(STAMP)]
    return base64.b64encode(json.dumps({"lastUpdatedDate": ends}).encode()).decode()
