"""Why an item is on the list, short enough for a line: what it sells, and what is on its way."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

SLOW_UNITS_PER_DAY, MONTH_DAYS = Decimal("0.1"), 30


def short_reason(
    units_per_day: Decimal | None,
    flags: Collection[str],
    *,
    due_on: date | None,
    due_units: Decimal | None,
    overdue_units: Decimal | None,
    on_order_units: Decimal | None,
) -> str:
    """Return pace and arrivals in a few words.

    Args:
        units_per_day: Demand to expect per day; None = it is not planned, or its pace is unknown.

    >>> coming = dict(due_on=None, due_units=None, overdue_units=None, on_order_units=None)
    >>> short_reason(Decimal("0.684"), (), **coming)
    'sells 0.7 a day, nothing on order'
    >>> late = coming | {"overdue_units": Decimal(24), "on_order_units": Decimal(24)}
    >>> short_reason(Decimal(12), ("overdue_po",), **late)
    'sells 12 a day, 24 overdue'
    """
    coming = _coming(due_on, due_units, overdue_units, on_order_units)
    return f"{_pace(units_per_day, flags)}, {coming}"


def _pace(units_per_day: Decimal | None, flags: Collection[str]) -> str:
    if "never_sold" in flags:
        return "never sold"
    if units_per_day is None:
        return "pace not known"
    if units_per_day == 0:
        return "nothing sells"
    if units_per_day < SLOW_UNITS_PER_DAY:
        return f"sells {_number(units_per_day * MONTH_DAYS)} a month"
    return f"sells {_number(units_per_day)} a day"


def _coming(
    due_on: date | None,
    due_units: Decimal | None,
    overdue_units: Decimal | None,
    on_order_units: Decimal | None,
) -> str:
    if overdue_units:
        return f"{_number(overdue_units)} overdue"
    if due_on and due_units:
        return f"{_number(due_units)} due {due_on:%d %b}"
    if on_order_units:
        return f"{_number(on_order_units)} on order"
    return "nothing on order"


def _number(value: Decimal) -> str:
    text = f"{value:,.1f}"
    return text.removesuffix(".0")
