"""The account's purchase orders, as POSTs make and change them; callers hold the account's mutex.

The orders that the account places itself are in the same tables; one of them that a POST changes
is from then on left alone by the account.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from finale_pipeline.sandbox.postfaults import garble
from finale_pipeline.sandbox.quirks import Quirks
from finale_pipeline.sandbox.receiving import Receiving
from finale_pipeline.sandbox.records import Record, Records
from finale_pipeline.sandbox.sales import order_record, url_of
from finale_pipeline.sandbox.sent import (
    OrderRefused,
    fields_of,
    lines_of,
    moment_of,
    order_id,
    shipments_of,
)
from finale_pipeline.sandbox.states import (
    CANCELLED,
    COMPLETED,
    CREATED,
    LOCKED,
    STEPS,
    action_urls,
)
from finale_pipeline.sandbox.stock import Stock

FIRST_NUMBER, FIRST_URL = 1_000_001, 3_000_001


@dataclass
class _State:
    """What is known of an order beside its record.

    Attributes:
        origin: `posted`, or `seeded` and changed by a POST.
        shown_at: No collection has it before.
        unseen_reads: So many collection reads are still without it.
        lines: So many orderItemUrls were given.
        due_at: When its vendor delivers; None while it is not committed.
    """

    origin: str
    shown_at: datetime
    unseen_reads: int = 0
    lines: int = 0
    due_at: datetime | None = None


class OrderBook:
    """Makes, changes and receives purchase orders."""

    def __init__(self, records: Records, stock: Stock, quirks: Quirks) -> None:
        self._records = records
        self._receiving = Receiving(records, stock)
        self._quirks = quirks
        self._states: dict[str, _State] = {}
        self._numbers: set[str] = set()
        self._serial = 0

    def holds(self, number: str) -> bool:
        """Whether an order was made or changed by a POST; the account leaves it alone."""
        return number in self._numbers

    def posted(self) -> list[Record]:
        """Return the orders that POSTs made, oldest first."""
        urls = [url for url, state in self._states.items() if state.origin == "posted"]
        return [self._records.get("order", url) for url in urls]

    def seeded(self) -> list[Record]:
        """Return the purchase orders that the account placed itself."""
        posted = {url for url, state in self._states.items() if state.origin == "posted"}
        return [
            order
            for order in self._records.all("order")
            if order["orderTypeId"] == "PURCHASE_ORDER" and order["orderUrl"] not in posted
        ]

    def create(self, sent: dict[str, Any], *, garbage: str | None = None) -> Record:
        """Make an order; returns it.

        Args:
            garbage: What of it is kept otherwise than it was sent, as a fault.

        Raises:
            OrderRefused: Finale would not make it; nothing was changed.
        """
        if sent.get("orderTypeId") != "PURCHASE_ORDER":
            raise OrderRefused("value", "orderTypeId must be PURCHASE_ORDER in this sandbox.")
        requested = order_id(sent)
        fields = fields_of(sent, self._records.find)
        lines = lines_of(sent.get("orderItemList"), self._records.find)
        shipments = shipments_of(sent, self._records.find)
        if requested is not None and self._is_taken(requested):
            raise OrderRefused("clash", f"An order with orderId {requested} exists.")
        order = self._new(requested or self._free_number()) | fields
        if sent.get("statusId") == LOCKED:
            order["statusId"] = LOCKED
        order["orderItemList"] = self._numbered(order["orderUrl"], lines)
        for items in shipments:
            self._receiving.add(order, items)
        if garbage is not None:
            self.garble(order, garbage)
        return self._keep(order)

    def _new(self, number: str) -> Record:
        """Begin an order; returns it as it is when nothing else is sent."""
        now = self._records.now()
        last = FIRST_URL + self._serial if self._quirks.url_differs else number
        url = url_of("order", last)
        self._serial += 1
        shown_at = now + timedelta(seconds=self._quirks.shown_after_seconds)
        self._states[url] = _State("posted", shown_at, self._quirks.shown_after_reads)
        self._numbers.add(number)
        self._receiving.begin(url, is_new=True)
        return order_record(
            number,
            url,
            "PURCHASE_ORDER",
            statusId=CREATED,
            destinationFacilityUrl=url_of("facility", 10_001),
            orderDate=self._records.stamp(),
            createdDate=self._records.stamp(),
        )

    def _is_taken(self, number: str) -> bool:
        # The account's own orders have their number in their url.
        own = self._records.find("order", url_of("order", number))
        return own is not None or self.holds(number)

    def _free_number(self) -> str:
        number = FIRST_NUMBER + self._serial
        while self._is_taken(str(number)):
            number += 1
        return str(number)

    def update(self, url: str, sent: dict[str, Any]) -> Record:
        """Replace the fields that were sent; returns the order.

        Raises:
            OrderRefused: Its state or a value forbids it; nothing was changed.
        """
        order = self._writable(url)
        status = order["statusId"]
        if status in {COMPLETED, CANCELLED}:
            raise OrderRefused("state", f"Order {order['orderId']} is {status}.")
        if status == LOCKED and sent.get("autoUnlockRelock") is not True:
            raise OrderRefused(
                "locked", f"No permission to change the locked order {order['orderId']}."
            )
        fields = fields_of(sent, self._records.find)
        lines = lines_of(sent.get("orderItemList"), self._records.find)
        self._adopt(order)
        if "orderItemList" in sent:
            fields["orderItemList"] = self._numbered(url, lines)
        if sent.get("statusId") == LOCKED:
            fields["statusId"] = LOCKED
        return self._keep(order | fields)

    def act(self, url: str, step: str) -> Record:
        """Take a step of an order's life, such as lock; returns the order.

        Raises:
            OrderRefused: It is not legal now.
        """
        order = self._writable(url)
        begins, ends = STEPS[step]
        if order["statusId"] not in begins:
            raise OrderRefused(
                "state", f"{step} is not possible: the order is {order['statusId']}."
            )
        self._adopt(order)
        if ends == CANCELLED:
            self._receiving.cancel(url)
        return self._keep(order | {"statusId": ends})

    def act_on_shipment(self, url: str, step: str, sent: dict[str, Any]) -> Record:
        """Receive or cancel a purchase's shipment; returns it. The order's state stays.

        Raises:
            OrderRefused: It is not legal now, or the shipment is none of a purchase order.
        """
        shipment = self._receiving.step(url, step, sent)
        self._keep(self._records.get("order", shipment["primaryOrderUrl"]))
        return shipment

    def arrive(self, order_url: str, at: datetime | None = None) -> Record:
        """Let people receive all that is still to come of an order; returns the shipment."""
        order = self._writable(order_url)
        self._adopt(order)
        received = {} if at is None else {"receiveDate": at.isoformat()}
        return self.act_on_shipment(self._receiving.add(order, []), "receive", received)

    def deliver(self) -> None:
        """Let vendors deliver what was committed and is due."""
        now = self._records.now()
        for url, state in self._states.items():
            if state.due_at is not None and state.due_at <= now:
                due_at, state.due_at = state.due_at, None
                if self._receiving.to_come(self._writable(url)):
                    self.arrive(url, due_at)

    def unseen(self) -> set[str]:
        """Return the urls of the orders that a collection read does not show; counts the read."""
        now = self._records.now()
        hidden = set()
        for url, state in self._states.items():
            if state.unseen_reads > 0 or now < state.shown_at:
                hidden.add(url)
                state.unseen_reads -= 1
        return hidden

    def garble(self, order: Record, what: str) -> None:
        """Change one thing of a record, as a fault; see postfaults.GARBAGE."""
        own = {line["productUrl"] for line in order["orderItemList"]}
        other = next(p for p in self._records.all("product") if p["productUrl"] not in own)
        garble(order, what, (other["productUrl"], other["productId"]))

    def _writable(self, url: str) -> Record:
        order = self._records.find("order", url)
        if order is None or order["orderTypeId"] != "PURCHASE_ORDER":
            raise OrderRefused("value", "This sandbox takes writes of its purchase orders only.")
        return order

    def _adopt(self, order: Record) -> None:
        """Let an order that the account placed itself be one that POSTs change."""
        url = order["orderUrl"]
        if url not in self._states:
            lines = len(order["orderItemList"])
            self._states[url] = _State("seeded", self._records.now(), lines=lines)
            self._numbers.add(order["orderId"])
            self._receiving.begin(url, is_new=False)

    def _numbered(self, url: str, lines: list[Record]) -> list[Record]:
        """Give lines their urls; one that names an orderItemUrl of the order keeps it."""
        record = self._states[url]
        for line in lines:
            if not str(line["orderItemUrl"]).startswith(f"{url}/orderItem/"):
                record.lines += 1
                line["orderItemUrl"] = f"{url}/orderItem/{record.lines:08}"
        return lines

    def _keep(self, order: Record) -> Record:
        """Write an order down and let the stock show what is still to come of it."""
        url = order["orderUrl"]
        order = order | {
            "orderItemListTotal": _total(order),
            "shipmentUrlList": self._receiving.urls(url),
            **action_urls(url, order["statusId"]),
        }
        # A step that is not legal is no key at all.
        order = {n: v for n, v in order.items() if v is not None or not n.startswith("actionUrl")}
        is_committed = order["statusId"] == LOCKED
        self._receiving.expect(order, self._receiving.to_come(order) if is_committed else [])
        self._states[url].due_at = self._due_at(order, self._states[url]) if is_committed else None
        return self._records.put("order", order)

    def _due_at(self, order: Record, state: _State) -> datetime | None:
        """Return when a committed order is delivered: as it says, but not before tomorrow."""
        if state.due_at is not None or not self._quirks.vendors_deliver:
            return state.due_at
        tomorrow = self._records.now() + timedelta(days=1)
        if order["receiveDate"] is None:
            return tomorrow + timedelta(days=13)
        return max(tomorrow, moment_of("receiveDate", order["receiveDate"]))


def _total(order: Record) -> float:
    lines = order["orderItemList"]
    sums = (Decimal(str(n["quantity"])) * Decimal(str(n["unitPrice"])) for n in lines)
    return round(float(sum(sums)), 2)
