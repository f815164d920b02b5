"""The account's purchase orders, as POSTs make and change them; callers hold the account's mutex.

The orders that the account places itself are in the same tables; one of them that a POST changes
is from then on left alone by the account.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Table
from finale_pipeline.sandbox.postfaults import garble
from finale_pipeline.sandbox.quirks import Quirks
from finale_pipeline.sandbox.sales import STAMP, Product, shipment_record, stamp
from finale_pipeline.sandbox.sent import Refused, fields_of, lines_of, moment_of, order_id
from finale_pipeline.sandbox.states import (
    CANCELLED,
    COMPLETED,
    CREATED,
    LOCKED,
    OPEN_SHIPMENT,
    SHIPMENT_STEPS,
    STEPS,
    action_urls,
    shipment_action_urls,
)
from finale_pipeline.sandbox.stock import Stock, decoded, encoded, on_order_row

Order = dict[str, Any]


@dataclass
class Kept:
    """What is known of an order beside its record.

    Attributes:
        order_id: As people see it.
        origin: `posted`, or `seeded` and changed by a POST.
        shipments: Their urls.
        lines: So many orderItemUrls were given.
        shown_at: No collection has it before.
        unseen_reads: So many collection reads are still without it.
    """

    order_id: str
    origin: str
    shown_at: datetime
    shipments: list[str] = field(default_factory=list)
    lines: int = 0
    unseen_reads: int = 0


class OrderBook:
    """Makes, changes and receives purchase orders.

    Args:
        tables: The account's collections by path.
        stock: Its stock.
        account: Its name.
        clock: Its time.
        quirks: Its behaviour where Finale's is not known.
    """

    def __init__(
        self, tables: Mapping[str, Table], stock: Stock, account: str, clock: Clock, quirks: Quirks
    ) -> None:
        self._tables = tables
        self._stock = stock
        self._base = f"/{account}/api/"
        self._account = account
        self._clock = clock
        self._quirks = quirks
        self._kept: dict[str, Kept] = {}
        self._numbers: set[str] = set()
        self._serial = 0

    def holds(self, number: str) -> bool:
        """Whether an order was made or changed by a POST; the account leaves it alone."""
        return number in self._numbers

    def posted(self) -> list[Order]:
        """Return the orders that POSTs made, oldest first."""
        return [self.order(url) for url, kept in self._kept.items() if kept.origin == "posted"]

    def listed(self) -> list[Order]:
        """Return every purchase order with its origin, for whoever watches the sandbox."""
        table = self._tables["order"]
        orders = (decoded(table.record(place)) for place in table.places())
        return [
            {"origin": self._origin(order["orderUrl"]), **order}
            for order in orders
            if order["orderTypeId"] == "PURCHASE_ORDER"
        ]

    def _origin(self, url: str) -> str:
        return self._kept[url].origin if url in self._kept else "seeded"

    def find(self, path: str, url: object) -> dict[str, Any] | None:
        """Return a collection's record by its url."""
        table = self._tables[path]
        place = table.find(url) if isinstance(url, str) else None
        return None if place is None else decoded(table.record(place))

    def order(self, url: str) -> Order:
        """Return an order that is there."""
        order = self.find("order", url)
        if order is None:
            raise KeyError(url)
        return order

    def create(self, sent: dict[str, Any], garbage: str | None = None) -> Order:
        """Make an order; returns it.

        Args:
            sent: What the client sent.
            garbage: What of it is kept otherwise than it was sent, as a fault.

        Raises:
            Refused: Finale would not make it; nothing was changed.
        """
        if sent.get("orderTypeId") != "PURCHASE_ORDER":
            raise Refused("value", "orderTypeId must be PURCHASE_ORDER in this sandbox.")
        wanted = order_id(sent)
        fields = fields_of(sent, self.find)
        lines = lines_of({"orderItemList": None} | sent, self.find)
        if wanted is not None and self._is_taken(wanted):
            raise Refused("clash", f"An order with orderId {wanted} exists.")
        number = wanted or self._free_number()
        self._serial += 1
        url = (
            f"{self._base}order/{3_000_000 + self._serial if self._quirks.url_differs else number}"
        )
        now = self._clock.now()
        kept = Kept(
            number,
            "posted",
            now + timedelta(seconds=self._quirks.shown_after_seconds),
            unseen_reads=self._quirks.shown_after_reads,
        )
        order: Order = {
            "orderId": number,
            "orderUrl": url,
            "orderTypeId": "PURCHASE_ORDER",
            "statusId": LOCKED if sent.get("statusId") == LOCKED else CREATED,
            "orderDate": now.strftime(STAMP),
            "receiveDate": None,
            "originFacilityUrl": None,
            "destinationFacilityUrl": f"{self._base}facility/10001",
            "orderRoleList": [],
            "orderItemList": _numbered(url, lines, kept),
            "orderAdjustmentList": [],
            "shipmentUrlList": [],
            "createdDate": now.strftime(STAMP),
        } | fields
        self._kept[url] = kept
        self._numbers.add(number)
        for shipment in sent.get("shipmentList") or []:
            if isinstance(shipment, dict) and shipment.get("shipmentTypeId") == "PURCHASE_SHIPMENT":
                self._ship(kept, url)
        if garbage is not None:
            self.garble(order, garbage)
        return self._keep(order)

    def garble(self, order: Order, what: str) -> None:
        """Change one thing of a record, as a fault; see postfaults.GARBAGE."""
        table = self._tables["product"]
        known = {line["productUrl"] for line in order["orderItemList"]}
        other = next(place for place in table.places() if table.key_of(place) not in known)
        sku = decoded(table.record(other))["productId"]
        garble(order, what, (table.key_of(other), sku))

    def _is_taken(self, number: str) -> bool:
        # The account's own orders have their number in their url.
        own = self._tables["order"].find(f"{self._base}order/{number}")
        return own is not None or self.holds(number)

    def _free_number(self) -> str:
        number = 1_000_001 + self._serial
        while self._is_taken(str(number)):
            number += 1
        return str(number)

    def update(self, url: str, sent: dict[str, Any]) -> Order:
        """Replace the fields that were sent; returns the order.

        Raises:
            Refused: Its state or a value forbids it; nothing was changed.
        """
        order = self._writable(url)
        status = order["statusId"]
        if status in {COMPLETED, CANCELLED}:
            raise Refused("state", f"Order {order['orderId']} is {status}.")
        if status == LOCKED and sent.get("autoUnlockRelock") is not True:
            raise Refused("locked", f"No permission to change the locked order {order['orderId']}.")
        fields = fields_of(sent, self.find)
        if "orderItemList" in sent:
            lines = lines_of(sent, self.find)
            fields["orderItemList"] = _numbered(url, lines, self._adopted(order))
        if sent.get("statusId") == LOCKED:
            fields["statusId"] = LOCKED
        self._adopted(order)
        return self._keep(order | fields)

    def act(self, url: str, step: str) -> Order:
        """Take a step of an order's life, such as lock; returns the order.

        Raises:
            Refused: It is not legal now.
        """
        order = self._writable(url)
        begins, ends = STEPS[step]
        if order["statusId"] not in begins:
            raise Refused("state", f"{step} is not possible: the order is {order['statusId']}.")
        kept = self._adopted(order)
        if ends == CANCELLED:
            for shipment_url in kept.shipments:
                shipment = self.find("shipment", shipment_url)
                if shipment and shipment["statusId"] in OPEN_SHIPMENT:
                    self._keep_shipment(shipment | {"statusId": SHIPMENT_STEPS["cancel"]})
        return self._keep(order | {"statusId": ends})

    def act_on_shipment(self, url: str, step: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Receive or cancel a purchase's shipment; returns it.

        One without items brings what is still to come of its order. The order's state stays.

        Raises:
            Refused: It has come or is cancelled, or is none of a purchase.
        """
        shipment = self.find("shipment", url) or {}
        order = self.find("order", shipment.get("primaryOrderUrl"))
        is_open = shipment.get("statusId") in OPEN_SHIPMENT
        if order is None or not is_open or shipment["shipmentTypeId"] != "PURCHASE_SHIPMENT":
            raise Refused("state", f"{step} is not possible: {shipment.get('statusId')}.")
        change: dict[str, Any] = {"statusId": SHIPMENT_STEPS[step]}
        if step == "receive":
            given = sent.get("receiveDate")
            at = moment_of("receiveDate", given) if given else self._clock.now()
            items = shipment["shipmentItemList"] or self._items_to_come(order)
            change |= {"receiveDate": at.strftime(STAMP), "shipmentItemList": items}
            for item in items:
                product = Product(item["productUrl"], item["productId"])
                self._stock.take(product, -item["quantity"])
        received = self._keep_shipment(shipment | change)
        self._keep(order)
        return received

    def arrive(self, order_url: str) -> dict[str, Any]:
        """Let people receive all that is still to come of an order; returns the shipment."""
        order = self._writable(order_url)
        kept = self._adopted(order)
        shipment_url = self._ship(kept, order_url)
        return self.act_on_shipment(shipment_url, "receive", {})

    def unseen(self) -> set[str]:
        """Return the urls of the orders that a collection read does not show; counts the read."""
        now = self._clock.now()
        hidden = set()
        for url, kept in self._kept.items():
            if kept.unseen_reads > 0 or now < kept.shown_at:
                hidden.add(url)
                kept.unseen_reads -= 1
        return hidden

    def _writable(self, url: str) -> Order:
        order = self.order(url)
        if order["orderTypeId"] != "PURCHASE_ORDER":
            raise Refused("value", "This sandbox takes writes of purchase orders only.")
        return order

    def _adopted(self, order: Order) -> Kept:
        """Return what is kept of an order; the account's own becomes one that POSTs change."""
        url = order["orderUrl"]
        if url not in self._kept:
            table = self._tables["shipment"]
            shipments = (decoded(table.record(place)) for place in table.places())
            urls = [s["shipmentUrl"] for s in shipments if s["primaryOrderUrl"] == url]
            lines = len(order["orderItemList"])
            now = self._clock.now()
            self._kept[url] = Kept(order["orderId"], "seeded", now, urls, lines)
            self._numbers.add(order["orderId"])
        return self._kept[url]

    def _keep(self, order: Order) -> Order:
        """Write an order down and let the stock show what is still to come of it."""
        total = sum(
            Decimal(str(line["quantity"])) * Decimal(str(line["unitPrice"]))
            for line in order["orderItemList"]
        )
        order |= {
            "orderItemListTotal": round(float(total), 2),
            "shipmentUrlList": self._kept[order["orderUrl"]].shipments,
            "lastUpdatedDate": self._clock.now().strftime(STAMP),
            **action_urls(order["orderUrl"], order["statusId"]),
        }
        table = self._tables["order"]
        order = {n: v for n, v in order.items() if v is not None or not n.startswith("actionUrl")}
        table.put(self._seconds(), encoded(order), place=table.find(order["orderUrl"]))
        is_expected = order["statusId"] == LOCKED
        facility = order["destinationFacilityUrl"] or f"{self._base}facility/10001"
        self._stock.expect(
            order["orderUrl"],
            [
                on_order_row(
                    Product(item["productUrl"], item["productId"]),
                    item["quantity"],
                    order=order["orderUrl"],
                    facility=facility,
                )
                for item in (self._items_to_come(order) if is_expected else [])
            ],
        )
        return order

    def _items_to_come(self, order: Order) -> list[dict[str, Any]]:
        """Return the items that would bring what is still to come, one per product."""
        open_units: dict[tuple[str, str], float] = defaultdict(float)
        for line in order["orderItemList"]:
            if line["productUrl"] is not None:
                open_units[line["productUrl"], line["productId"]] += line["quantity"]
        for shipment_url in self._kept[order["orderUrl"]].shipments:
            shipment = self.find("shipment", shipment_url)
            if shipment and shipment["statusId"] == SHIPMENT_STEPS["receive"]:
                for item in shipment["shipmentItemList"]:
                    open_units[item["productUrl"], item["productId"]] -= item["quantity"]
        return [
            {
                "productUrl": url,
                "productId": sku,
                "facilityUrl": f"{self._base}facility/20000",
                "quantity": units,
            }
            for (url, sku), units in open_units.items()
            if units > 0
        ]

    def _ship(self, kept: Kept, order_url: str) -> str:
        """Add a shipment that has not come yet to an order; returns its url."""
        at = stamp(self._seconds())
        part = len(kept.shipments) + 1
        record = shipment_record(
            self._account,
            f"{kept.order_id}-{part}",
            (),
            kind="PURCHASE_SHIPMENT",
            status="SHIPMENT_INPUT",
            order=None,
            created_at=self._seconds(),
            changed_at=self._seconds(),
        )
        record |= {
            "shipmentIdUser": f"{kept.order_id}-{part}",
            "primaryOrderUrl": order_url,
            "createdDate": at,
        }
        kept.shipments.append(record["shipmentUrl"])
        self._keep_shipment(record)
        return str(record["shipmentUrl"])

    def _keep_shipment(self, shipment: dict[str, Any]) -> dict[str, Any]:
        url = shipment["shipmentUrl"]
        shipment |= {
            "lastUpdatedDate": self._clock.now().strftime(STAMP),
            **shipment_action_urls(url, shipment["statusId"]),
        }
        table = self._tables["shipment"]
        table.put(self._seconds(), encoded(shipment), place=table.find(url))
        return shipment

    def _seconds(self) -> int:
        return int(self._clock.now().timestamp())


def _numbered(url: str, lines: list[dict[str, Any]], kept: Kept) -> list[dict[str, Any]]:
    """Give lines their urls; one that names an orderItemUrl of the order keeps it."""
    for line in lines:
        if not str(line["orderItemUrl"]).startswith(f"{url}/orderItem/"):
            kept.lines += 1
            line["orderItemUrl"] = f"{url}/orderItem/{kept.lines:08}"
    return lines
