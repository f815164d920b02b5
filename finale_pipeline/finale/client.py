"""Reads of Finale's collections: what to ask for, and the digest of what came."""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import quote

import xxhash

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.errors import MalformedError, UnknownPath
from finale_pipeline.finale.pages import Pages
from finale_pipeline.finale.records import Resource
from finale_pipeline.finale.transport import Transport

STAMP = "%Y-%m-%dT%H:%M:%S"
MATCHING_BYTES = 16 << 20
ENCODED = re.compile(r"(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+", re.ASCII)


@dataclass(slots=True)
class Body:
    """An answer as it came.

    Attributes:
        data: The JSON text.
        digest: Its 64-bit hash, signed; the same digest is the same answer.
    """

    data: bytes
    digest: int

    def take(self) -> bytes:
        """Return the text and forget it, so that it is freed when it was decoded."""
        data, self.data = self.data, b""
        return data


class FinaleClient(Transport):
    """The account's collections; used by several threads at once."""

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
        data = self.get(resource.path, params, max_bytes=max_bytes)
        return Body(data, _digest(data))

    def pages(self, resource: Resource) -> tuple[Pages, int]:
        """Read a large collection whole; return it with its digest, as `body` does."""
        pages = self.get_pages(resource.path)
        return pages, _digest(pages.view())

    def matching(self, resource: Resource, field: str, value: str) -> bytes:
        """Read what has a value in a top-level field, by Finale's filter.

        The filter is a range and some accounts ignore it: compare the field again. There is no
        `limit`, which some accounts apply before the filter.

        Raises:
            AnswerTooLarge: It is more than a filter can have left.
        """
        sent = base64.b64encode(json.dumps({field: [value, value]}).encode()).decode()
        return self.get(resource.path, {"filter": sent}, max_bytes=MATCHING_BYTES)

    def record(self, resource: Resource, url: str) -> bytes | None:
        """Read one record by the address it carries; it counts in the GETs a minute alone.

        Args:
            url: Its path, such as `/demo/api/order/PO-551`, as Finale sent it.

        Returns:
            The JSON text; None when Finale does not know the record.

        Raises:
            MalformedError: The address is none of this collection's.
        """
        above = self.source.path(f"{resource.path}/")
        inside = url.removeprefix(above)
        if inside == url or not inside or {"", ".", ".."} & set(inside.split("/")):
            raise MalformedError(f"{url[:200]!r} is no address of a record in {above}.")
        path = inside if ENCODED.fullmatch(inside) else quote(inside, safe="/")
        try:
            return self.get(f"{resource.path}/{path}", {}, is_collection=False)
        except UnknownPath:
            return None


def _digest(data: bytes | memoryview) -> int:
    return int.from_bytes(xxhash.xxh3_64_digest(data), "big", signed=True)


def _filter(window: Window) -> str:
    """Both ends are always sent: an open one is refused by some accounts."""
    ends = [window.lo.strftime(STAMP), window.hi.strftime(STAMP)]
    return base64.b64encode(json.dumps({"lastUpdatedDate": ends}).encode()).decode()
