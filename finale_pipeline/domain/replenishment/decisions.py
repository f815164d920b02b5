"""The decision about every product of a catalogue: level, when stock ends, what to order, and why.

Stock is that of now, and time is in days from the morning of `as_of`. Tests compare it with the
same decision about one product at a time, written formula by formula.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finale_pipeline.domain.forecast.history import Flags, Floats, Ints
from finale_pipeline.domain.forecast.quantiles import z

ROUNDING = 1e-9
"""What a quotient may be above a whole number and still count as it: 0.1 * 30 is not 3."""
FARTHEST_DAYS = 36_500
"""Dates farther away than a century are not named."""
HALF_A_STEP = 5e-7
"""Tables have six decimals: what rounds to the point is not below it, here nor there."""

PointRule = Literal["forecast", "finale", "higher"]
"""Which reorder point counts where a buyer has set none: ours, Finale's, or the higher one."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Open orders of every product, one product after the other.

    Attributes:
        starts: Where each product's arrivals begin; one more entry than products.
        in_days: Days from `as_of`, ascending within a product.
    """

    starts: Ints
    in_days: Floats
    units: Floats

    def ranked(self) -> list[tuple[Ints, Ints]]:
        """Return products and places of everybody's first arrival, and so on."""
        counts = np.diff(self.starts)
        return [
            (products, self.starts[products] + rank)
            for rank in range(int(counts.max(initial=0)))
            if len(products := np.flatnonzero(counts > rank))
        ]

    def owners(self) -> Ints:
        """Return the product of each arrival."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def totals(self, within_days: Floats | None = None) -> Floats:
        """Return the units on order of every product, or those that come within its days."""
        owners = self.owners()
        units = self.units
        if within_days is not None:
            units = np.where(self.in_days <= within_days[owners], units, 0.0)
        totals = np.bincount(owners, units, minlength=len(self.starts) - 1)
        return totals.astype(np.float64)


def arrivals(owners: Ints, in_days: Floats, units: Floats, *, products: int) -> Arrivals:
    """Return arrivals in their order, whatever the order of the rows."""
    order = np.lexsort((units, in_days, owners))
    counts = np.bincount(owners, minlength=products)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Arrivals(starts, in_days[order].astype(np.float64), units[order].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Situations:
    """What is known of products now, one entry per product; NaN = not known, or not set.

    Attributes:
        available_units: On hand less reserved; NaN = stock was never read.
        quantile_units: Demand over lead time and review stays under it at the service level.
        maximum_units: A position that an order must not exceed.
        is_trusted: Whether the forecast can be trusted: sold in the last half-year, known for
            eight weeks.
        arrivals: What is on order, by day; without what is overdue beyond belief.
        rule: Which point counts where a buyer set none.
        default_point_units: What counts as low where no point is known at all.
    """

    available_units: Floats
    units_per_day: Floats
    quantile_units: Floats
    service_level: Floats
    lead_time_days: Floats
    lead_time_sd_days: Floats
    review_period_days: Floats
    cover_days: Floats
    buyer_point_units: Floats
    finale_point_units: Floats
    finale_quantity_units: Floats
    maximum_units: Floats
    minimum_order_units: Floats
    pack_units: Floats
    is_trusted: Flags
    is_stopped: Flags
    arrivals: Arrivals
    rule: PointRule = "forecast"
    default_point_units: float = 10.0

    @property
    def pace(self) -> Floats:
        """Units per day, 0 where nothing is known to sell."""
        return np.nan_to_num(self.units_per_day)

    @property
    def protection_days(self) -> Floats:
        """Lead time and review period together."""
        return self.lead_time_days + self.review_period_days


@dataclass(frozen=True, slots=True)
class Decisions:
    """What follows from them, one entry per product.

    Attributes:
        level: Place in `LEVELS`.
        days_left: Until available stock ends, arrivals added; NaN = never, or unknown.
        arriving_units: On order and here within lead time and review period; what comes later
            does not stop an order.
        safety_stock_units: On top of what is expected; NaN = demand is unknown.
        our_point_units: Expected demand over lead time and review, and safety; NaN as above.
        point_units: The reorder point in use; NaN = there is none.
        point_source: Place in `SOURCES`.
        order_up_to_units: What an order brings available and arriving units to.
        quantity_units: To order now; 0 = nothing.
        days_until_order: Until the point is reached; NaN = never.
        days_without_stock: Until an order of today arrives.
        gap_days: Days without stock after that, before the next arrival: what an order of today
            would fill.
        cover_days: How long stock lasts with this order; NaN = nothing sells.
        is_blocked: Whether something is needed that maximum, packs and least quantity do not allow.
        is_too_late: Whether stock ends before an order of today can arrive.
    """

    level: Ints
    days_left: Floats
    arriving_units: Floats
    safety_stock_units: Floats
    our_point_units: Floats
    point_units: Floats
    point_source: Ints
    order_up_to_units: Floats
    quantity_units: Floats
    days_until_order: Floats
    days_without_stock: Floats
    gap_days: Floats
    cover_days: Floats
    is_blocked: Flags
    is_too_late: Flags


SOURCES = (None, "buyer", "finale", "ours")
_NOBODY, _BUYER, _FINALE, _OURS = range(4)
LEVELS = (None, "ok", "low", "out")
_UNKNOWN, _OK, _LOW, _OUT = range(4)


def decide_all(s: Situations) -> Decisions:
    """Return the decision about every product."""
    pace = s.pace
    has_demand = ~np.isnan(s.units_per_day)
    is_read = ~np.isnan(s.available_units)
    arriving = s.arrivals.totals(s.protection_days + ROUNDING)
    safety = _safety(s, pace)
    ours = pace * s.protection_days + safety
    point, source = _points(s, ours, pace)
    up_to = point + pace * np.maximum(s.cover_days - s.review_period_days, 0)
    up_to = np.where(np.isnan(s.maximum_units), up_to, s.maximum_units)
    position = s.available_units + arriving
    first = days_without_stock(s, pace, s.lead_time_days)
    last = days_without_stock(
        s, pace, np.maximum(s.lead_time_days, np.floor(s.protection_days + ROUNDING))
    )
    gap = np.where(is_read, np.floor(last - first + ROUNDING), 0.0)
    needed = _needed(s, position, (point, source), up_to, gap)
    quantity, is_blocked = _fitted(s, position, needed)
    lasts = days_until_stockout(s.available_units, pace, s.arrivals)
    later = _days_until_order(s, position, point, pace)
    return Decisions(
        level=_levels(s, point),
        days_left=lasts,
        arriving_units=arriving,
        safety_stock_units=np.where(has_demand, safety, np.nan),
        our_point_units=np.where(has_demand, ours, np.nan),
        point_units=point,
        point_source=source,
        order_up_to_units=up_to,
        quantity_units=quantity,
        days_until_order=np.where((quantity > 0) | is_blocked, 0.0, later),
        days_without_stock=np.where(is_read, first, 0.0),
        gap_days=gap,
        cover_days=_per_day(np.maximum(position + quantity, 0.0), pace),
        is_blocked=is_blocked,
        is_too_late=(pace > 0) & ~s.is_stopped & (np.floor(lasts) < _whole(s.lead_time_days)),
    )


def _safety(s: Situations, pace: Floats) -> Floats:
    levels, place = np.unique(s.service_level, return_inverse=True)
    above = np.array([max(0.0, z(level)) for level in levels.tolist()])[place]
    of_demand = np.maximum(0.0, np.nan_to_num(s.quantile_units) - pace * s.protection_days)
    return np.hypot(of_demand, above * pace * s.lead_time_sd_days)


def _points(s: Situations, ours: Floats, pace: Floats) -> tuple[Floats, Ints]:
    """Return the points in use, and whose they are."""
    ours = np.where(pace > 0, ours, np.nan)
    finale, buyer = s.finale_point_units, s.buyer_point_units
    preferred = {
        "forecast": s.is_trusted,
        "finale": np.zeros(len(ours), np.bool_),
        "higher": ours >= finale,
    }[s.rule]
    is_ours = ~np.isnan(ours) & (np.isnan(finale) | preferred)
    source = np.where(is_ours, _OURS, np.where(np.isnan(finale), _NOBODY, _FINALE))
    source = np.where(np.isnan(buyer), source, _BUYER)
    return np.choose(source, [np.full(len(ours), np.nan), buyer, finale, ours]), source


def _levels(s: Situations, point: Floats) -> Ints:
    least = np.where(np.isnan(point), s.default_point_units, point)
    in_stock = np.where(s.available_units < least - HALF_A_STEP, _LOW, _OK)
    level = np.where(s.available_units <= 0, _OUT, in_stock)
    return np.where(np.isnan(s.available_units), _UNKNOWN, level)


def _needed(
    s: Situations, position: Floats, points: tuple[Floats, Ints], up_to: Floats, gap: Floats
) -> Floats:
    """Return what is to be ordered now, before packs, least quantity and maximum.

    It is due at the point, unless stock lasts all the same: a point in Finale that nobody has
    touched for years must not order what lasts for more than lead time, review and cover. A buyer's
    own point holds.
    """
    (point, source), pace = points, s.pace
    sells, is_buyers, is_finales = pace > 0, source == _BUYER, source == _FINALE
    lasting = pace * (s.protection_days + s.cover_days) + _safety(s, pace)
    due_at = np.where(is_buyers | ~sells, point, np.minimum(point, lasting))
    is_due = np.where(sells, (position <= due_at) | (gap >= 1), position < np.nan_to_num(point))
    finales = np.where(~sells & is_finales, np.nan_to_num(s.finale_quantity_units), 0.0)
    missing = np.maximum(np.nan_to_num(up_to) - position, np.where(sells, pace * gap, finales))
    needed = np.where(is_due & ~s.is_stopped, np.maximum(missing, 0.0), 0.0)
    return np.where(np.isnan(s.available_units), 0.0, needed)


def _fitted(s: Situations, position: Floats, needed: Floats) -> tuple[Floats, Flags]:
    """Return what can be ordered of what is needed, and where terms prevent an order."""
    is_needed = needed > ROUNDING
    target = np.maximum(needed, s.minimum_order_units)
    quantity = np.ceil(target / s.pack_units - ROUNDING) * s.pack_units
    exceeds = position + quantity > s.maximum_units + ROUNDING
    room = np.maximum(s.maximum_units - position, 0.0)
    least = np.floor(room / s.pack_units + ROUNDING) * s.pack_units
    least = np.where(least < s.minimum_order_units - ROUNDING, 0.0, least)
    quantity = np.where(is_needed, np.where(exceeds, least, quantity), 0.0)
    return quantity, is_needed & (quantity <= 0)


def _days_until_order(s: Situations, position: Floats, point: Floats, pace: Floats) -> Floats:
    """Return when available and arriving units fall to the point; NaN = never."""
    ends = np.maximum(_per_day(position - point, pace), 0.0)
    enters = s.arrivals.in_days - s.protection_days[s.arrivals.owners()]
    goes_on = ~np.isnan(ends)
    for products, places in s.arrivals.ranked():
        is_later = enters[places] > ROUNDING
        goes_on[products] &= ~is_later | (ends[products] >= enters[places] - ROUNDING)
        lasts = goes_on[products] & is_later
        ends[products[lasts]] += s.arrivals.units[places[lasts]] / pace[products[lasts]]
    return np.where(s.is_stopped, np.nan, ends)


def _per_day(units: Floats, velocity: Floats) -> Floats:
    """Return how long units last; NaN where nothing sells."""
    with np.errstate(over="ignore"):
        days: Floats = np.divide(
            units, velocity, out=np.full(len(units), np.nan), where=velocity > 0
        )
    return days


def _whole(days: Floats) -> Floats:
    return np.ceil(days - ROUNDING)


def days_until_stockout(available: Floats, velocity: Floats, on_order: Arrivals) -> Floats:
    """Return the days until available stock first reaches 0; NaN = never."""
    ends = np.where(available <= 0, 0.0, _per_day(available, velocity))
    goes_on = (available > 0) & (velocity > 0)
    for products, places in on_order.ranked():
        goes_on[products] &= ends[products] >= on_order.in_days[places] - ROUNDING
        lasts = products[goes_on[products]]
        ends[lasts] += on_order.units[places[goes_on[products]]] / velocity[lasts]
    return ends


def days_without_stock(s: Situations, pace: Floats, until_days: Floats) -> Floats:
    """Return the days without stock from now until so many days from now."""
    until = _whole(until_days)
    stock = s.available_units.astype(np.float64)
    now, without = np.zeros(len(stock)), np.zeros(len(stock))
    lasts = _per_day(np.maximum(stock, 0), pace)
    for products, places in s.arrivals.ranked():
        comes = np.minimum(s.arrivals.in_days[places], until[products])
        sold, remaining, span = pace[products], stock[products], comes - now[products]
        without[products] += np.maximum(0.0, span - lasts[products])
        remaining = (
            np.maximum(remaining - sold * span, np.minimum(remaining, 0)) + s.arrivals.units[places]
        )
        stock[products], now[products] = remaining, comes
        lasts[products] = _per_day(np.maximum(remaining, 0), sold)
    without += np.maximum(0.0, until - now - lasts)
    return np.where(pace > 0, without, 0.0)
