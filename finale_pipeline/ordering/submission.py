"""The one way an order gets into Finale: written down, looked up, sent once, read back, compared.

Finale has no idempotency keys and no undo, so an order is never sent while it may be there. Each
step is committed before the next begins; what a killed process leaves can be resolved by another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from finale_pipeline.domain.orders.comparison import differences
from finale_pipeline.domain.states import OrderState
from finale_pipeline.errors import MalformedError, PipelineError
from finale_pipeline.finale.links import order_page
from finale_pipeline.finale.orders import Created, NotSent, OrderWriter, Outcome, Refused
from finale_pipeline.finale.records import ORDER
from finale_pipeline.ordering.order_finder import (
    CLOCK_MARGIN,
    MOST,
    OrderFinder,
    SearchResult,
    record_of,
)
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.incidents import Choice, choose
from finale_pipeline.warehouse.order_writes import Intent, OrderWrite, StateChange, move

LOOKS = (1.0, 3.0, 8.0, 20.0)
"""Seconds before each look for an order whose answer was lost; then it is left unknown."""
READS = (0.0, 1.0, 4.0)
"""Seconds before each reading of a new order."""
SEND_WITHIN = timedelta(seconds=30)
"""From noting that an order is sent to sending it; a process that stood still sends nothing."""
GRACE = timedelta(minutes=15)
"""So long after it was sent an order that Finale does not show may be sent again; above all that
one request can take."""


@dataclass
class Submission:
    """What every step works with.

    Attributes:
        connection: To the warehouse; it holds the lock of drafting.
        pages: Where Finale's own pages are, such as `https://app.finaleinventory.com/demo`.
    """

    connection: Connection
    finder: OrderFinder
    actor: str
    zone: ZoneInfo
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    pages: str

    def place(self, intent: Intent, writer: OrderWriter) -> OrderWrite:
        """Bring an order into Finale that is not there yet; adopt it if it is.

        Raises:
            PipelineError: Finale did not answer before anything was sent.
            SkippedError: Another process changed the order meanwhile.
        """
        row = order_writes.intend(self.connection, intent, now=self.clock())
        result = self.finder.find(row.draft, since=self._oldest(row), fresh=row.attempts > 0)
        if result.orders:
            return self._adopt(row, result)
        if not result.is_complete:
            raise MalformedError(
                f"Finale does not say clearly that it has no order {row.reference}:"
                f" {'; '.join(result.doubts)}.",
                data="Nothing was sent.",
                step="Run again later; if it repeats, look for the order in Finale.",
            )
        writer.reserve()
        sent_at = self.clock()
        row = self._move(
            row,
            "sent",
            f"attempt {row.attempts + 1}",
            attempts=row.attempts + 1,
            sent_at=sent_at,
            sent_source_at=self.finder.client.source_now(),
            error=None,
        )
        outcome = writer.create(row.body, until=sent_at + SEND_WITHIN, clock=self.clock)
        return self._ended(row, outcome)

    def resolve(self, row: OrderWrite) -> OrderWrite:
        """Find out how an order ended that was left open; nothing is sent.

        Raises:
            PipelineError: Finale does not answer.
        """
        if row.state == "unverified":
            return self._verify(row)
        result = self.finder.find(row.draft, since=self._oldest(row))
        if result.orders:
            return self._adopt(row, result)
        if row.state == "sent":
            row = self._move(row, "unknown", _not_found(result), error=_not_found(result))
        if row.state == "unknown" and self._is_absent(row, result):
            text = f"Finale has no such order at {result.as_of:%Y-%m-%d %H:%M:%S} UTC by its clock"
            return self._move(row, "intended", text, error=f"{text}; it may be sent again.")
        return row

    def _ended(self, row: OrderWrite, outcome: Outcome) -> OrderWrite:
        if isinstance(outcome, Created):
            return self._verify(self._located(row, outcome.order_url, "Finale answered with it"))
        if isinstance(outcome, NotSent):
            return self._move(row, "intended", outcome.why, error=outcome.why)
        return self._after(row, outcome.why, is_refused=isinstance(outcome, Refused))

    def _after(self, row: OrderWrite, text: str, *, is_refused: bool) -> OrderWrite:
        """Look for an order that was sent and not confirmed; a refusal may be a clash with it."""
        result = None
        for pause in LOOKS[:1] if is_refused else LOOKS:
            self.sleep(pause)
            try:
                result = self.finder.find(row.draft, since=self._oldest(row))
            except PipelineError as error:
                text += f" Looking it up failed: {error.what}"
                continue
            if result.orders:
                return self._adopt(row, result)
        # Where an earlier sending was never explained, a refusal may be a clash with it.
        was_lost = order_writes.was_ever(self.connection, row.reference, "unknown")
        if is_refused and result is not None and result.is_complete and not was_lost:
            return self._move(row, "refused", text, error=text)
        text += f" {_not_found(result)}"
        return self._move(row, "unknown", text, error=text)

    def _adopt(self, row: OrderWrite, result: SearchResult) -> OrderWrite:
        """Take an order of ours that is in Finale for the one that was meant."""
        if len(result.orders) > 1:
            names = ", ".join(str(order.order_id) for order in result.orders)
            texts = [f"{len(result.orders)} orders in Finale carry its reference: {names}"]
            url = result.orders[0].order_url
            where = {"order_url": url, "link": order_page(self.pages, url)}
            return self._move(row, "differs", texts[0], differences=texts, **where)
        (order,) = result.orders
        note = f"found in Finale as {order.order_id}"
        return self._verify(self._located(row, order.order_url, note))

    def _located(self, row: OrderWrite, url: str, text: str) -> OrderWrite:
        link = order_page(self.pages, url)
        return self._move(row, "unverified", text, order_url=url, link=link)

    def _verify(self, row: OrderWrite) -> OrderWrite:
        """Read an order back and compare it; until that is done it stays unverified."""
        text = ""
        for pause in READS:
            if pause:
                self.sleep(pause)
            try:
                record = self._read(row)
            except PipelineError as error:
                text = error.what
                continue
            return self._compared(row, record)
        return self._move(row, "unverified", text, error=f"It cannot be read back: {text}")

    def _read(self, row: OrderWrite) -> dict[str, Any]:
        url = str(row.order_url)
        body = self.finder.client.record(ORDER, url)
        if body is None:
            raise MalformedError(f"Finale does not show {url}.")
        record = record_of(body)
        if record["orderUrl"] != url:
            raise MalformedError(f"Finale shows another order under {url}.")
        return record

    def _compared(self, row: OrderWrite, record: dict[str, Any]) -> OrderWrite:
        """Write how the order is, and that its products are ordered, in one transaction."""
        deviations = differences(row.draft, record)
        with self.connection.transaction():
            ended = self._move(
                row,
                "differs" if deviations else "created",
                "; ".join(deviations) or "read back, the same",
                differences=deviations,
                finale_status=str(record.get("statusId")),
                error=None,
            )
            items = record.get("orderItemList")
            there = {i.get("productUrl") for i in items or () if isinstance(i, dict)}
            # Alerts about a product that was drafted are quiet until it gets worse.
            choice = Choice("ordered", self.actor, f"drafted in Finale as {row.reference}")
            ordered = [x.product_url for x in row.draft.lines if x.product_url in there]
            choose(self.connection, ordered, choice, now=self.clock())
        return ended

    def _is_absent(self, row: OrderWrite, result: SearchResult) -> bool:
        """Whether it may be sent again: all looks were answered, some order was shown, time passed.

        A feed that shows no order at all proves nothing, so a quiet account stays unknown.
        """
        if row.sent_at is None or row.sent_source_at is None or not result.is_complete:
            return False
        passed = result.as_of - row.sent_source_at, self.clock() - row.sent_at
        return result.shown > 0 and min(passed) >= GRACE

    def _oldest(self, row: OrderWrite) -> datetime:
        """Return a moment before which the order cannot have been created.

        Of one that was sent: somewhat before that, with room for other orders to be seen.
        """
        midnight = datetime.combine(row.draft.plan_on, datetime.min.time(), self.zone)
        first = midnight.astimezone(UTC)
        sent = row.sent_source_at
        if sent is None:
            return first
        return min(first, sent) if sent - first < MOST - 3 * CLOCK_MARGIN else sent

    def _move(
        self, row: OrderWrite, state: OrderState, detail: str, **columns: object
    ) -> OrderWrite:
        change = StateChange(state, self.actor, detail, columns)
        return move(self.connection, row, change, now=self.clock())


def _not_found(result: SearchResult | None) -> str:
    if result is None:
        return "It could not be looked up."
    doubts = f" ({'; '.join(result.doubts)})" if result.doubts else ""
    return f"It was not found at {result.as_of:%Y-%m-%d %H:%M:%S} UTC by Finale's clock{doubts}."
