"""The season: what the same weeks of earlier years say of the weeks that an order must cover.

A product's own past is noise at this grain, a shop's as a whole is not, and a category's lies
between: so the index of each is drawn towards that of the larger group, the more the less it sold.
Only where a product sold in these weeks of both earlier years far more than it sells now, its own
past decides: what is sold at Christmas has no pace in November.
"""

from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import DayNumber, Flags, Floats, History, Ints
from finale_pipeline.domain.forecast.velocity import WEEK

YEAR, YEARS = 52, 2
"""Weeks of a year, so that weekdays meet weekdays; and the years that are looked at."""
BASE = 8
"""A season is measured against so many weeks before the same weeks of an earlier year."""
ACCOUNT_SALES, CATEGORY_SALES, PRODUCT_SALES = 300.0, 100.0, 50.0
"""Sales that an index must rest on to count as much as that of the larger group."""
LEAST, MOST = 0.2, 5.0
RECURRING = 3.0
"""A season recurs where both years sold at least so many times what the pace expects."""
RECURRING_SALES = 10.0
ALIKE = 2.0
"""And neither year sold more than so many times what the other one did."""
HALF = 0.5
POWERS = (0.0, HALF, 1.0)
WORTH = 0.02
"""By how much another power must lose less than half of the index."""
TRIED_WEEKS, TRIED = 4, 11


class WeeklySales:
    """Units sold in whole weeks back from a morning, per product.

    Args:
        history: Of the days before the morning, and no others.
    """

    def __init__(self, history: History, as_of: DayNumber) -> None:
        self.count = max(0, -(-(as_of - history.begins) // WEEK))
        begins = as_of - WEEK * self.count
        self.first_week = (history.first_day - begins) // WEEK
        until = np.zeros((len(history), self.count + 1))
        for lo, hi in history.blocks():
            start, end = history.sold.starts[[lo, hi]]
            owners = np.repeat(np.arange(hi - lo), np.diff(history.sold.starts[lo : hi + 1]))
            cells = owners * self.count + (history.sold.days[start:end] - begins) // WEEK
            sums = np.bincount(cells, history.units[start:end], minlength=(hi - lo) * self.count)
            np.cumsum(sums.reshape(hi - lo, self.count), axis=1, out=until[lo:hi, 1:])
        self._until = until
        self._rows = np.arange(len(history))
        sales = np.diff(history.sold.starts)
        self.units_per_sale = np.maximum(until[:, -1], 1e-9) / np.maximum(sales, 1)

    def units(self, ago: int, weeks: Ints | int) -> Floats:
        """Return the units sold in some weeks that began so many weeks ago; 0 where unknown."""
        begin = self.count - ago
        if begin < 0:
            return np.zeros(len(self._rows))
        end = np.minimum(begin + weeks, self.count)
        units: Floats = self._until[self._rows, end] - self._until[:, begin]
        return units

    def knows(self, ago: int) -> Flags:
        """Whether sales of the account reach so many weeks back, and the product was there."""
        is_covered: Flags = (self.first_week <= self.count - ago) & (ago <= self.count)
        return is_covered


@dataclass(frozen=True, slots=True)
class Season:
    """What earlier years say, per product.

    Attributes:
        weeks: That it is about, from the morning on.
        factor: What to multiply the velocity by; 1 = nothing is known, or nothing follows.
        recurring_units: To expect in those weeks where the product's own season recurs; else NaN.
        last_year_units: Sold in the same weeks a year ago; NaN = not known.
    """

    weeks: Ints
    factor: Floats
    recurring_units: Floats
    last_year_units: Floats


def season(
    sales: WeeklySales, velocity: Floats, weeks: Ints, categories: Ints, *, power: float
) -> Season:
    """Return what earlier years say of the weeks from a morning on.

    Args:
        power: How much of the index to believe, 0 to 1.
    """
    sold = [sales.units(YEAR * k, weeks) for k in range(1, YEARS + 1)]
    covered = [sales.knows(YEAR * k) for k in range(1, YEARS + 1)]
    factor = np.clip(_index(sales, 0, weeks, categories) ** power, LEAST, MOST)
    expected = np.nan_to_num(velocity) * weeks * WEEK * factor
    low, high = np.minimum(*sold), np.maximum(*sold)
    recurs = covered[0] & covered[1] & (low >= RECURRING_SALES) & (high <= ALIKE * low)
    recurs &= low >= RECURRING * expected
    return Season(
        weeks,
        np.where(recurs, 1.0, factor),
        np.where(recurs, (low + high) / 2 * _growth(sales), np.nan),
        np.where(covered[0], sold[0], np.nan),
    )


def best_power(sales: WeeklySales, categories: Ints) -> float:
    """Return how much of the index to believe, by the account's own past.

    Windows of four weeks that have ended are forecast again from their beginnings; what lost least
    wins, if it is clearly better than half of it, which did no harm anywhere.
    """
    lost = dict.fromkeys(POWERS, 0.0)
    weeks = np.full(len(categories), TRIED_WEEKS)
    tried = [n for n in range(1, TRIED + 1) if sales.count >= TRIED_WEEKS * n + YEAR + BASE]
    for n in tried:
        ago = TRIED_WEEKS * n
        index = _index(sales, ago, weeks, categories)
        pace = sales.units(ago + BASE, BASE) * TRIED_WEEKS / BASE
        demand = sales.units(ago, TRIED_WEEKS)
        for power in POWERS:
            error = pace * np.clip(index**power, LEAST, MOST) - demand
            lost[power] += float(np.abs(error).sum())
    if not tried:
        return HALF if sales.count >= YEAR + BASE else 0.0
    best = min(POWERS, key=lambda power: lost[power])
    return best if lost[best] < (1 - WORTH) * lost[HALF] else HALF


def _index(sales: WeeklySales, ago: int, weeks: Ints, categories: Ints) -> Floats:
    """Return how much more than before was sold in these weeks of earlier years."""
    size = len(categories)
    over, under = np.zeros(size), np.zeros(size)
    for k in range(1, YEARS + 1):
        start = ago + YEAR * k
        covered = sales.knows(start + BASE)
        before = sales.units(start + BASE, BASE) * weeks / BASE
        over += np.where(covered, sales.units(start, weeks) / sales.units_per_sale, 0.0)
        under += np.where(covered, before / sales.units_per_sale, 0.0)
    account = (over.sum() + ACCOUNT_SALES) / (under.sum() + ACCOUNT_SALES)
    per_category = [np.bincount(categories, values) for values in (over, under)]
    of_category = (per_category[0] + CATEGORY_SALES * account) / (per_category[1] + CATEGORY_SALES)
    index: Floats = (over + PRODUCT_SALES * of_category[categories]) / (under + PRODUCT_SALES)
    return index


def _growth(sales: WeeklySales) -> float:
    """Return the account's sales of the last eight weeks over those of a year ago."""
    now, then = sales.units(BASE, BASE).sum(), sales.units(BASE + YEAR, BASE).sum()
    return float(np.clip(now / then, 0.5, 2.0)) if then > 0 else 1.0
