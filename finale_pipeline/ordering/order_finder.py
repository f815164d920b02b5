"""Is an order of ours in Finale already? Four ways to look; what they cannot answer, they say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from finale_pipeline.domain.orders.purchase_orders import Draft
from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.client import FinaleClient
from finale_pipeline.finale.records import ORDER
from finale_pipeline.finale.transport import AnswerTooLarge
from finale_pipeline.finale.wire import decode

MOST = timedelta(days=29)
"""Longest span of changes that Finale shows in one answer."""
CLOCK_MARGIN = timedelta(hours=1)
"""Clocks differ; a look begins so much before the moment it is about."""
COLUMNS = {
    "order_url": "orderUrl",
    "order_id": "orderId",
    "order_type": "orderTypeId",
    "status": "statusId",
    "reference_number": "referenceNumber",
}
"""What is looked at of an order: our column and Finale's field."""


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order in Finale that carries our number or our reference."""

    order_url: str
    order_id: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a look brought.

    Attributes:
        is_complete: Whether what is not among them is not in Finale, as far as it shows.
        shown: Orders that the look at recent changes showed, anybody's.
    """

    orders: tuple[FoundOrder, ...]
    is_complete: bool
    as_of: datetime
    shown: int = 0
    doubts: tuple[str, ...] = ()


@dataclass
class OrderFinder:
    """Looks for orders."""

    client: FinaleClient
    row_cap: int
    _recent: dict[datetime, tuple[list[dict[str, Any]], bool]] = field(default_factory=dict)

    def find(self, draft: Draft, *, since: datetime, fresh: bool = True) -> SearchResult:
        """Look for an order by its number, by both filters, and among recent changes.

        Args:
            since: It cannot be older than this.
            fresh: Whether recent changes are read anew; before the first sending one reading
                serves all orders of a run.

        Raises:
            PipelineError: Finale does not answer.
        """
        doubts: list[str] = []
        orders = {order.order_url: order for order in self._by_address(draft, doubts)}
        is_clear = not doubts
        for name, value in (("orderId", draft.order_id), ("referenceNumber", draft.reference)):
            if not orders:
                rows = self._by_filter(name, value, doubts)
                orders |= {order.order_url: order for order in _ours(rows, draft)}
        rows, is_whole = [], False
        if not orders:
            rows, is_whole = self._changed(since, fresh=fresh)
            orders = {order.order_url: order for order in _ours(rows, draft)}
            if not is_whole:
                doubts.append("recent changes were not shown completely")
        return SearchResult(
            tuple(orders.values()),
            is_clear and is_whole,
            self.client.source_now(),
            len(rows),
            tuple(doubts),
        )

    def _by_address(self, draft: Draft, doubts: list[str]) -> Iterator[FoundOrder]:
        """Ask for the record under our number; usually its address ends in it."""
        url = self.client.source.path(f"order/{draft.order_id}")
        try:
            body = self.client.record(ORDER, url)
            if body is not None:
                record = record_of(body)
                yield from _ours([{n: record.get(f) for n, f in COLUMNS.items()}], draft)
        except MalformedError as error:
            doubts.append(error.what)

    def _by_filter(self, name: str, value: str, doubts: list[str]) -> list[dict[str, Any]]:
        """Ask by a filter; whether Finale filters by this field is not certain."""
        try:
            return self._rows(self.client.matching(ORDER, name, value))[0]
        except MalformedError as error:
            doubts.append(error.what)
        except AnswerTooLarge:
            doubts.append(f"the filter by {name} was ignored")
        return []

    def _changed(self, since: datetime, *, fresh: bool) -> tuple[list[dict[str, Any]], bool]:
        """Return orders changed since a moment, and whether these are certainly all."""
        if fresh or since not in self._recent:
            now = self.client.source_now()
            lo = max(since - CLOCK_MARGIN, now - MOST + CLOCK_MARGIN)
            window = Window(lo.replace(microsecond=0), now + CLOCK_MARGIN)
            rows, is_whole = self._rows(self.client.body(ORDER, window).data)
            self._recent[since] = rows, is_whole and lo <= since
        return self._recent[since]

    def _rows(self, body: bytes) -> tuple[list[dict[str, Any]], bool]:
        answer = decode(body, ORDER)
        rows = answer.frame.select(list(COLUMNS)).to_dicts()
        return rows, not answer.rejects and answer.rows < self.row_cap


def _ours(rows: list[dict[str, Any]], draft: Draft) -> Iterator[FoundOrder]:
    for row in rows:
        named = (row["order_id"] == draft.order_id, row["reference_number"] == draft.reference)
        if any(named) and row["order_type"] in {"PURCHASE_ORDER", None}:
            yield FoundOrder(row["order_url"], row["order_id"], row["status"])


def record_of(body: bytes) -> dict[str, Any]:
    """Return an order as Finale shows it alone; numbers keep all their digits.

    Raises:
        MalformedError: It is no order.
    """
    try:
        record: Any = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"An answer for one order cannot be read: {error}.") from error
    if not isinstance(record, dict) or not isinstance(record.get("orderUrl"), str):
        raise MalformedError("An answer for one order is none.")
    return record
