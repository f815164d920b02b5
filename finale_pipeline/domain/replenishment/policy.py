"""What a rule for ordering would have done: stock, orders and lost sales, day by day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.backtest import judged
from finale_pipeline.domain.forecast.history import DayNumber, Floats, History
from finale_pipeline.domain.forecast.methods import NAIVE, methods
from finale_pipeline.domain.forecast.velocity import NAIVE_DAYS, moments
from finale_pipeline.domain.replenishment.decisions import ROUNDING

CURVE = (0.8, 0.9, 0.95, 0.98)
"""Service levels whose stock and fill are compared."""

Rule = Callable[[History, int, int], Mapping[str, Floats]]
"""History before a morning, the morning, days until an order helps → units to order up to, by the
names of the ways in which the rule may be followed."""


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
        warm_up_days: Days at the beginning that are not counted.

    Two a day, reviewed daily, on the shelf two days later: six lasts for ever, four does not.

    >>> daily = np.full((20, 1), 2.0)
    >>> for level in (6.0, 4.0):
    ...     levels = [np.array([level])] * 20
    ...     result = simulate(daily, levels, lead_days=2, review_days=1, warm_up_days=5)
    ...     print(round(result.fill_of_units, 2), result.stock_units)
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
            missing = levels[day // review_days] - stock - arriving[day + 1 :].sum(axis=0)
            arriving[day + lead_days] += np.maximum(missing, 0)
        sold = np.minimum(stock, demand[day])
        if day >= warm_up_days:
            met += sold
            out += stock <= 0
            held += float((stock - sold).sum())
        stock = stock - sold
    counted = days - warm_up_days
    demanded = demand[warm_up_days:].sum(axis=0)
    sells = demanded > 0
    return PolicyResult(
        fill_per_product=float((met[sells] / demanded[sells]).mean()) if sells.any() else 1.0,
        fill_of_units=float(met.sum() / demanded.sum()) if sells.any() else 1.0,
        stockout_days=float(out.mean() / counted * 365),
        stock_units=held / counted,
    )


def up_to_quantiles(name: str, levels: Sequence[float] = CURVE) -> Rule:
    """Order up to what demand stays under until the next order helps, by a method's name."""
    method = methods(levels)[name]

    def rule(history: History, as_of: DayNumber, days: int) -> dict[str, Floats]:
        quantiles = method(history, as_of, (days,))[0][1]
        return {at_level(name, level): quantiles[:, n] for n, level in enumerate(levels)}

    return rule


def at_level(name: str, level: float) -> str:
    """Return the name of a method followed at a service level.

    >>> at_level("30-day mean + normal", 0.95)
    '30-day mean + normal, 95 %'
    """
    return f"{name}, {100 * level:g} %"


def cover(cover_days: int) -> Rule:
    """Order up to so many days of the 30-day mean, on top of the time until an order helps."""

    def rule(history: History, as_of: DayNumber, days: int) -> dict[str, Floats]:
        mean = moments(history, as_of, NAIVE_DAYS)[0]
        return {f"{NAIVE}, {cover_days} days on top": mean * (days + cover_days)}

    return rule


def replay(
    history: History,
    begin: int,
    rules: Sequence[Rule],
    *,
    reviews: int,
    lead_days: int = 14,
    review_days: int = 7,
) -> dict[str, PolicyResult]:
    """Return what each way of ordering would have reached from a morning on, by its name.

    Only products that are judged on that morning take part; one that no longer is gets no orders.

    Args:
        history: Whole; each review sees only what lies before it.
    """
    past = history.before(begin)
    taking_part = past.keys.filter(pl.Series(judged(past, begin)))
    levels: dict[str, list[Floats]] = {}
    for review in range(reviews):
        morning = begin + review_days * review
        past = history.before(morning)
        present = past.keys.is_in(taking_part.implode()).to_numpy()
        places = taking_part.search_sorted(past.keys.filter(pl.Series(present))).to_numpy()
        allowed = judged(past, morning)
        for rule in rules:
            for name, units in rule(past, morning, lead_days + review_days).items():
                targets = np.where(allowed, units, 0.0)
                up_to = np.zeros(len(taking_part))
                up_to[places] = np.ceil(targets - ROUNDING)[present]
                levels.setdefault(name, []).append(up_to)
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
