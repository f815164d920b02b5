"""When stock ends and what to order: the formulas, one product at a time, each with its example.

Stock is that of the morning of `as_of`, before the day's demand; time is in days from there. The
plan of a whole catalogue uses `replenish_many`, which tests hold to give the same.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta

from finale_pipeline.domain.forecast.quantiles import z

ROUNDING = 1e-9
"""What a quotient may be above a whole number and still count as it: 0.1 * 30 is not 3."""
FARTHEST_DAYS = 36_500
"""Dates farther away than a century are not named."""

Arrival = tuple[int, float]
"""Day of arrival, counted from `as_of`, and units; usable from the start of that day."""


def arrival_in_days(
    *,
    due_on: date | None,
    ordered_on: date | None,
    lead_time_days: float,
    as_of: date,
) -> tuple[int, bool]:
    """Return in how many days an open order arrives, and whether it is overdue.

    What should have come before today is counted as tomorrow.

    >>> today = date(2026, 3, 9)
    >>> arrival_in_days(due_on=date(2026, 3, 12), ordered_on=None, lead_time_days=5, as_of=today)
    (3, False)
    >>> arrival_in_days(due_on=None, ordered_on=date(2026, 3, 1), lead_time_days=5, as_of=today)
    (1, True)
    >>> arrival_in_days(due_on=None, ordered_on=None, lead_time_days=5, as_of=today)
    (5, False)
    """
    if due_on is not None:
        days = (due_on - as_of).days
    else:
        placed = 0 if ordered_on is None else (ordered_on - as_of).days
        days = placed + whole_days(lead_time_days)
    return (1, True) if days < 0 else (days, False)


def whole_days(days: float) -> int:
    """Return days, rounded up.

    >>> whole_days(2.5), whole_days(3.0)
    (3, 3)
    """
    return math.ceil(days - ROUNDING)


def days_until_stockout(
    *,
    available_units: float,
    units_per_day: float | None,
    arrivals: Sequence[Arrival] = (),
) -> float | None:
    """Return the days until available stock first reaches 0 at today's velocity.

    Args:
        available_units: On hand less reserved; negative when oversold.
        units_per_day: The velocity; None when unknown.
        arrivals: Open orders. One on the very day stock would end prevents it.

    Returns:
        Days from now; 0 when already out; None when in stock and nothing is known to sell.

    >>> days_until_stockout(available_units=30, units_per_day=4)
    7.5
    >>> days_until_stockout(available_units=30, units_per_day=4, arrivals=[(7, 10), (30, 10)])
    10.0
    >>> days_until_stockout(available_units=30, units_per_day=4, arrivals=[(8, 10)])
    7.5
    >>> days_until_stockout(available_units=-1, units_per_day=0)
    0.0
    >>> days_until_stockout(available_units=1, units_per_day=0) is None
    True
    """
    if available_units <= 0:
        return 0.0
    if not units_per_day:
        return None
    ends = available_units / units_per_day
    for in_days, units in sorted(arrivals):
        if ends < in_days - ROUNDING:
            break
        ends += units / units_per_day
    return ends


def date_in(as_of: date, days: float | None) -> date | None:
    """Return the day on which something happens in so many days; None when it is too far away.

    >>> date_in(date(2026, 3, 9), 7.5)
    datetime.date(2026, 3, 16)
    >>> date_in(date(2026, 3, 9), None), date_in(date(2026, 3, 9), 1e9)
    (None, None)
    """
    if days is None or days > FARTHEST_DAYS:
        return None
    return as_of + timedelta(days=math.floor(days))


def safety_stock_units(
    *,
    quantile_units: float,
    units_per_day: float,
    protection_days: float,
    lead_time_sd_days: float = 0.0,
    service_level: float = 0.95,
) -> float:
    """Return the units held on top of what is expected until an order can help.

    Args:
        quantile_units: Demand over the protection interval stays under it, at the service level.
        units_per_day: The velocity.
        protection_days: Lead time and review period together.
        lead_time_sd_days: How much the lead time varies.
        service_level: Share of protection intervals without running out.

    >>> safety_stock_units(quantile_units=120, units_per_day=4, protection_days=21)
    36.0
    >>> round(safety_stock_units(quantile_units=120, units_per_day=4, protection_days=21,
    ...     lead_time_sd_days=3), 2)
    41.06
    >>> safety_stock_units(quantile_units=50, units_per_day=4, protection_days=21)
    0.0
    """
    of_demand = max(0.0, quantile_units - units_per_day * protection_days)
    of_lead_time = z(service_level) * units_per_day * lead_time_sd_days
    return math.hypot(of_demand, of_lead_time)


def reorder_point_units(
    *, units_per_day: float, protection_days: float, safety_units: float
) -> float:
    """Return the position at which to order: expected until an order helps, and safety.

    >>> reorder_point_units(units_per_day=4, protection_days=21, safety_units=36)
    120.0
    """
    return float(units_per_day * protection_days + safety_units)


def order_up_to_units(
    *,
    reorder_point: float,
    units_per_day: float,
    cover_days: float,
    review_period_days: float,
) -> float:
    """Return the position to order up to: an order lasts for the days it should cover.

    >>> order_up_to_units(reorder_point=120, units_per_day=4, cover_days=30, review_period_days=7)
    212.0
    >>> order_up_to_units(reorder_point=120, units_per_day=4, cover_days=5, review_period_days=7)
    120.0
    """
    return float(reorder_point + units_per_day * max(cover_days - review_period_days, 0))


def must_order_now(
    *, position_units: float, reorder_point: float, units_per_day: float | None
) -> bool:
    """Whether to order today: the position is at the reorder point or below it.

    What does not sell is ordered for a backlog only.

    >>> must_order_now(position_units=120, reorder_point=120, units_per_day=4)
    True
    >>> must_order_now(position_units=0, reorder_point=10, units_per_day=0)
    False
    >>> must_order_now(position_units=-3, reorder_point=0, units_per_day=0)
    True
    """
    if units_per_day == 0:
        return position_units < 0
    return position_units <= reorder_point


def reorder_quantity_units(
    *,
    position_units: float,
    order_up_to: float,
    minimum_order_units: float = 0.0,
    pack_units: float = 1.0,
) -> float:
    """Return the units of an order: at least the minimum, in whole packs.

    >>> reorder_quantity_units(position_units=100, order_up_to=212, pack_units=12)
    120.0
    >>> reorder_quantity_units(position_units=100, order_up_to=212, minimum_order_units=144)
    144.0
    >>> reorder_quantity_units(position_units=0, order_up_to=0.1 * 30, pack_units=1)
    3.0
    """
    wanted = max(order_up_to - position_units, minimum_order_units, 0.0)
    return float(math.ceil(wanted / pack_units - ROUNDING) * pack_units)


def days_until_reorder(
    *, position_units: float, reorder_point: float, units_per_day: float | None
) -> float | None:
    """Return the days until the position falls to the reorder point; None when it never does.

    >>> days_until_reorder(position_units=150, reorder_point=120, units_per_day=4)
    7.5
    >>> days_until_reorder(position_units=110, reorder_point=120, units_per_day=4)
    0.0
    >>> days_until_reorder(position_units=150, reorder_point=0, units_per_day=0) is None
    True
    """
    if must_order_now(
        position_units=position_units, reorder_point=reorder_point, units_per_day=units_per_day
    ):
        return 0.0
    return (position_units - reorder_point) / units_per_day if units_per_day else None


def must_order_by(*, stockout_on: date | None, lead_time_days: float) -> date | None:
    """Return the last day on which an order avoids the stock-out; it may be past.

    >>> must_order_by(stockout_on=date(2026, 3, 16), lead_time_days=14)
    datetime.date(2026, 3, 2)
    """
    if stockout_on is None:
        return None
    return stockout_on - timedelta(days=whole_days(lead_time_days))


def days_without_stock(
    *,
    available_units: float,
    units_per_day: float | None,
    lead_time_days: float,
    arrivals: Sequence[Arrival] = (),
) -> float:
    """Return the days without stock before an order placed today arrives.

    Open orders arrive as planned; what cannot be met meanwhile is lost. Times `units_per_day`, it
    is the units lost.

    >>> days_without_stock(available_units=30, units_per_day=4, lead_time_days=14)
    6.5
    >>> days_without_stock(available_units=30, units_per_day=4, lead_time_days=14,
    ...     arrivals=[(9, 12)])
    3.5
    >>> days_without_stock(available_units=-12, units_per_day=4, lead_time_days=14,
    ...     arrivals=[(2, 12), (4, 100)])
    4.0
    """
    if not units_per_day:
        return 0.0
    now, stock, without = 0.0, available_units, 0.0
    for in_days, units in [*sorted(arrivals), (whole_days(lead_time_days), 0.0)]:
        until = min(in_days, whole_days(lead_time_days))
        lasts = max(stock, 0.0) / units_per_day
        without += max(0.0, until - now - lasts)
        stock = max(stock - units_per_day * (until - now), min(stock, 0.0)) + units
        now = until
    return without
