"""Sales of the simulated account: orders and shipments, and what happens to them afterwards."""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

NAME = "demo"
"""Of the account."""
STAMP = "%Y-%m-%dT%H:%M:%S"
DAY = 86_400
MOST_A_DAY = 400
NO_STEPS = {f"actionUrl{step}": None for step in ("Lock", "Complete", "Cancel", "Edit")}
"""Orders of customers are written by nobody here."""
Record = tuple[str, dict[str, Any]]
"""A collection's path and one of its records."""


def url_of(collection: str, number: object) -> str:
    """Return Finale's address of a record, such as `/demo/api/order/S100001`."""
    return f"/{NAME}/api/{collection}/{number}"


@dataclass(frozen=True, slots=True)
class Product:
    """What a sale needs to know of a product: address, SKU, price."""

    url: str
    sku: str
    price: float = 9.5


Lines = tuple[tuple[Product, float], ...]
"""Products and units."""


@dataclass(frozen=True, slots=True)
class Sale:
    """An order of a customer and its shipment, in one of its versions.

    Attributes:
        at: When it was ordered, Unix seconds.
        changed_at: When it became this version.
        shipped_at: When it left; None = not yet.
        corrections: What was taken back in Finale, each a line below zero of the shipment.
        is_cancelled: Whether all of it was.
        has_order: Whether there is an order, and not the shipment alone.
        fees: Postage and the like, which are no goods.
    """

    number: str
    at: int
    lines: Lines
    changed_at: int
    shipped_at: int | None = None
    corrections: Lines = ()
    is_cancelled: bool = False
    has_order: bool = True
    fees: float = 0.0

    def records(self) -> Iterator[Record]:
        """Yield the order and the shipment as Finale shows them."""
        if self.has_order:
            yield "order", self._order()
        yield "shipment", self._shipment()

    def _order(self) -> dict[str, Any]:
        status = "COMPLETED" if self.shipped_at else "LOCKED"
        return order_record(
            self.number,
            url_of("order", self.number),
            "SALES_ORDER",
            self.lines,
            statusId=f"ORDER_{'CANCELLED' if self.is_cancelled else status}",
            originFacilityUrl=url_of("facility", 10_001),
            orderRoleList=[{"roleTypeId": "CUSTOMER", "partyId": "20001"}],
            orderAdjustmentList=[{"amount": self.fees}] if self.fees else [],
            shipmentUrlList=[url_of("shipment", f"7{self.number}")],
            orderDate=stamp(self.at),
            createdDate=stamp(self.at),
            lastUpdatedDate=stamp(self.changed_at),
            **NO_STEPS,
        )

    def _shipment(self) -> dict[str, Any]:
        status = "SHIPPED" if self.shipped_at else "INPUT"
        corrected = tuple((product, -units) for product, units in self.corrections)
        return shipment_record(
            self.number,
            self.lines + corrected,
            kind="SALES_SHIPMENT",
            status=f"SHIPMENT_{'CANCELLED' if self.is_cancelled else status}",
            order=self.number if self.has_order else None,
            created_at=self.at,
            shipped_at=self.shipped_at,
            changed_at=self.changed_at,
        )


@dataclass(frozen=True, slots=True)
class Return:
    """Goods that came back: number of the return, the order they are of, what came, when."""

    number: str
    order: str | None
    lines: Lines
    changed_at: int

    def records(self) -> Iterator[Record]:
        """Yield the return's shipment as Finale shows it."""
        record = shipment_record(
            self.number,
            self.lines,
            kind="SALES_RETURN",
            status="SHIPMENT_DELIVERED",
            order=self.order,
            created_at=self.changed_at,
            received_at=self.changed_at,
            changed_at=self.changed_at,
        )
        yield "shipment", record | {"primaryReturnUrl": url_of("return", self.number)}


class Document(Protocol):
    """A sale, a return or a purchase in one of its versions."""

    @property
    def number(self) -> str:
        """Tells documents apart; the next version of one has the same."""

    @property
    def changed_at(self) -> int:
        """When it became this version, Unix seconds."""

    def records(self) -> Iterator[Record]:
        """Yield its records as Finale shows them."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in the account.

    Attributes:
        at: When, Unix seconds.
        document: The new version of what it happens to; None = stock alone.
        taken: Units that leave the stock by it; below zero = they come.
    """

    at: int
    document: Document | None
    taken: Lines = ()


def invented(products: Sequence[Product], seed: int, first: datetime) -> Iterator[Event]:
    """Yield what happens, by time and without end; few products sell much, many sell little.

    Args:
        first: Day of the first, UTC.
    """
    waiting: list[tuple[int, int, Event]] = []
    serial = 0
    for sale in _orders(products, seed, first):
        while waiting and waiting[0][0] <= sale.at:
            yield heapq.heappop(waiting)[2]
        dice = random.Random(f"{seed} fate {sale.number}")
        begun, *later = _fate(sale, dice)
        yield begun
        for event in later:
            serial += 1
            heapq.heappush(waiting, (event.at, serial, event))


