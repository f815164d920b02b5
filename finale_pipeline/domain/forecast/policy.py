"""What a rule for ordering would have done: stock, orders and lost sales, day by day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.backtest import judged
from finale_pipeline.domain.forecast.history import Floats, History
from finale_pipeline.domain.forecast.methods import SCORED_LEVELS, Method
from finale_pipeline.domain.forecast.velocity import NAIVE_DAYS, moments
from finale_pipeline.domain.replenishment.decisions import ROUNDING

Rule = Callable[[History, int, int], Floats]
"""History before a morning, the morning, days until an order helps → units to order up to."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What a rule reached.

    Attributes:
        fill_per_product: Share of demand that was met, the mean over products.
        fill_of_units: Share of all units demanded that were met.
        stockout_days: Days that began without stock, on the mean over products and per year.
        stock_units: On hand at the end of a day, all products, on the mean.
    """

    fill_per_product: float
    fill_of_units: float
    stockout_days: float
    stock_units: float


def simulate(
    demand: Floats, levels: Sequence[Floats], *, lead_days: int, review_days: int, warm_up_days: int
) -> PolicyResult:
    """Order up to a level at every review; what cannot be met is lost.

    An order placed at a review arrives on the morning `lead_days` later. Everything begins with
    the stock of the first level.

    Args:
        demand: Units, day by product.
        levels: Units to order up to at each review, per product.
        warm_up_days: Days at the beginning that are not counted.

    Two a day, reviewed daily, on the shelf two days later: six lasts for ever, four does not.

    >>> daily = np.full((20, 1), 2.0)
    >>> for level in (6.0, 4.0):
    ...     levels = [np.array([level])] * 20
    ...     done = simulate(daily, levels, lead_days=2, review_days=1, warm_up_days=5)
    ...     print(round(done.fill_of_units, 2), done.stock_units)
    1.0 0.0
    0.67 0.0
    """
    days, products = demand.shape
    arriving = np.zeros((days + lead_days, products))
    stock = levels[0].astype(np.float64)
    met, out, held = np.zeros(products), np.zeros(products), 0.0
    for day in range(days):
        stock = stock + arriving[day]
        if day % review_days == 0 and day // review_days < len(levels):
            wanted = levels[day // review_days] - stock - arriving[day + 1 :].sum(axis=0)
            arriving[day + lead_days] += np.maximum(wanted, 0)
        sold = np.minimum(stock, demand[day])
        if day >= warm_up_days:
            met += sold
            out += stock <= 0
            held += float((stock - sold).sum())
        stock = stock - sold
    counted = days - warm_up_days
    wanted = demand[warm_up_days:].sum(axis=0)
    asked = wanted > 0
    return PolicyResult(
        fill_per_product=float((met[asked] / wanted[asked]).mean()) if asked.any() else 1.0,
        fill_of_units=float(met.sum() / wanted.sum()) if asked.any() else 1.0,
        stockout_days=float(out.mean() / counted * 365),
        stock_units=held / counted,
    )


def up_to_quantile(method: Method, level: float) -> Rule:
    """Order up to what demand stays under until the next order helps."""
    column = SCORED_LEVELS.index(level)

    def rule(history: History, as_of: int, days: int) -> Floats:
        return method(history, as_of, (days,))[0][1][:, column]

    return rule


def cover(cover_days: int) -> Rule:
    """Order up to so many days of the 30-day mean, on top of the time until an order helps."""

    def rule(history: History, as_of: int, days: int) -> Floats:
        return moments(history, as_of, NAIVE_DAYS)[0] * (days + cover_days)

    return rule


def replay(
    history: History,
    begin: int,
    rules: Mapping[str, Rule],
    *,
    reviews: int,
    lead_days: int = 14,
    review_days: int = 7,
) -> dict[str, PolicyResult]:
    """Return what each rule would have reached, had it ordered from a morning on.

    Only products that are judged on that morning take part; one that no longer is gets no orders.

    Args:
        history: Whole; each review sees only what lies before it.
        begin: The first review, a day number.
    """
    known = history.before(begin)
    taking_part = known.keys.filter(pl.Series(judged(known, begin)))
    levels: dict[str, list[Floats]] = {name: [] for name in rules}
    for review in range(reviews):
        morning = begin + review_days * review
        known = history.before(morning)
        there = known.keys.is_in(taking_part.implode()).to_numpy()
        places = taking_part.search_sorted(known.keys.filter(pl.Series(there))).to_numpy()
        allowed = judged(known, morning)
        for name, rule in rules.items():
            targets = np.where(allowed, rule(known, morning, lead_days + review_days), 0.0)
            up_to = np.zeros(len(taking_part))
            up_to[places] = np.ceil(targets - ROUNDING)[there]
            levels[name].append(up_to)
    demand = _daily(history, taking_part, begin, review_days * reviews)
    return {
        name: simulate(
            demand,
            level,
            lead_days=lead_days,
            review_days=review_days,
            warm_up_days=lead_days + review_days,
        )
        for name, level in levels.items()
    }


def _daily(history: History, keys: pl.Series, begin: int, days: int) -> Floats:
    """Return demand, day by product."""
    inside = (history.sold.days >= begin) & (history.sold.days < begin + days)
    inside &= history.keys.is_in(keys.implode()).to_numpy()[history.sold.owners()]
    of_keys = keys.search_sorted(history.keys).to_numpy()
    demand = np.zeros((days, len(keys)))
    owners = of_keys[history.sold.owners()[inside]]
    demand[history.sold.days[inside] - begin, owners] = history.units[inside]
    return demand
