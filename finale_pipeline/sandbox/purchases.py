"""Purchase orders of the simulated account: placed, received in parts, placed again."""

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from finale_pipeline.sandbox.sales import (
    DAY,
    Event,
    Lines,
    Record,
    back,
    order_record,
    shipment_record,
    stamp,
    url_of,
)
from finale_pipeline.sandbox.states import action_urls


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase order in one of its versions.

    Attributes:
        vendor: partyId of the supplier.
        at: When it was ordered, Unix seconds.
        changed_at: When it became this version.
        receipts: What came of it, and when.
        status: Of the order; most are never completed, though all has come.
    """

    number: str
    vendor: str
    at: int
    due_at: int
    lines: Lines
    changed_at: int
    receipts: tuple[tuple[int, Lines], ...] = ()
    status: str = "ORDER_LOCKED"

    def open_lines(self) -> Lines:
        """Return what is still to come."""
        if self.status != "ORDER_LOCKED":
            return ()
        received: dict[str, float] = {}
        for _, lines in self.receipts:
            for product, units in lines:
                received[product.url] = received.get(product.url, 0) + units
        rest = ((product, units - received.get(product.url, 0)) for product, units in self.lines)
        return tuple((product, units) for product, units in rest if units > 0)

    def records(self) -> Iterator[Record]:
        """Yield the order and its receipts as Finale shows them."""
        url = url_of("order", self.number)
        items = tuple((replace(p, price=round(p.price * 0.6, 2)), n) for p, n in self.lines)
        order = order_record(
            self.number,
            url,
            "PURCHASE_ORDER",
            items,
            statusId=self.status,
            receiveDate=stamp(self.due_at),
            destinationFacilityUrl=url_of("facility", 10_001),
            orderRoleList=[{"roleTypeId": "SUPPLIER", "partyId": self.vendor}],
            orderDate=stamp(self.at),
            createdDate=stamp(self.at),
            lastUpdatedDate=stamp(self.changed_at),
            **action_urls(url, self.status),
        )
        yield "order", order
        for part, (at, lines) in enumerate(self.receipts):
            shipment = shipment_record(
                f"{self.number}-{part}",
                lines,
                kind="PURCHASE_SHIPMENT",
                status="SHIPMENT_DELIVERED",
                order=self.number,
                created_at=at,
                received_at=at,
                changed_at=self.changed_at,
            )
            yield "shipment", shipment


Groups = Mapping[str, Lines]
"""Per vendor what is ordered from it each time."""


def purchased(groups: Groups, seed: int, first: datetime) -> Iterator[Event]:
    """Yield what happens to purchase orders, by time and without end.

    Args:
        first: Day from which on orders are placed, UTC.
    """
    begins = int(first.timestamp())
    streams = [_vendor(vendor, lines, seed, begins) for vendor, lines in groups.items()]
    return heapq.merge(*streams, key=lambda event: event.at)


def _vendor(vendor: str, lines: Lines, seed: int, begins: int) -> Iterator[Event]:
    """Order from a vendor again and again: the next time some days after the last came."""
    number = 0
    habit = random.Random(f"{seed} vendor {vendor}")
    lead = habit.randrange(6, 30)
    at = begins + habit.randrange(20 * DAY)
    while True:
        number += 1
        dice = random.Random(f"{seed} purchase {vendor} {number}")
        placed = Purchase(f"PO-{vendor}-{number}", vendor, at, at + lead * DAY, lines, at)
        yield Event(at, placed)
        for event in _arrivals(placed, dice):
            at = event.at
            yield event
        at += dice.randrange(DAY, 3 * DAY)


def _arrivals(placed: Purchase, dice: random.Random) -> Iterator[Event]:
    at = placed.due_at + dice.randrange(-2 * DAY, 5 * DAY)
    fate = dice.choice(("whole", "whole", "whole", "parts", "completed", "cancelled"))
    if fate == "cancelled":
        yield Event(at, replace(placed, changed_at=at, status="ORDER_CANCELLED"))
        return
    if fate == "parts":
        some = tuple((product, units // 2) for product, units in placed.lines)
        placed = replace(placed, changed_at=at, receipts=((at, some),))
        yield Event(at, placed, back(some))
        at += dice.randrange(DAY, 6 * DAY)
    rest = placed.open_lines()
    receipts = (*placed.receipts, (at, rest))
    status = "ORDER_COMPLETED" if fate == "completed" else placed.status
    received = replace(placed, changed_at=at, receipts=receipts, status=status)
    yield Event(at, received, back(rest))