def _orders(products: Sequence[Product], seed: int, first: datetime) -> Iterator[Sale]:
    begins = int(first.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    a_day = min(MOST_A_DAY, max(5, len(products) // 50))
    serial = 0
    while products:
        dice = random.Random(f"{seed} sales {begins}")
        for moment in sorted(dice.randrange(7 * 3600, 20 * 3600) for _ in range(a_day)):
            serial += 1
            lines = tuple(
                (products[int(len(products) * dice.random() ** 3)], float(dice.randrange(1, 5)))
                for _ in range(dice.randrange(1, 5))
            )
            at = begins + moment
            yield Sale(f"S{100_000 + serial}", at, lines, at, shipped_at=at)
        begins += DAY


FATES = (
    ("plain", 78),
    ("late", 6),
    ("cancelled", 4),
    ("corrected", 4),
    ("edited", 3),
    ("returned", 3),
    ("loose", 2),
)
"""What becomes of a sale, in percent."""


def _fate(sale: Sale, dice: random.Random) -> list[Event]:
    """Return the events of a sale, the first when it is ordered."""
    (fate,) = dice.choices([name for name, _ in FATES], [share for _, share in FATES])
    at = sale.at + dice.randrange(3600, 6 * DAY)
    sold = Event(sale.at, sale, sale.lines)
    product, units = sale.lines[0]
    one = ((product, 1.0),)
    edits: dict[str, tuple[dict[str, Any], Lines]] = {
        "cancelled": ({"is_cancelled": True}, back(sale.lines)),
        "corrected": ({"corrections": one}, back(one)),
        "edited": ({"lines": ((product, units + 1), *sale.lines[1:])}, one),
    }
    if fate in edits:
        changes, taken = edits[fate]
        return [sold, Event(at, replace(sale, changed_at=at, **changes), taken)]
    if fate == "late":
        shipped = Event(at, replace(sale, changed_at=at, shipped_at=at), sale.lines)
        return [Event(sale.at, replace(sale, shipped_at=None)), shipped]
    if fate == "returned":
        returned = Return(f"R{sale.number}", sale.number, ((product, units),), at + 20 * DAY)
        return [sold, Event(returned.changed_at, returned, back(returned.lines))]
    return [Event(sale.at, replace(sale, has_order=fate != "loose"), sale.lines)]


def back(lines: Lines) -> Lines:
    """Return the same units as coming back."""
    return tuple((product, -units) for product, units in lines)


def stamp(at: int | None) -> str | None:
    """Return a time as Finale writes it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime(STAMP)


def order_record(
    number: str, url: str, kind: str, lines: Lines = (), **more: object
) -> dict[str, Any]:
    """Return an order as Finale shows it; what is not given is empty."""
    items = [
        {
            "orderItemUrl": f"{url}/orderItem/{n:08}",
            "productUrl": product.url,
            "productId": product.sku,
            "quantity": units,
            "unitPrice": product.price,
        }
        for n, (product, units) in enumerate(lines, 1)
    ]
    return {
        "orderId": number,
        "orderUrl": url,
        "orderTypeId": kind,
        "receiveDate": None,
        "originFacilityUrl": None,
        "destinationFacilityUrl": None,
        "orderRoleList": [],
        "orderItemList": items,
        "orderAdjustmentList": [],
        "orderItemListTotal": round(sum(p.price * units for p, units in lines), 2),
        "shipmentUrlList": [],
        **more,
    }


def shipment_record(
    number: str,
    lines: Lines,
    *,
    kind: str,
    status: str,
    order: str | None,
    created_at: int,
    changed_at: int,
    shipped_at: int | None = None,
    received_at: int | None = None,
) -> dict[str, Any]:
    """Return a shipment as Finale shows it; its address has another number than people see."""
    return {
        "shipmentId": f"7{number}",
        "shipmentIdUser": f"{number}-1",
        "shipmentUrl": url_of("shipment", f"7{number}"),
        "shipmentTypeId": kind,
        "statusId": status,
        "primaryOrderUrl": None if order is None else url_of("order", order),
        "primaryReturnUrl": None,
        "shipmentItemList": [
            {
                "productUrl": product.url,
                "productId": product.sku,
                "facilityUrl": url_of("facility", 20_000),
                "quantity": units,
            }
            for product, units in lines
        ],
        "shipDate": stamp(shipped_at),
        "receiveDate": stamp(received_at),
        "createdDate": stamp(created_at),
        "lastUpdatedDate": stamp(changed_at),
    }
