"""ABC by value and XYZ by steadiness."""

import numpy as np

from finale_pipeline.domain.forecast.calibration import LEAST_DAYS
from finale_pipeline.domain.forecast.history import DayNumber, Flags, Floats, History
from finale_pipeline.domain.forecast.velocity import WEEK

YEAR_WEEKS = 52
A_SHARE, B_SHARE = 0.8, 0.95
X_LIMIT, Y_LIMIT = 0.5, 1.0
INTERMITTENT_DAYS = 1.32
"""Mean days between two days with a sale from which demand is intermittent: Syntetos, Boylan and
Croston, *On the categorization of demand patterns*, JORS 56 (2005)."""
ALL, YOUNG = "all", "young"
SEGMENTS = (ALL, "A", "B", "C", "smooth", "intermittent", YOUNG)
"""Groups of products whose forecasts are judged apart."""


def abc(values: Floats) -> list[str]:
    """Return A for what makes the first 80 % of value, B up to 95 %, C for the rest.

    Args:
        values: Of a year's demand, per product; nothing of value is C.

    >>> abc(np.array([1.0, 70.0, 0.0, 20.0, 9.0]))
    ['C', 'A', 'C', 'A', 'B']
    """
    order = np.argsort(-values, kind="stable")
    total = float(values.sum())
    before = np.zeros(len(values))
    before[order] = np.cumsum(values[order]) - values[order]
    share = before / total if total > 0 else np.ones(len(values))
    labels = np.where(share < A_SHARE, "A", np.where(share < B_SHARE, "B", "C"))
    classes: list[str] = np.where(values > 0, labels, "C").tolist()
    return classes


def xyz(variation: Floats) -> list[str]:
    """Return X for steady demand, Y for changing, Z for erratic.

    Args:
        variation: Standard deviation over mean of weekly demand; NaN = none is known, Z.

    >>> xyz(np.array([0.3, 0.8, 2.0, np.nan]))
    ['X', 'Y', 'Z', 'Z']
    """
    labels = np.where(variation <= X_LIMIT, "X", np.where(variation <= Y_LIMIT, "Y", "Z"))
    classes: list[str] = labels.tolist()
    return classes


def year_of_weeks(history: History, as_of: DayNumber) -> tuple[Floats, Floats]:
    """Return the units of the last 52 weeks, and how much the weeks vary, relative to their mean.

    A younger product is looked at since it was first available, in whole weeks.
    """
    week = (as_of - 1 - history.sold.days) // WEEK
    recent = (week >= 0) & (week < YEAR_WEEKS)
    cells = history.sold.owners()[recent] * YEAR_WEEKS + week[recent]
    weeks = np.bincount(cells, history.units[recent], minlength=len(history) * YEAR_WEEKS)
    weeks = weeks.reshape(len(history), YEAR_WEEKS)
    units = weeks.sum(axis=1)
    count = np.clip(-(-(as_of - history.first_day) // WEEK), 1, YEAR_WEEKS)
    mean = units / count
    spread = np.sqrt(np.maximum((weeks**2).sum(axis=1) / count - mean**2, 0))
    return units, np.divide(spread, mean, out=np.full(len(units), np.nan), where=mean > 0)


def segments(history: History, as_of: DayNumber, value_per_unit: Floats) -> dict[str, Flags]:
    """Return which products are in each of `SEGMENTS` but `ALL`; the young are in no other one.

    Args:
        history: Of the days before the morning, and no others.
        value_per_unit: Of each product; NaN = unknown, and then it is of no ABC class.
    """
    age = as_of - history.first_day
    young = age < LEAST_DAYS
    value = year_of_weeks(history, as_of)[0] * value_per_unit
    is_valued = ~np.isnan(value) & ~young
    of_value = np.full(len(value), "U")
    of_value[is_valued] = abc(value[is_valued])
    begin = as_of - YEAR_WEEKS * WEEK
    out, sold = history.censored, history.sold
    left_out = np.bincount(out.owners()[out.days >= begin], minlength=len(history))
    sale_days = np.bincount(sold.owners()[sold.days >= begin], minlength=len(history))
    counted = np.minimum(age, YEAR_WEEKS * WEEK) - left_out
    intermittent = counted >= INTERMITTENT_DAYS * sale_days
    return {
        **{name: of_value == name for name in ("A", "B", "C")},
        "smooth": ~intermittent & ~young,
        "intermittent": intermittent & ~young,
        YOUNG: young,
    }
