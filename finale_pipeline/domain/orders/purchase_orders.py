"""Lines to order → drafts of purchase orders: who, where, under which name, as which text."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from finale_pipeline.text import number

STAMP = "%Y-%m-%dT%H:%M:%S"
ORDER_TYPE = "PURCHASE_ORDER"
DRAFT = "ORDER_CREATED"
LONGEST_REFERENCE = 60
"""Characters that Finale keeps of a reference; of an order's number it keeps 20."""
DIGEST_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """What is ordered of a product.

    Attributes:
        product_url: The product, by the address that Finale gave it; never put together by us.
        quantity_units: Units, above zero.
        unit_price: Price of one; None = Finale may fill in its own.
        currency: Of the price; None = the account's.
        arrival_on: When it is expected; None = nobody knows.
    """

    product_url: str
    sku: str
    quantity_units: Decimal
    unit_price: Decimal | None = None
    currency: str | None = None
    arrival_on: date | None = None

    @property
    def total(self) -> Decimal:
        """Quantity times price; 0 without one."""
        return self.quantity_units * (self.unit_price or 0)

    def as_dict(self) -> dict[str, Any]:
        """Return it by name, with its total."""
        return asdict(self) | {"line_total": self.total}


@dataclass(frozen=True, slots=True)
class Draft:
    """An order to one vendor for one place.

    Attributes:
        lines: By product, each product once.
        sequence: 1; higher for one more order of the same day, vendor and place.
    """

    account: str
    plan_on: date
    vendor_id: str
    facility_url: str
    lines: tuple[PurchaseLine, ...]
    sequence: int = 1

    @property
    def reference(self) -> str:
        """The name by which we find it in Finale."""
        return reference(
            plan_on=self.plan_on,
            vendor_id=self.vendor_id,
            facility_url=self.facility_url,
            sequence=self.sequence,
        )

    @property
    def order_id(self) -> str:
        """The number under which it is created."""
        return order_id(self.account, self.reference, self.plan_on)

    @property
    def total(self) -> Decimal:
        """Sum of the lines that have a price."""
        return sum((line.total for line in self.lines), Decimal())


def reference(*, plan_on: date, vendor_id: str, facility_url: str, sequence: int = 1) -> str:
    """Return the business key of an order: the same plan, vendor and place have the same.

    >>> place = "/demo/api/facility/10001"
    >>> reference(plan_on=date(2026, 11, 25), vendor_id="10042", facility_url=place)
    'FP-20261125-10042-10001'
    >>> reference(plan_on=date(2026, 11, 25), vendor_id="10042", facility_url=place, sequence=2)
    'FP-20261125-10042-10001-2'
    """
    place = facility_url.rstrip("/").rpartition("/")[2]
    tail = "" if sequence == 1 else f"-{sequence}"
    name = f"FP-{plan_on:%Y%m%d}-{vendor_id}-{place}{tail}"
    if len(name) <= LONGEST_REFERENCE and name.isascii() and name.isprintable():
        return name
    return f"FP-{plan_on:%Y%m%d}-{_digest(name)}{tail}"


def order_id(account: str, name: str, plan_on: date) -> str:
    """Return the number of an order, 19 ASCII characters: a second creation clashes with it.

    >>> order_id("demo", "FP-20261125-10042-10001", date(2026, 11, 25))
    'FP261125-C26V3GZV6E'
    """
    return f"FP{plan_on:%y%m%d}-{_digest(f'{account} {name}')}"


