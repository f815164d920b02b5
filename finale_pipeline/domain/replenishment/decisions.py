"""The formulas of `replenish` for a whole catalogue at once."""

from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import Flags, Floats, Ints
from finale_pipeline.domain.forecast.quantiles import z
from finale_pipeline.domain.replenishment.formulas import ROUNDING


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Open orders of every product, one product after the other.

    Attributes:
        starts: Where each product's arrivals begin; one more entry than products.
        in_days: Days from `as_of`, ascending within a product.
        units: Still to come.
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

    def totals(self) -> Floats:
        """Return the units on order of every product."""
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        totals = np.bincount(owners, self.units, minlength=len(self.starts) - 1)
        return totals.astype(np.float64)


def arrivals(owners: Ints, in_days: Floats, units: Floats, *, products: int) -> Arrivals:
    """Return arrivals in their order, whatever the order of the rows.

    Args:
        owners: Place of each arrival's product.
        in_days: Days from `as_of`.
        units: Still to come.
        products: How many there are.
    """
    order = np.lexsort((units, in_days, owners))
    counts = np.bincount(owners, minlength=products)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Arrivals(starts, in_days[order].astype(np.float64), units[order].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Needs:
    """What the plan is made of, one entry per product; the names are those of `replenish`.

    Attributes:
        available_units: On hand less reserved; NaN = unknown, then nothing is ordered.
        units_per_day: The velocity; NaN = unknown.
        quantile_units: Of demand over the protection interval, at the product's service level.
        service_level: Above 0, below 1.
        lead_time_days: Order to shelf.
        lead_time_sd_days: How much that varies.
        review_period_days: Between chances to order.
        cover_days: One order should last so long.
        manual_point_units: A buyer's reorder point; NaN = none.
        manual_maximum_units: A buyer's maximum; NaN = none.
        minimum_order_units: Of an order.
        pack_units: Orders are multiples of it.
        is_discontinued: Never ordered again.
        on_order: What is still to come.
    """

    available_units: Floats
    units_per_day: Floats
    quantile_units: Floats
    service_level: Floats
    lead_time_days: Floats
    lead_time_sd_days: Floats
    review_period_days: Floats
    cover_days: Floats
    manual_point_units: Floats
    manual_maximum_units: Floats
    minimum_order_units: Floats
    pack_units: Floats
    is_discontinued: Flags
    on_order: Arrivals

    @property
    def protection_days(self) -> Floats:
        """Lead time and review period together."""
        return self.lead_time_days + self.review_period_days


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the plan says, one entry per product; NaN = null.

    Attributes:
        position_units: Available plus all on order.
        days_until_stockout: From the morning.
        safety_stock_units: On top of what is expected.
        reorder_point_units: A buyer's if there is one, else ours.
        our_reorder_point_units: Ours.
        order_up_to_units: Position after an order.
        order_now: Whether to order today.
        quantity_units: To order; 0 unless today.
        days_until_reorder: Until the position falls to the reorder point.
        days_without_stock: Until an order placed today arrives.
        stockout_before_order_can_arrive: Whether no order can prevent it any more.
    """

    position_units: Floats
    days_until_stockout: Floats
    safety_stock_units: Floats
    reorder_point_units: Floats
    our_reorder_point_units: Floats
    order_up_to_units: Floats
    order_now: Flags
    quantity_units: Floats
    days_until_reorder: Floats
    days_without_stock: Floats
    stockout_before_order_can_arrive: Flags


def replenish(needs: Needs) -> Suggestions:
    """Apply every formula to every product."""
    velocity = np.nan_to_num(needs.units_per_day)
    known = ~np.isnan(needs.units_per_day)
    position = needs.available_units + needs.on_order.totals()
    expected = velocity * needs.protection_days
    safety = _safety(needs, velocity, expected)
    ours = np.where(known, expected + safety, np.nan)
    point = np.where(np.isnan(needs.manual_point_units), ours, needs.manual_point_units)
    up_to = point + velocity * np.maximum(needs.cover_days - needs.review_period_days, 0)
    up_to = np.where(np.isnan(needs.manual_maximum_units), up_to, needs.manual_maximum_units)
    idle = known & (velocity == 0)
    # Of an unknown velocity without a buyer's point, a backlog is all that is sure.
    sure_point = np.where(np.isnan(point), 0.0, point)
    is_due = np.where(idle | np.isnan(point), position < 0, position <= sure_point)
    order_now = is_due & ~needs.is_discontinued
    lasts = days_until_stockout(needs.available_units, velocity, needs.on_order)
    without = days_without_stock(needs, velocity)
    return Suggestions(
        position_units=position,
        days_until_stockout=lasts,
        safety_stock_units=np.where(known, safety, np.nan),
        reorder_point_units=point,
        our_reorder_point_units=ours,
        order_up_to_units=up_to,
        order_now=order_now,
        quantity_units=np.where(order_now, _quantity(needs, np.nan_to_num(up_to), position), 0.0),
        days_until_reorder=_days_until_reorder(needs, position, sure_point, velocity, order_now),
        days_without_stock=without,
        stockout_before_order_can_arrive=(velocity > 0)
        & ~needs.is_discontinued
        & (np.floor(lasts) < _whole(needs.lead_time_days)),
    )


def _safety(needs: Needs, velocity: Floats, expected: Floats) -> Floats:
    levels, place = np.unique(needs.service_level, return_inverse=True)
    above = np.array([z(level) for level in levels.tolist()])[place]
    of_demand = np.maximum(0.0, np.nan_to_num(needs.quantile_units) - expected)
    return np.hypot(of_demand, above * velocity * needs.lead_time_sd_days)


def _quantity(needs: Needs, up_to: Floats, position: Floats) -> Floats:
    wanted = np.maximum(np.maximum(up_to - position, needs.minimum_order_units), 0.0)
    return np.ceil(wanted / needs.pack_units - ROUNDING) * needs.pack_units


def _days_until_reorder(
    needs: Needs, position: Floats, point: Floats, velocity: Floats, order_now: Flags
) -> Floats:
    days = _per_day(position - point, velocity)
    days = np.where(order_now, 0.0, days)
    return np.where(needs.is_discontinued, np.nan, days)


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


def days_without_stock(needs: Needs, velocity: Floats) -> Floats:
    """Return the days without stock before an order placed today arrives."""
    until = _whole(needs.lead_time_days)
    stock = needs.available_units.astype(np.float64)
    now, without = np.zeros(len(stock)), np.zeros(len(stock))
    lasts = _per_day(np.maximum(stock, 0), velocity)
    for products, places in needs.on_order.ranked():
        comes = np.minimum(needs.on_order.in_days[places], until[products])
        pace, left, span = velocity[products], stock[products], comes - now[products]
        without[products] += np.maximum(0.0, span - lasts[products])
        left = np.maximum(left - pace * span, np.minimum(left, 0)) + needs.on_order.units[places]
        stock[products], now[products] = left, comes
        lasts[products] = _per_day(np.maximum(left, 0), pace)
    without += np.maximum(0.0, until - now - lasts)
    return np.where(velocity > 0, without, 0.0)
