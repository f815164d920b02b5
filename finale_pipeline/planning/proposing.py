"""Quantities for many lines at once: all that is due soon, up to an amount, to a minimum.

Each is a change of the day's plan by edits as a buyer makes them, so that it is checked, logged and
undone like those.
"""

import heapq
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from finale_pipeline.planning.edits import Author, Fields, LineChange, edit
from finale_pipeline.planning.redeciding import due_within
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import plan_changes
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads.stock import last_day

NOTHING = Decimal(0)
MOST_STEPS = 100_000


def order_ahead(
    connection: Connection,
    settings: Settings,
    day: date,
    vendors: Collection[str],
    *,
    days: int,
    author: Author,
) -> int | None:
    """Order now what becomes due in the next days, as if that were the next chance to order.

    Args:
        vendors: Only these; empty = all.
    """
    with connection.transaction():
        stock_on = last_day(connection) or day
        planned = {line["product_url"] for line in plan_reads.lines(connection, day)}
        coming = [
            line
            for line in due_within(connection, settings, stock_on=stock_on, days=days)
            if line["product_url"] not in planned and (not vendors or line["vendor_url"] in vendors)
        ]
        changes = {
            (line["vendor_url"], line["product_url"]): Fields(
                quantity_units=Decimal(str(line["quantity_units"])).normalize()
            )
            for line in coming
        }
        added = [line | {"snapshot_on": day, "now": author.now} for line in coming]
        return _changed(connection, day, "horizon", changes, author, added=added)


def spend_at_most(
    connection: Connection,
    day: date,
    vendors: Collection[str],
    *,
    amount: Decimal,
    currency: str | None,
    author: Author,
) -> int | None:
    """Keep the lines with most at risk up to an amount, and drop the others for the day.

    Args:
        vendors: Only of these; empty = of all.
        currency: Lines in another one, and those without a price, stay as they are.
    """
    with connection.transaction():
        lines = [
            line
            for line in _chosen(connection, day, vendors)
            if line["line_total"] is not None and line["currency"] in {None, currency}
        ]
        remaining, changes = amount, {}
        for line in sorted(lines, key=_by_risk):
            if line["line_total"] <= remaining:
                remaining -= line["line_total"]
            else:
                changes[line["vendor_url"], line["product_url"]] = Fields(is_dropped=True)
        return _changed(connection, day, "budget", changes, author)


def raise_to_minimum(
    connection: Connection, day: date, vendors: Collection[str], *, author: Author
) -> int | None:
    """Raise lines, pack by pack, the one first that lasts shortest, until each minimum is met.

    No line goes above its product's maximum.
    """
    with connection.transaction():
        gaps = {
            order["vendor_url"]: order["minimum_gap"]
            for order in plan_reads.orders_of(connection, day)
            if order["minimum_gap"] and (not vendors or order["vendor_url"] in vendors)
        }
        changes = {}
        for vendor, gap in gaps.items():
            lines = _chosen(connection, day, {vendor})
            for url, units in raised(lines, gap).items():
                changes[vendor, url] = Fields(quantity_units=units)
        return _changed(connection, day, "minimum", changes, author)


def raised(lines: Iterable[Row], gap: Decimal) -> dict[str, Decimal]:
    """Return quantities of lines, by product_url, at which their total grows by a gap.

    >>> line = {"product_url": "a", "quantity_units": Decimal(10), "pack_units": Decimal(5),
    ...         "unit_cost": Decimal(2), "cover_after_days": Decimal(9),
    ...         "units_per_day": Decimal(1), "room_units": None}
    >>> raised([line, line | {"product_url": "b", "cover_after_days": Decimal(30)}], Decimal(15))
    {'a': Decimal('20')}
    """
    waiting: list[tuple[Decimal, int, Row]] = []
    quantities: dict[str, Decimal] = {}
    for place, line in enumerate(lines):
        if line["unit_cost"] and line["cover_after_days"] is not None and line["units_per_day"]:
            heapq.heappush(waiting, (line["cover_after_days"], place, line))
    for _ in range(MOST_STEPS):
        if gap <= 0 or not waiting:
            break
        cover, place, line = heapq.heappop(waiting)
        pack, url = line["pack_units"], line["product_url"]
        units = quantities.get(url, line["quantity_units"]) + pack
        if line["room_units"] is not None and units > line["room_units"]:
            continue
        quantities[url] = units
        gap -= pack * line["unit_cost"]
        heapq.heappush(waiting, (cover + pack / line["units_per_day"], place, line))
    return quantities


def undo(connection: Connection, change_id: int, author: Author) -> int:
    """Make the lines of a change what they were, but those changed since; return how many."""
    with connection.transaction():
        change = plan_changes.of(connection, change_id)
        if change is None:
            return 0
        before = plan_changes.take_back(connection, change_id, actor=author.by, now=author.now)
        day = change["snapshot_on"]
        changes = {
            (line["vendor_url"], line["product_url"]): Fields(
                quantity_units=line["quantity_units"],
                unit_cost=line["unit_cost"],
                is_dropped=line["is_dropped"],
            )
            for line in before
        }
        _edit_all(connection, day, changes, author, None)
        plan_changes.remove_added(connection, day)
    return len(before)


def _changed(
    connection: Connection,
    day: date,
    kind: str,
    changes: dict[tuple[str, str], Fields],
    author: Author,
    *,
    added: Sequence[Row] = (),
) -> int | None:
    """Make a change of many lines, those among them that are added to the plan; None = of none."""
    if not changes:
        return None
    change_id = plan_changes.begin(connection, day, kind, actor=author.by, now=author.now)
    if added:
        plan_changes.add_lines(connection, added)
    _edit_all(connection, day, changes, author, change_id)
    return change_id


def _edit_all(
    connection: Connection,
    day: date,
    edits: dict[tuple[str, str], Fields],
    author: Author,
    change_id: int | None,
) -> None:
    """Edit lines of several orders; what they are now is what was seen."""
    versions = {
        (line["vendor_url"], line["product_url"]): line["version"]
        for line in plan_reads.lines(connection, day)
    }
    vendors = sorted({vendor for vendor, _ in edits})
    as_one = Author(author.by, author.now, author.note, insists=True, change_id=change_id)
    for vendor in vendors:
        changes = {
            url: LineChange(versions[vendor, url], fields)
            for (owner, url), fields in edits.items()
            if owner == vendor and (vendor, url) in versions
        }
        edit(connection, day, vendor, changes, as_one)


def _chosen(connection: Connection, day: date, vendors: Collection[str]) -> list[Row]:
    """Return the lines to order, of some vendors or of all."""
    return [
        line
        for line in plan_reads.lines(connection, day)
        if not line["is_dropped"] and (not vendors or line["vendor_url"] in vendors)
    ]


def _by_risk(line: Row) -> tuple[Any, ...]:
    """Most money at risk first, then what must be ordered first."""
    return -(line["money_at_risk"] or NOTHING), line["must_order_by_on"] or date.max, line["sku"]