def _digest(text: str) -> str:
    """Return 50 bits of a hash as letters and digits."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:DIGEST_CHARACTERS]


def joined(lines: Iterable[PurchaseLine]) -> tuple[PurchaseLine, ...]:
    """Return lines with each product once, by product; a repeated product's units are added up.

    The first known price and the latest arrival are kept.
    """
    by_product: dict[str, PurchaseLine] = {}
    for line in lines:
        existing = by_product.get(line.product_url)
        by_product[line.product_url] = line if existing is None else _added(existing, line)
    return tuple(by_product[url] for url in sorted(by_product))


def _added(one: PurchaseLine, other: PurchaseLine) -> PurchaseLine:
    priced = one if one.unit_price is not None else other
    days = [day for day in (one.arrival_on, other.arrival_on) if day is not None]
    return PurchaseLine(
        one.product_url,
        one.sku,
        one.quantity_units + other.quantity_units,
        priced.unit_price,
        priced.currency,
        max(days, default=None),
    )


def local_noon(day: date, zone: ZoneInfo) -> str:
    """Return a day as Finale stores days that people type: the zone's noon, in UTC.

    Midnight would be the day before to everyone west of the zone.

    >>> local_noon(date(2026, 3, 9), ZoneInfo("America/Denver"))
    '2026-03-09T18:00:00'
    """
    return datetime.combine(day, time(12), zone).astimezone(UTC).strftime(STAMP)


def body(draft: Draft, *, today: date, zone: ZoneInfo) -> str:
    """Return the JSON text that creates a draft on a business day, with all digits of numbers."""
    arrivals = [line.arrival_on for line in draft.lines if line.arrival_on is not None]
    late = max(today - draft.plan_on, date.resolution * 0)
    head: dict[str, object] = {
        "orderTypeId": ORDER_TYPE,
        "statusId": DRAFT,
        "orderId": draft.order_id,
        "orderDate": local_noon(today, zone),
        "destinationFacilityUrl": draft.facility_url,
        "orderRoleList": [{"roleTypeId": "SUPPLIER", "partyId": draft.vendor_id}],
        "referenceNumber": draft.reference,
        "privateNotes": f"Draft of the purchase plan of {draft.plan_on}.",
    }
    if arrivals:
        head["receiveDate"] = local_noon(max(*arrivals, draft.plan_on) + late, zone)
    items = ",".join(_item(line) for line in draft.lines)
    return f'{json.dumps(head)[:-1]}, "orderItemList": [{items}]}}'


def _item(line: PurchaseLine) -> str:
    price = "" if line.unit_price is None else f', "unitPrice": {number(line.unit_price)}'
    return (
        f'{{"productUrl": {json.dumps(line.product_url)},'
        f' "quantity": {number(line.quantity_units)}{price}}}'
    )


def body_hash(text: str) -> str:
    """Return the hash by which a sent text is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_lines(ones: Sequence[PurchaseLine], others: Sequence[PurchaseLine]) -> bool:
    """Whether two orders want the same units of the same products at the same prices."""
    return _comparable(ones) == _comparable(others)


def _comparable(lines: Sequence[PurchaseLine]) -> list[tuple[str, Decimal, Decimal | None]]:
    return sorted((x.product_url, x.quantity_units, x.unit_price) for x in joined(lines))


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What Finale and the buyer say now of how a product is bought, to warn of a line.

    `OrderTerms` are what the plan decided by: there a pack that nobody named is 1, and what floats
    leave over is forgiven. Here no pack is no warning, and a quantity is compared exactly: it is
    what will be sent.

    Attributes:
        minimum_order_units: Least quantity of an order; 0 = none.
        pack_units: Orders are multiples of it; 0 = nobody named one, any quantity will do.
        is_active: Whether Finale has it as active.
    """

    minimum_order_units: Decimal = Decimal()
    pack_units: Decimal = Decimal()
    is_active: bool = True


def line_warnings(line: PurchaseLine, terms: LineTerms) -> list[str]:
    """Return what speaks against a line, in words.

    >>> line = PurchaseLine("/p/1", "TEA-1", Decimal(10))
    >>> line_warnings(line, LineTerms(pack_units=Decimal(12)))
    ['TEA-1: 10 units are no whole number of packs of 12', 'TEA-1: no price is known']
    """
    units, warnings = line.quantity_units, []
    if units < terms.minimum_order_units:
        warnings.append(
            f"{number(units)} units are under its minimum of {number(terms.minimum_order_units)}"
        )
    if terms.pack_units > 0 and units % terms.pack_units:
        warnings.append(
            f"{number(units)} units are no whole number of packs of {number(terms.pack_units)}"
        )
    if line.unit_price is None:
        warnings.append("no price is known")
    return [f"{line.sku}: {what}" for what in warnings]


def draft_warnings(draft: Draft, minimum_order_value: Decimal | None) -> list[str]:
    """Return what speaks against an order as a whole, in words."""
    warnings = []
    if minimum_order_value is not None and draft.total < minimum_order_value:
        warnings.append(
            f"the total of {number(draft.total)} is under the vendor's minimum of"
            f" {number(minimum_order_value)}"
        )
    currencies = sorted({line.currency for line in draft.lines if line.currency})
    if len(currencies) > 1:
        warnings.append(f"its prices are in several currencies: {', '.join(currencies)}")
    return warnings
