"""The season: what the same weeks of earlier years say of the weeks that an order must cover.

A product's own past is noise at this grain, a shop's as a whole is not, and a category's lies
between: so the index of each is drawn towards that of the larger group, the more the less it sold.
Only where a product sold in these weeks of both earlier years far more than it sells now, its own
past decides: what is sold at Christmas has no pace in November.
"""

from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import Flags, Floats, History, Ints

YEAR = 364
"""Whole weeks, so that weekdays meet weekdays."""
BASE_DAYS = 56
"""A season is measured against so many days before the same window of an earlier year."""
YEARS = 2
ACCOUNT_SALES, CATEGORY_SALES, PRODUCT_SALES = 300.0, 100.0, 50.0
"""Sales that an index must rest on to count as much as that of the larger group."""
LEAST, MOST = 0.2, 5.0
RECURRING = 3.0
"""A season recurs where both years sold at least so many times what the pace expects."""
RECURRING_SALES = 10.0
ALIKE = 2.0
"""And neither year sold more than so many times what the other one did."""
POWERS = (0.0, 0.5, 1.0)
TRIED_WINDOW, TRIED_STEP, TRIED = 28, 28, 6


@dataclass(frozen=True, slots=True)
class Season:
    """What earlier years say, per product.

    Attributes:
        factor: What to multiply the velocity by; 1 = nothing is known, or nothing follows.
        recurring_units: To expect in the window where the product's own season recurs; else NaN.
        last_year_units: Sold in the same window a year ago; NaN = not known.
    """

    factor: Floats
    recurring_units: Floats
    last_year_units: Floats


def season(
    history: History,
    as_of: int,
    velocity: Floats,
    days: Floats,
    categories: Ints,
    *,
    power: float,
) -> Season:
    """Return what earlier years say of the days from a morning on.

    Args:
        history: Of the days before the morning, and no others.
        as_of: The morning, a day number.
        velocity: Units per day, per product; NaN = unknown.
        days: Length of each product's window.
        categories: A number for the category of each product.
        power: How much of the index to believe, 0 to 1.
    """
    sold = [_units(history, as_of - YEAR * k, days) for k in range(1, YEARS + 1)]
    known = [_known(history, as_of - YEAR * k) for k in range(1, YEARS + 1)]
    last_year = np.where(known[0], sold[0], np.nan)
    index = _index(history, as_of, days, categories)
    factor = np.clip(index**power, LEAST, MOST)
    expected = np.nan_to_num(velocity) * days * factor
    low, high = np.minimum(*sold), np.maximum(*sold)
    recurs = known[0] & known[1] & (low >= RECURRING_SALES) & (high <= ALIKE * low)
    recurs &= low >= RECURRING * expected
    growth = _growth(history, as_of)
    recurring = np.where(recurs, (low + high) / 2 * growth, np.nan)
    return Season(np.where(recurs, 1.0, factor), recurring, last_year)


def best_power(history: History, as_of: int, categories: Ints) -> float:
    """Return how much of the index to believe, by the account's own past.

    Windows of four weeks that have ended are forecast again from their beginnings; what lost least
    wins. With too short a past half of it is believed, which did no harm anywhere.
    """
    lost = dict.fromkeys(POWERS, 0.0)
    tried = 0
    for n in range(TRIED):
        origin = as_of - TRIED_WINDOW - TRIED_STEP * n
        if history.begins > origin - YEAR - BASE_DAYS:
            break
        tried += 1
        days = np.full(len(history), float(TRIED_WINDOW))
        index = _index(history, origin, days, categories)
        pace = _units(history, origin - BASE_DAYS, np.full(len(history), float(BASE_DAYS)))
        pace *= TRIED_WINDOW / BASE_DAYS
        demand = _units(history, origin, days)
        for power in POWERS:
            forecast = pace * np.clip(index**power, LEAST, MOST)
            lost[power] += float(np.abs(forecast - demand).sum())
    if not tried:
        return 0.5 if history.begins <= as_of - YEAR - BASE_DAYS else 0.0
    return min(POWERS, key=lambda power: lost[power])


def _index(history: History, as_of: int, days: Floats, categories: Ints) -> Floats:
    """Return how much more than before was sold in these weeks of earlier years."""
    bulk = _units_per_sale(history)
    over, under = np.zeros(len(history)), np.zeros(len(history))
    for k in range(1, YEARS + 1):
        start = as_of - YEAR * k
        known = _known(history, start - BASE_DAYS)
        before = _units(history, start - BASE_DAYS, np.full(len(history), float(BASE_DAYS)))
        over += np.where(known, _units(history, start, days) / bulk, 0.0)
        under += np.where(known, before / bulk * days / BASE_DAYS, 0.0)
    account = (over.sum() + ACCOUNT_SALES) / (under.sum() + ACCOUNT_SALES)
    per_category = [np.bincount(categories, values) for values in (over, under)]
    of_category = (per_category[0] + CATEGORY_SALES * account) / (per_category[1] + CATEGORY_SALES)
    index: Floats = (over + PRODUCT_SALES * of_category[categories]) / (under + PRODUCT_SALES)
    return index


def _units(history: History, begin: int, days: Floats) -> Floats:
    """Return the units sold from a day on, for each product's own number of days."""
    owners = history.sold.owners()
    since = history.sold.days - begin
    inside = (since >= 0) & (since < days[owners])
    units = np.bincount(owners[inside], history.units[inside], minlength=len(history))
    return units.astype(np.float64)


def _known(history: History, day: int) -> Flags:
    """Whether sales of the account are known from a day on, and the product was there."""
    return (history.first_day <= day) & (history.begins <= day)


def _units_per_sale(history: History) -> Floats:
    owners = history.sold.owners()
    total = np.bincount(owners, history.units, minlength=len(history))
    count = np.bincount(owners, minlength=len(history))
    return np.maximum(total / np.maximum(count, 1), 1e-9)


def _growth(history: History, as_of: int) -> float:
    """Return the account's sales of the last eight weeks over those of a year ago."""
    spans = np.full(len(history), float(BASE_DAYS))
    now = _units(history, as_of - BASE_DAYS, spans).sum()
    then = _units(history, as_of - BASE_DAYS - YEAR, spans).sum()
    return float(np.clip(now / then, 0.5, 2.0)) if then > 0 else 1.0
