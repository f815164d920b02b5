"""The items that a mail speaks of: read from the warehouse, ranked, written as a CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from finale_pipeline.domain.replenishment.flags import in_words
from finale_pipeline.text import cell, number, plain
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import incidents as incidents_reads

CSV_BYTES = 8 << 20
"""An attachment is cut here; mail services refuse messages of 30 MB."""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item as mails show it; its texts are harmless.

    Attributes:
        sku: Finale's productId.
        available_units: On hand less reserved.
        due_on: Earliest due date of what is on order; None = not known.
        threshold_units: Reorder point or default; its source is buyer, finale, ours or default.
        suggested_units: To order, by plan or finale; None = not known.
        days_left: Until it is out.
        money_at_risk: In `account_currency`.
        vendor_name: Main supplier; None = none.
        state: What was decided about it.
        opened_at: Since when it has been away from ok.
        flags: What to know before trusting the numbers.
        must_order_by_on: The last day that avoids running out; None = not known.
        unit_cost: Of one unit, in `currency`, by the plan; None = not known.
        arrives_on: When what is ordered now is on the shelf; None = not known.
        account_currency: The same in every line; None = not known.
    """

    sku: str
    name: str
    level: str
    available_units: Decimal
    on_hand_units: Decimal
    reserved_units: Decimal
    on_order_units: Decimal
    due_on: date | None
    threshold_units: Decimal
    threshold_source: str | None
    suggested_units: Decimal | None
    suggested_by: str | None
    days_left: Decimal | None
    money_at_risk: Decimal | None
    vendor_name: str | None
    contact: str | None
    state: str
    opened_at: datetime | None
    why: str
    product_url: str
    flags: Sequence[str] = ()
    must_order_by_on: date | None = None
    category: str | None = None
    unit_cost: Decimal | None = None
    currency: str | None = None
    arrives_on: date | None = None
    account_currency: str | None = None

    @property
    def title(self) -> str:
        """SKU and name on one line."""
        sku, name = plain(self.sku, most=60), plain(self.name)
        return f"{sku} · {name}" if name and name != sku else sku

    @property
    def supplier(self) -> str:
        """Who supplies it and how to reach them, in words."""
        if self.vendor_name is None:
            return "no vendor in Finale"
        name = plain(self.vendor_name)
        return f"{name} ({plain(self.contact)})" if self.contact else f"{name}, no contact"

    @property
    def quantity(self) -> str:
        """What to order, by whose word, its cost and arrival; empty when nobody says."""
        if self.suggested_units is None:
            return ""
        if self.suggested_by == "plan" and not self.suggested_units:
            return "Nothing to order now (our plan counts what is on order)"
        source = "our plan" if self.suggested_by == "plan" else "Finale's reorder quantity"
        by = f" by {self.must_order_by_on}" if self.must_order_by_on else ""
        parts = [f"Order {number(self.suggested_units)}{by} ({source})"]
        if self.unit_cost is not None:
            parts.append(money(self.suggested_units * self.unit_cost, self.currency))
        if self.arrives_on:
            parts.append(f"arrives by {self.arrives_on}")
        return ", ".join(parts)

    @property
    def order(self) -> str:
        """What to order, and from whom."""
        return f"{self.quantity or 'Supplier'}: {self.supplier}"

    @property
    def facts(self) -> str:
        """Days left and money at risk, as far as they are known."""
        parts = []
        if self.days_left is not None:
            parts.append(f"{number(round(self.days_left, 1))} days left")
        if self.money_at_risk:
            parts.append(f"{money(self.money_at_risk, self.account_currency)} at risk")
        if self.state != "open":
            parts.append(self.state)
        parts += in_words(self.flags)
        return " · ".join(parts)


def money(amount: Decimal, currency: str | None) -> str:
    """Return an amount with its currency, where that is known.

    >>> money(Decimal("1534.8"), "GBP"), money(Decimal(2), None)
    ('GBP 1,534.80', '2.00')
    """
    return f"{currency or ''} {amount:,.2f}".strip()


def lines_of(connection: Connection, products: Iterable[str]) -> list[ItemLine]:
    """Return the lines of some products, worst first; for use after the levels were stored."""
    query = incidents_reads.mail_lines(" WHERE k.product_url = ANY (%(products)s)")
    return connection.objects(ItemLine, query, products=list(products), now=None)


def critical_lines(connection: Connection, *, now: datetime) -> list[ItemLine]:
    """Return every critical item, worst first; a snooze that is over is none any more."""
    where = " WHERE c.product_url IS NOT NULL AND k.level <> 'ok' AND NOT k.is_left_out"
    return connection.objects(ItemLine, incidents_reads.mail_lines(where), now=now)


def as_csv(
    lines: Sequence[ItemLine], changes: Mapping[str, tuple[str, str]] | None = None
) -> bytes:
    """Return all lines as a CSV that spreadsheet programs open and do not run.

    Args:
        changes: Level before and after the crossing, by product_url.
    """
    names = [field.name for field in fields(ItemLine)]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["crossed_from", "crossed_to", *names] if changes else names)
    for count, line in enumerate(lines):
        crossing = changes.get(line.product_url, ("", "")) if changes else ()
        values = {name: getattr(line, name) for name in names}
        values["flags"] = "; ".join(in_words(line.flags))
        writer.writerow([*crossing, *(cell(value) for value in values.values())])
        if buffer.tell() > CSV_BYTES:
            rest = len(lines) - count - 1
            writer.writerow([f"and {rest} more; all of them are in mart.low_stock"])
            break
    return buffer.getvalue().encode("utf-8-sig")
