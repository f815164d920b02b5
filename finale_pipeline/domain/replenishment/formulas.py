"""The formulas of replenishment, one product at a time, each with its example.

Time is in days from the morning of `as_of`. `decision` puts them together.
"""

import math
from collections.abc import Sequence

from finale_pipeline.domain.forecast.quantiles import z

ROUNDING = 1e-9
"""What a quotient may be above a whole number and still count as it: 0.1 * 30 is not 3."""
FARTHEST_DAYS = 36_500
"""Dates farther away than a century are not named."""

Arrival = tuple[int, float]
"""Day of arrival, counted from `as_of`, and units; usable from the start of that day."""


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
    of_lead_time = max(0.0, z(service_level)) * units_per_day * lead_time_sd_days
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
