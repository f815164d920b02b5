"""Why an item is on the list, short enough for a line: what it sells, and what is on its way."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

PERIODS = (("day", 1), ("week", 7), ("month", 30), ("year", 365))


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
    'sells 4.8 a week, nothing on order'
    >>> late = coming | {"overdue_units": Decimal(24), "on_order_units": Decimal(24)}
    >>> short_reason(Decimal(12), ("overdue_po",), **late)
    'sells 12 a day, 24 overdue'
    """
    coming = "nothing on order"
    if overdue_units:
        coming = f"{_number(overdue_units)} overdue"
    elif due_on and due_units:
        coming = f"{_number(due_units)} due {due_on:%d %b}"
    elif on_order_units:
        coming = f"{_number(on_order_units)} on order"
    return f"{_sells(units_per_day, flags)}, {coming}"


def pace(units_per_day: Decimal) -> str:
    """Return how fast something sells, in the shortest period in which one unit does.

    >>> pace(Decimal("3.25")), pace(Decimal("0.3")), pace(Decimal("0.001")), pace(Decimal(0))
    ('3.2 a day', '2.1 a week', '0.4 a year', 'nothing')
    """
    if units_per_day <= 0:
        return "nothing"
    name, days = next((x for x in PERIODS if units_per_day * x[1] >= 1), PERIODS[-1])
    return f"{_number(units_per_day * days)} a {name}"


def _sells(units_per_day: Decimal | None, flags: Collection[str]) -> str:
    if "never_sold" in flags:
        return "never sold"
    if units_per_day is None:
        return "pace not known"
    return f"sells {pace(units_per_day)}" if units_per_day else "nothing sells"


def _number(value: Decimal) -> str:
    text = f"{value:,.1f}"
    return text.removesuffix(".0")
