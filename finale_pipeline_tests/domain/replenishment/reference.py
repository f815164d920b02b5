"""The decision about one product, formula by formula, each with its example: for comparison.

`decisions.decide_all` is what the program uses, for a whole catalogue at once; its fields mean the
same. Stock is that of now, and time is in days from the morning of `as_of`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from finale_pipeline.domain.forecast.quantiles import z
from finale_pipeline.domain.replenishment.decisions import HALF_A_STEP, ROUNDING, PointRule

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


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a product now; the fields are those of `Situations`."""

    available_units: float | None
    units_per_day: float | None = None
    quantile_units: float = 0.0
    service_level: float = 0.95
    lead_time_days: float = 14.0
    lead_time_sd_days: float = 0.0
    review_period_days: float = 7.0
    cover_days: float = 28.0
    buyer_point_units: float | None = None
    finale_point_units: float | None = None
    finale_quantity_units: float | None = None
    maximum_units: float | None = None
    minimum_order_units: float = 0.0
    pack_units: float = 1.0
    is_trusted: bool = True
    is_stopped: bool = False
    arrivals: Sequence[Arrival] = ()
    rule: PointRule = "forecast"
    default_point_units: float = 10.0

    @property
    def pace(self) -> float:
        """Units per day, 0 where nothing is known to sell."""
        return self.units_per_day or 0.0

    @property
    def protection_days(self) -> float:
        """Lead time and review period: what an order of today must last for, and no later one."""
        return self.lead_time_days + self.review_period_days


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a situation; the fields are those of `Decisions`."""

    level: str | None
    days_left: float | None
    arriving_units: float
    safety_stock_units: float | None
    our_point_units: float | None
    point_units: float | None
    point_source: str | None
    order_up_to_units: float | None
    quantity_units: float
    days_until_order: float | None
    days_without_stock: float
    gap_days: float
    cover_days: float | None
    is_blocked: bool


def decide(s: Situation) -> Decision:
    """Return the decision about a product.

    Out, two sold a day, an order takes 10 days and the next chance is 7 later: 34 are needed until
    another order can help, and cover for the 21 days after. 500 that come in half a year help
    nothing.

    >>> out = Situation(0, 2, quantile_units=34, lead_time_days=10, arrivals=[(180, 500)])
    >>> decide(out).quantity_units, decide(out).level, decide(out).days_left
    (76.0, 'out', 0.0)

    A person's point holds where nothing sells; Finale's, with its own quantity:

    >>> decide(Situation(0, 0, buyer_point_units=24, maximum_units=60)).quantity_units
    60.0
    >>> decide(Situation(0, 0, finale_point_units=20, finale_quantity_units=50)).quantity_units
    50.0

    Never above the maximum; what packs and least quantity do not allow is a person's choice:

    >>> full = Situation(10, 3, quantile_units=90, maximum_units=100, pack_units=48)
    >>> decide(full).quantity_units
    48.0
    >>> from dataclasses import replace
    >>> decide(replace(full, minimum_order_units=96)).quantity_units
    0.0
    >>> decide(replace(full, minimum_order_units=96)).is_blocked
    True
    """
    safety = _safety(s)
    ours = None
    if s.units_per_day is not None and safety is not None:
        ours = reorder_point_units(
            units_per_day=s.pace, protection_days=s.protection_days, safety_units=safety
        )
    point, source = choose_point(s, ours)
    arriving = sum(units for days, units in s.arrivals if days <= s.protection_days + ROUNDING)
    up_to = _order_up_to(s, point)
    cover_after = None
    quantity, is_blocked, gap = 0.0, False, 0.0
    if s.available_units is not None:
        gap = _gap_days(s)
        needed = _needed(s, arriving, (point, source), up_to, gap)
        quantity, is_blocked = _fitted(s, s.available_units + arriving, needed)
        if s.pace > 0:
            cover_after = max(s.available_units + arriving + quantity, 0.0) / s.pace
    return Decision(
        level=_level(s, point),
        days_left=None
        if s.available_units is None
        else days_until_stockout(
            available_units=s.available_units, units_per_day=s.pace, arrivals=s.arrivals
        ),
        arriving_units=arriving,
        safety_stock_units=safety,
        our_point_units=ours,
        point_units=point,
        point_source=source,
        order_up_to_units=up_to,
        quantity_units=quantity,
        days_until_order=0.0 if quantity > 0 or is_blocked else _days_until_order(s, point),
        days_without_stock=0.0
        if s.available_units is None
        else days_without_stock(
            available_units=s.available_units,
            units_per_day=s.pace,
            lead_time_days=s.lead_time_days,
            arrivals=s.arrivals,
        ),
        gap_days=gap,
        cover_days=cover_after,
        is_blocked=is_blocked,
    )


def choose_point(s: Situation, ours: float | None) -> tuple[float | None, str | None]:
    """Return the reorder point in use, for alerts and plan alike, and whose it is.

    >>> choose_point(Situation(5, 2, finale_point_units=20), ours=48)
    (48, 'ours')
    >>> choose_point(Situation(5, 2, finale_point_units=20, is_trusted=False), ours=48)
    (20, 'finale')
    >>> choose_point(Situation(5, 2, finale_point_units=20, rule="finale"), ours=48)
    (20, 'finale')
    >>> choose_point(Situation(5, 2, finale_point_units=60, rule="higher"), ours=48)
    (60, 'finale')
    >>> choose_point(Situation(5, 2, finale_point_units=60, buyer_point_units=5), ours=48)
    (5, 'buyer')
    >>> choose_point(Situation(5, 0), ours=0)
    (None, None)
    """
    if s.buyer_point_units is not None:
        return s.buyer_point_units, "buyer"
    if s.pace <= 0:
        ours = None
    finale = s.finale_point_units
    if finale is None or ours is None:
        if finale is not None:
            return finale, "finale"
        return (None, None) if ours is None else (ours, "ours")
    is_ours = {"forecast": s.is_trusted, "finale": False, "higher": ours >= finale}[s.rule]
    return (ours, "ours") if is_ours else (finale, "finale")


def _safety(s: Situation) -> float | None:
    if s.units_per_day is None:
        return None
    return safety_stock_units(
        quantile_units=s.quantile_units,
        units_per_day=s.pace,
        protection_days=s.protection_days,
        lead_time_sd_days=s.lead_time_sd_days,
        service_level=s.service_level,
    )


def _level(s: Situation, point: float | None) -> str | None:
    if s.available_units is None:
        return None
    if s.available_units <= 0:
        return "out"
    least = s.default_point_units if point is None else point
    is_low = s.available_units < least - HALF_A_STEP
    return "low" if is_low else "ok"


def _order_up_to(s: Situation, point: float | None) -> float | None:
    if s.maximum_units is not None:
        return s.maximum_units
    if point is None:
        return None
    return order_up_to_units(
        reorder_point=point,
        units_per_day=s.pace,
        cover_days=s.cover_days,
        review_period_days=s.review_period_days,
    )


def _gap_days(s: Situation) -> float:
    """Return whole days without stock between an order's arrival and the next one's."""
    until = [s.lead_time_days, math.floor(s.protection_days + ROUNDING)]
    first, last = (
        days_without_stock(
            available_units=s.available_units or 0.0,
            units_per_day=s.pace,
            lead_time_days=days,
            arrivals=s.arrivals,
        )
        for days in (until[0], max(until))
    )
    return math.floor(last - first + ROUNDING)


def _order_point(s: Situation, point: float, source: str | None) -> float:
    """Return the position at which an order is due: the point, unless stock lasts all the same.

    A point in Finale that nobody has touched for years must not order what lasts for more than
    lead time, review and cover; a buyer's own point holds.
    """
    if source == "buyer" or s.pace <= 0:
        return point
    lasting = s.pace * (s.protection_days + s.cover_days) + (_safety(s) or 0.0)
    return min(point, lasting)


def _needed(
    s: Situation,
    arriving: float,
    point: tuple[float | None, str | None],
    up_to: float | None,
    gap_days: float,
) -> float:
    """Return the units that are to be ordered now, before packs, least quantity and maximum."""
    if s.is_stopped or s.available_units is None:
        return 0.0
    position, (units, source) = s.available_units + arriving, point
    if s.pace <= 0:
        if position >= (units or 0.0):
            return 0.0
        finales = s.finale_quantity_units if source == "finale" else None
        return max((up_to or 0.0) - position, finales or 0.0)
    is_due = units is not None and position <= _order_point(s, units, source)
    if not is_due and gap_days < 1:
        return 0.0
    return max((up_to or 0.0) - position, s.pace * gap_days, 0.0)


def _fitted(s: Situation, position: float, needed: float) -> tuple[float, bool]:
    """Return what can be ordered of what is needed, and whether terms prevent an order."""
    if needed <= ROUNDING:
        return 0.0, False
    wanted = max(needed, s.minimum_order_units)
    quantity = math.ceil(wanted / s.pack_units - ROUNDING) * s.pack_units
    if s.maximum_units is not None and position + quantity > s.maximum_units + ROUNDING:
        room = max(s.maximum_units - position, 0.0)
        quantity = math.floor(room / s.pack_units + ROUNDING) * s.pack_units
        if quantity < s.minimum_order_units - ROUNDING:
            quantity = 0.0
    return float(quantity), quantity <= 0


def _days_until_order(s: Situation, point: float | None) -> float | None:
    """Return when available and arriving units fall to the point; None when they never do."""
    if s.is_stopped or s.available_units is None or s.pace <= 0 or point is None:
        return None
    horizon = s.protection_days + ROUNDING
    position = s.available_units + sum(units for days, units in s.arrivals if days <= horizon)
    ends = max((position - point) / s.pace, 0.0)
    for days, units in sorted(s.arrivals):
        if days <= horizon:
            continue
        if ends < days - s.protection_days - ROUNDING:
            break
        ends += units / s.pace
    return ends


def is_too_late(s: Situation, days_left: float | None) -> bool:
    """Whether stock ends before an order of today can arrive.

    >>> is_too_late(Situation(0, 2, lead_time_days=10), 0.0)
    True
    """
    if days_left is None or s.is_stopped or s.pace <= 0:
        return False
    return math.floor(days_left) < whole_days(s.lead_time_days)
