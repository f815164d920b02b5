"""The order as it goes to a vendor: what they need to deliver it, and nothing of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings
from finale_pipeline.text import file_name, number, plain
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import vendor_orders


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """What is ordered of a product.

    Attributes:
        their_sku: The vendor's; empty = Finale knows none.
        pack_units: Units in a pack; None = it is ordered by the unit.
        unit_price: Of one unit; None = to be agreed.
    """

    their_sku: str
    our_sku: str
    name: str
    units: Decimal
    pack_units: Decimal | None
    unit_price: Decimal | None

    @property
    def packs(self) -> str:
        """The quantity in packs, in words; empty where it is no whole number of them."""
        if not self.pack_units or self.pack_units <= 1 or self.units % self.pack_units:
            return ""
        return f"{number(self.units / self.pack_units)} x {number(self.pack_units)}"

    @property
    def total(self) -> Decimal | None:
        """What the line costs, in cents; None = its price is not known."""
        if self.unit_price is None:
            return None
        return (self.units * self.unit_price).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class VendorOrder:
    """An order.

    Attributes:
        number: Of the order in Finale; None = it is not in Finale yet.
        placed_on: Its day.
        buyer: Our name and address, a line each.
        vendor: Theirs.
        place: Where to deliver, by name; None = not known.
        currency: Of all prices; None = not known, empty = they are of several.
    """

    number: str | None
    placed_on: date
    buyer: Sequence[str]
    vendor: Sequence[str]
    place: str | None
    currency: str | None
    lines: Sequence[DocumentLine]

    @property
    def title(self) -> str:
        """What it is, with its number."""
        return f"Purchase order {self.number}" if self.number else "Purchase order (proposal)"

    @property
    def total(self) -> Decimal | None:
        """Sum of the lines; None = a price is missing, or there are several currencies."""
        totals = [line.total for line in self.lines]
        priced = [total for total in totals if total is not None]
        is_whole = len(priced) == len(totals) and self.currency != ""
        return sum(priced, Decimal(0)) if is_whole else None

    @property
    def file_stem(self) -> str:
        """Name of its file without an ending."""
        return file_name(f"order-{self.number or f'{self.placed_on}'}-{self.vendor[0]}")


def of_draft(connection: Connection, settings: Settings, reference: str) -> VendorOrder:
    """Return an order that was drafted in Finale.

    Raises:
        ConfigError: There is none of this reference.
    """
    drafted = vendor_orders.drafted(connection, reference)
    if drafted is None:
        raise ConfigError(
            f"No order {plain(reference)} was drafted.", step="See: finale orders list"
        )
    order, rows = drafted
    return _vendor_order(
        connection,
        settings,
        rows,
        str(order["vendor_url"]),
        number=str(order["order_id"]),
        placed_on=order["plan_on"],
        place=order["place"],
    )


def of_plan(
    connection: Connection, settings: Settings, vendor: str, day: date | None
) -> VendorOrder:
    """Return what a day's plan orders from a vendor, as a proposal without a number.

    Args:
        vendor: Name or vendor_url.
        day: Of the plan; None = the newest.

    Raises:
        ConfigError: There is no such vendor, or nothing to order from them.
    """
    vendors = vendor_orders.vendors(connection, vendor)
    if len(vendors) != 1:
        raise ConfigError(
            f"There is {'no' if not vendors else 'more than one'} vendor {plain(vendor)}.",
            step="Write the name as Finale does.",
        )
    day = day or plan_reads.newest_day(connection)
    url = str(vendors[0]["vendor_url"])
    rows = vendor_orders.planned(connection, day, url) if day else []
    if day is None or not rows:
        raise ConfigError(
            f"The plan orders nothing from {plain(vendor)}.", step="See the plan's page."
        )
    return _vendor_order(connection, settings, rows, url, number=None, placed_on=day, place=None)


def _vendor_order(
    connection: Connection,
    settings: Settings,
    rows: Sequence[Row],
    vendor_url: str,
    *,
    number: str | None,
    placed_on: date,
    place: str | None,
) -> VendorOrder:
    names = [row["name"] for row in vendor_orders.vendors(connection, vendor_url)]
    currencies = {row["currency"] for row in rows if row["unit_price"] is not None}
    company = (settings.company or settings.account or "").split("|")
    return VendorOrder(
        number,
        placed_on,
        [plain(line) for line in company],
        [plain(names[0] if names else "") or "Vendor", *_address(connection, vendor_url)],
        plain(place) if place else None,
        (currencies.pop() if currencies else None) if len(currencies) <= 1 else "",
        [
            DocumentLine(
                plain(row["vendor_sku"]),
                plain(row["sku"]),
                plain(row["name"]),
                row["units"],
                row["pack_units"],
                row["unit_price"],
            )
            for row in rows
        ],
    )


def _address(connection: Connection, vendor_url: str) -> list[str]:
    lines: list[str] = []
    rows = vendor_orders.contacts(connection, vendor_url)
    postal = next((row for row in rows if row["address1"] or row["city"]), None)
    if postal is not None:
        town = " ".join(str(postal[n]) for n in ("postal_code", "city", "state") if postal[n])
        lines += [postal["address1"], postal["address2"], town, postal["country"]]
    lines += [row["value"] for row in rows if row["value"]][:2]
    return [plain(line) for line in lines if line]
