"""The decision about a product as a table that a person can recompute, line by line."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from finale_pipeline.domain.replenishment.flags import in_words

Row = dict[str, Any]


def decision_table(decision: Row, arrivals: Sequence[Row]) -> list[str]:
    """Return the steps from what was read to the quantity, each with its numbers in units."""
    d: Row = {name: float(v) if isinstance(v, Decimal) else v for name, v in decision.items()}
    lines = [
        _line("stock", f"read {d['read_at']:%Y-%m-%d %H:%M} UTC", ""),
        _line(
            "available",
            f"{_n(d['on_hand_units'])} on hand - {_n(d['reserved_units'])} reserved",
            d["available_units"],
        ),
        *(_line("on order", _order(arrival), arrival["units"]) for arrival in arrivals),
        _line(
            "counted",
            f"{_n(d['available_units'])} available +"
            f" {_n(d['arriving_units'])} within lead time and review",
            _counted(d),
        ),
        _line(
            "lead time",
            f"{d['lead_time_source']}; stated {_n(d['stated_lead_time_days'])}",
            d["lead_time_days"],
            "days",
        ),
        _line(
            "until help",
            f"{_n(d['lead_time_days'])} lead time + {_n(d['review_period_days'])} review",
            _span(d),
            "days",
        ),
        _line(
            "expected",
            f"{_n(d['velocity_units_per_day'])} a day x {_n(_span(d))} days",
            (d["velocity_units_per_day"] or 0) * _span(d),
        ),
        _line(
            "safety",
            f"so that {_n(100 * d['service_level'])} of 100 such spans are met",
            d["safety_stock_units"],
        ),
        _line("our point", "expected + safety", d["our_reorder_point_units"]),
        _line("Finale's", "sum of its rules", d["finale_reorder_point_units"]),
        _line("buyer's", "plan.product_term", d["buyer_point_units"]),
        _line(
            "point",
            f"in use: {d['reorder_point_source'] or 'none is known'}",
            d["reorder_point_units"],
        ),
        _line("level", "available against the point", d["level"]),
        _line("up to", _up_to(d), d["order_up_to_units"]),
        _line(
            "missing",
            "up to - counted" if d["order_now"] else "nothing is due",
            (d["order_up_to_units"] or 0) - _counted(d) if d["order_now"] else 0,
        ),
        _line(
            "order",
            f"in packs of {_n(d['pack_units'])}, at least"
            f" {_n(d['minimum_order_units'])}, at most up to {_n(d['maximum_units'])}",
            d["quantity_units"],
        ),
        _line(
            "order by", f"runs out {d['stockout_on'] or 'never'} - lead time", d["must_order_by_on"]
        ),
    ]
    return [*lines, *_projection(d, arrivals), *(f"note        {w}" for w in in_words(d["flags"]))]


def _line(name: str, how: str, value: object, unit: str = "") -> str:
    return f"{name:12}{how:62}{_n(value):>12} {unit}".rstrip()


def _order(arrival: Row) -> str:
    return f"{arrival['order_id'] or 'an order'}, due {arrival['due_on'] or 'not said'}"


def _n(value: object) -> str:
    if isinstance(value, float | Decimal | int) and not isinstance(value, bool):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return "-" if value is None else str(value)


def _span(d: Row) -> float:
    return float(d["lead_time_days"] + d["review_period_days"])


def _counted(d: Row) -> float:
    return float((d["available_units"] or 0) + (d["arriving_units"] or 0))


def _up_to(d: Row) -> str:
    if d["maximum_units"] is not None:
        return "the buyer's maximum"
    beyond = max(d["cover_days"] - d["review_period_days"], 0)
    return f"point + {_n(d['velocity_units_per_day'])} a day x {_n(beyond)} days of cover"


def _projection(d: Row, arrivals: Sequence[Row]) -> list[str]:
    """Return the expected stock at the days that matter, without an order of today."""
    if not d["velocity_units_per_day"] or d["available_units"] is None:
        return []
    today: date = d["decided_for_on"]
    coming = {
        (a["due_on"] - today).days: float(a["units"])
        for a in arrivals
        if a["due_on"] and a["due_on"] >= today
    }
    days = {0, math.ceil(d["lead_time_days"]), math.ceil(_span(d))}
    days |= {day for day in coming if day <= _span(d)}
    lines, stock, before = [], d["available_units"], 0
    for day in sorted(days):
        stock = max(stock - d["velocity_units_per_day"] * (day - before), min(stock, 0.0))
        arrived = coming.get(day, 0.0)
        stock, before = stock + arrived, day
        note = f", {_n(arrived)} arrive" if arrived else ""
        lines.append(_line(f"day {day}", f"expected stock that morning{note}", stock))
    return lines
