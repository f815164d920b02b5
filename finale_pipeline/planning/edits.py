"""What buyers change about a day's plan: checked against the terms, logged with who and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

from finale_pipeline.domain.replenishment.order_terms import (
    VENDOR_MINIMUM,
    Checked,
    OrderTerms,
    check_quantity,
    units_to_minimum,
)
from finale_pipeline.warehouse import plan_edits
from finale_pipeline.warehouse.connect import Connection, database_errors

Row = dict[str, Any]


class Fields(TypedDict, total=False):
    """What is changed of a line; None = back to what the plan suggests, left out = as it is."""

    quantity_units: Decimal | None
    unit_cost: Decimal | None
    is_dropped: bool


@dataclass(frozen=True, slots=True)
class LineChange:
    """A change that somebody wants of a line, by the version that they saw."""

    version: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Author:
    """Who edits, when, why, and whether against the terms.

    Attributes:
        stays: Whether it holds for the plans of later days, too.
        insists: Whether a quantity that breaks the terms is to be kept all the same.
    """

    by: str
    now: datetime
    note: str | None = None
    insists: bool = False
    stays: bool = False
    change_id: int | None = None


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """What became of some changes of one order: all of them were saved, or none.

    Attributes:
        order: The vendor's order as it is now; None = every line of it is dropped.
        unknown: Products that the order has no line of.
        refused: Quantities that break the terms, and that nobody insisted on.
        reaching: Of each saved line the quantity at which the order reaches its vendor's minimum.
    """

    lines: dict[str, Row]
    order: Row | None = None
    saved: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    refused: dict[str, Checked] = field(default_factory=dict)
    reaching: dict[str, Decimal] = field(default_factory=dict)


def edit(
    connection: Connection,
    day: date,
    vendor_url: str,
    changes: Mapping[str, LineChange],
    author: Author,
) -> EditOutcome:
    """Change lines of one order, all of them or none."""
    key = {"day": day, "vendor": vendor_url, "products": list(changes)}
    with database_errors("editing the plan"), connection.transaction():
        # Two people, one line: the second waits here, and then sees another version.
        connection.execute(plan_edits.LOCKED, key)
        lines = _lines(connection, key)
        states = {url: _state(line, changes[url].fields) for url, line in lines.items()}
        refusal = _refusal(lines, states, changes, insists=author.insists)
        if refusal is not None:
            return refusal
        saved = tuple(url for url, state in states.items() if state != _state(lines[url], {}))
        edits = [_note(connection, lines[url], states[url], author) for url in saved]
        order = connection.row(plan_edits.ORDER, **key)
        gap = order["minimum_gap"] if order else None
        if gap and edits:
            connection.execute(plan_edits.BELOW_MINIMUM, {"rule": VENDOR_MINIMUM, "edits": edits})
        now = _lines(connection, key)
    needed = {url: _reaching(now[url], gap) for url in saved}
    reaching = {url: units for url, units in needed.items() if units is not None}
    return EditOutcome(now, order, saved=saved, reaching=reaching)


@dataclass(frozen=True, slots=True)
class State:
    """What a buyer has fixed of a line; None = as the plan suggests."""

    quantity_units: Decimal | None
    unit_cost: Decimal | None
    is_dropped: bool


AS_SUGGESTED = State(None, None, is_dropped=False)


def _state(line: Row, fields: Fields) -> State:
    """Return what is fixed of a line after a change; what equals the suggestion is not fixed."""
    units = fields.get("quantity_units", line["fixed_units"])
    cost = fields.get("unit_cost", line["fixed_cost"])
    return State(
        None if units == line["suggested_units"] else units,
        None if cost == line["suggested_cost"] else cost,
        fields.get("is_dropped", line["is_dropped"]),
    )


def _refusal(
    lines: dict[str, Row],
    states: dict[str, State],
    changes: Mapping[str, LineChange],
    *,
    insists: bool,
) -> EditOutcome | None:
    """Return why nothing is saved; None = nothing speaks against it."""
    unknown = tuple(url for url in changes if url not in lines)
    conflicts = tuple(u for u, line in lines.items() if line["version"] != changes[u].version)
    refused = {
        url: checked
        for url, state in states.items()
        if state.quantity_units not in {None, lines[url]["fixed_units"]}
        and (checked := _checked(lines[url], state)).broken_rules
    }
    if not unknown and not conflicts and (insists or not refused):
        return None
    return EditOutcome(lines, unknown=unknown, conflicts=conflicts, refused=refused)


def _terms(line: Row) -> OrderTerms:
    return OrderTerms(line["pack_units"], line["minimum_order_units"])


def _checked(line: Row, state: State) -> Checked:
    return check_quantity(state.quantity_units or line["suggested_units"], _terms(line))


def _note(connection: Connection, line: Row, state: State, author: Author) -> int:
    """Add a change to the log and return its number."""
    broken = _checked(line, state).broken_rules if state.quantity_units is not None else ()
    values = {
        **line,
        "fixed_units": state.quantity_units,
        "fixed_cost": state.unit_cost,
        "is_dropped": state.is_dropped,
        "was_dropped": line["is_dropped"],
        "broken_rules": list(broken),
        "by": author.by,
        # Taking back what stays ends it, and not for the day alone.
        "is_standing": author.stays or (line["is_standing"] and state == AS_SUGGESTED),
        "change_id": author.change_id,
        "now": author.now,
        "note": author.note,
    }
    return connection.count(plan_edits.NOTED, **values)


def _reaching(line: Row, gap: Decimal | None) -> Decimal | None:
    """Return the quantity of a line at which its order reaches the vendor's minimum."""
    if line["is_dropped"]:
        return None
    return units_to_minimum(
        line["quantity_units"], unit_cost=line["unit_cost"], gap=gap, terms=_terms(line)
    )


def _lines(connection: Connection, key: dict[str, Any]) -> dict[str, Row]:
    return {row["product_url"]: row for row in connection.rows(plan_edits.LINES, **key)}
