"""How fast a product sells: the pace, on a grid of whole weeks back from a morning.

Everything the forecast needs of a product's past is a sum over whole weeks before `as_of`: windows
are multiples of seven days, and so are 182 and 364. So each sale is looked at once, and the rest is
arithmetic on a hundred numbers per product.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finale_pipeline.domain.forecast.history import (
    DayNumber,
    Days,
    Flags,
    Floats,
    History,
    Ints,
    Sparse,
    place,
    places,
)

WEEK = 7
MEAN_DAYS = 182
"""The plain mean that steadies the pace looks back so far: half a year."""
YEAR_DAYS, QUARTER_DAYS = 364, 91
HALF_LIVES = (7.0, 10.0, 14.0, 30.0, 60.0)
MEANS = (MEAN_DAYS, YEAR_DAYS)
SHARE_DAYS = (QUARTER_DAYS, YEAR_DAYS)
"""What is known of a product's past: half-lives of weighted means, spans of plain means, and spans
in which days with a sale are counted."""
NAIVE_DAYS, SPREAD_DAYS = 30, 90
"""What the naive forecast looks back: for the mean, and for the spread."""
LAUNCH_DAYS = 7
"""What a product sold in its first days is spread over so many: a launch is not its pace."""
NEVER = -(2**30)
"""The day of the last sale of a product that has none yet."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How yesterday is weighed against last month.

    Attributes:
        half_life_days: A day so long ago counts half as much as yesterday; one of `HALF_LIVES`.
        weight: Share of the weighted mean; the rest is the plain mean of 182 days.
    """

    half_life_days: float = 14
    weight: float = 0.8


DEFAULT_PACE = Pace()


@dataclass(frozen=True, slots=True)
class DemandState:
    """What is known of every product on one morning.

    Attributes:
        days: Since it was first available; zero or less before.
        counted_days: Those of them that are not censored.
        velocity: Units per day; NaN when unknown.
        weighted: The weighted mean in it alone.
        is_last_known: Every day of the last 182 was censored: the velocity is an older one.
        burstiness: Variance over mean of daily demand in a year, in units.
        daily_variance: Of the last 182 days, in units squared.
        quiet_days: Uncensored days since the last sale.
        means: Units per day, product by `HALF_LIVES` and then by `MEANS`; NaN where no day counts.
        sale_share: Share of counted days with a sale, product by `SHARE_DAYS`.
        units_per_sale: Mean units of a day with a sale in a year.
    """

    days: Floats
    counted_days: Floats
    velocity: Floats
    weighted: Floats
    is_last_known: Flags
    burstiness: Floats
    daily_variance: Floats
    quiet_days: Floats
    means: Floats
    sale_share: Floats
    units_per_sale: Floats

    def paced(self, pace: Pace) -> "DemandState":
        """Return the state with the velocity of another pace."""
        weighted = self.means[:, HALF_LIVES.index(pace.half_life_days)]
        plain = self.means[:, len(HALF_LIVES)]
        mixed = pace.weight * weighted + (1 - pace.weight) * plain
        return replace(self, velocity=np.where(np.isnan(plain), weighted, mixed), weighted=weighted)

    def select(self, rows: Flags | Ints) -> "DemandState":
        """Return the state of some of the products."""
        return DemandState(*(getattr(self, name)[rows] for name in self.__slots__))


def joined(states: Sequence[DemandState]) -> DemandState:
    """Return the states of several groups of products as one."""
    names = DemandState.__slots__
    return DemandState(*(np.concatenate([getattr(s, name) for s in states]) for name in names))


class Weeks:
    """A history in whole weeks back from a morning; answers for the mornings on its grid.

    Args:
        history: Of the days before the morning, and no others.
        products: The first of the products to look at, and one past the last.
    """

    def __init__(
        self,
        history: History,
        as_of: DayNumber,
        pace: Pace,
        products: tuple[int, int] | None = None,
    ) -> None:
        lo, hi = products or (0, len(history))
        self.pace = pace
        self.as_of = as_of
        self.count = max(0, -(-(as_of - history.begins) // WEEK))
        self._begins = as_of - WEEK * self.count
        self._first_day = history.first_day[lo:hi]
        self._sold = _part(history.sold, lo, hi)
        self._censored = _part(history.censored, lo, hi)
        units = history.units[history.sold.starts[lo] : history.sold.starts[hi]]
        self._cells = self._cells_of(self._sold)
        self._censored_cells = self._cells_of(self._censored)
        self.units = self._until(self._by_week(self._cells, units))
        self.squares = self._until(self._by_week(self._cells, units * units))
        self.sales = self._until(self._by_week(self._cells, None))
        self.censored = self._until(self._by_week(self._censored_cells, None))
        self._last_sale = self._last_sales()
        self._weighted = self._weighted_means(units)

    def _cells_of(self, sparse: Sparse) -> Ints:
        """Return a number per product and week for each day."""
        return sparse.owners() * self.count + (sparse.days - self._begins) // WEEK

    def _by_week(self, cells: Ints, values: Floats | None) -> Floats:
        """Return the sums per product and week; without values, the number of days."""
        shape = (len(self._first_day), self.count)
        sums = np.bincount(cells, values, minlength=shape[0] * shape[1])
        return sums.astype(np.float64).reshape(shape)

    def _until(self, by_week: Floats) -> Floats:
        """Return the sums before each morning of the grid, the oldest morning first."""
        sums = np.zeros((by_week.shape[0], self.count + 1))
        np.cumsum(by_week, axis=1, out=sums[:, 1:])
        return sums

    def _last_sales(self) -> Days:
        last = np.full((len(self._first_day), self.count + 1), NEVER, np.int32)
        weeks = (self._sold.days - self._begins) // WEEK + 1
        last[self._sold.owners(), weeks] = self._sold.days  # of several, the last one stays
        return np.maximum.accumulate(last, axis=1, out=last)

    def _weighted_means(self, units: Floats) -> Floats:
        """Return the weighted means of daily demand, half-life by morning by product.

        NaN before any day counts.
        """
        decay = 0.5 ** (1 / np.array(HALF_LIVES))
        shape = (len(decay), self.count + 1, len(self._first_day))
        means = np.full(shape, np.nan)
        sold = self._weighted_weeks(self._cells, self._sold, units, decay)
        out = self._weighted_weeks(self._censored_cells, self._censored, None, decay)
        numerator, denominator = np.zeros((2, len(decay), len(self._first_day)))
        of_days = (1 - decay[:, None] ** np.arange(WEEK + 1)) / (1 - decay[:, None])
        retained = decay[:, None] ** WEEK
        for week in range(self.count):
            end = self._begins + WEEK * (week + 1)
            days = np.clip(end - self._first_day, 0, WEEK)
            weights = of_days[:, days]
            if len(self._censored.days):
                left_out = self.censored[:, week + 1] - self.censored[:, week]
                # A week out of stock adds nothing at all, not even a rounding error.
                weights = np.where(days <= left_out, 0.0, weights - out[:, week])
            numerator = numerator * retained + sold[:, week]
            denominator = denominator * retained + weights
            launched = np.flatnonzero((days > 0) & (days < LAUNCH_DAYS))
            rest = of_days[:, LAUNCH_DAYS, None] - of_days[:, days[launched]]
            spread = denominator.copy() if len(launched) else denominator
            spread[:, launched] += rest
            np.divide(numerator, spread, out=means[:, week + 1], where=denominator > 0)
        return means

    def _weighted_weeks(
        self, cells: Ints, sparse: Sparse, values: Floats | None, decay: Floats
    ) -> Floats:
        """Return weighted sums, half-life by week by product: what each counts at its week's end.

        Without values, those of the days themselves.
        """
        ages = WEEK - 1 - (sparse.days - self._begins) % WEEK
        weights = decay[:, None] ** np.arange(WEEK)
        sums = []
        for of_ages in weights:
            weight = of_ages[ages]
            by_week = self._by_week(cells, weight if values is None else values * weight)
            sums.append(np.ascontiguousarray(by_week.T))
        return np.stack(sums)

    def at(self, weeks_back: int) -> DemandState:
        """Return what was known so many weeks before `as_of`, 0 = on it; a ValueError: too many."""
        here = self.count - weeks_back
        if here < 0:
            raise ValueError(f"the history has no {weeks_back} weeks")
        day = self.as_of - WEEK * weeks_back
        quarter, half_year, year = (
            max(0, here - d // WEEK) for d in (QUARTER_DAYS, MEAN_DAYS, YEAR_DAYS)
        )
        mean, variance = self._moments(half_year, here)
        year_mean, year_variance = self._moments(year, here)
        weighted = self._weighted[:, here].T
        unknown = np.full(len(mean), np.nan)
        days = (day - self._first_day).astype(np.float64)
        last = self._last_sale[:, here]
        year_sales = self.sales[:, here] - self.sales[:, year]
        state = DemandState(
            days=days,
            counted_days=np.maximum(days, 0) - self.censored[:, here],
            velocity=unknown,
            weighted=unknown,
            is_last_known=np.isnan(mean) & ~np.isnan(weighted[:, 0]),
            burstiness=_ratio(year_variance, year_mean),
            daily_variance=np.nan_to_num(variance),
            quiet_days=day - last - self._censored_since(last, here),
            means=np.column_stack([weighted, mean, year_mean]),
            sale_share=np.stack(
                [
                    _ratio(self.sales[:, here] - self.sales[:, n], self._counted(n, here))
                    for n in (quarter, year)
                ],
                axis=1,
            ),
            units_per_sale=_ratio(self.units[:, here] - self.units[:, year], year_sales),
        )
        return state.paced(self.pace)

    def _counted(self, before: int, here: int) -> Floats:
        """Return the days between two mornings, before the first day and censored ones left out.

        The days since a launch count as `LAUNCH_DAYS` at least.
        """
        lo, hi = (np.maximum(self._begins + WEEK * n - self._first_day, 0) for n in (before, here))
        hi = np.where((hi > 0) & (hi < LAUNCH_DAYS), LAUNCH_DAYS, hi)
        days: Floats = hi - lo - (self.censored[:, here] - self.censored[:, before])
        return days

    def _moments(self, before: int, here: int) -> tuple[Floats, Floats]:
        """Return mean and variance of daily demand between two mornings, censored days left out."""
        days = self._counted(before, here)
        mean = _ratio(self.units[:, here] - self.units[:, before], days)
        square = _ratio(self.squares[:, here] - self.squares[:, before], days)
        return mean, np.maximum(square - mean * mean, 0)

    def _censored_since(self, last: Days, here: int) -> Floats:
        if not len(self._censored.days):
            return np.zeros(len(last))
        of_products = np.arange(len(last))
        until = np.searchsorted(places(self._censored), place(of_products, last), side="right")
        return np.asarray(self._censored.starts[:-1] + self.censored[:, here] - until)

    def demand(self, weeks_back: int, weeks: int) -> tuple[Floats, Floats]:
        """Return the units demanded in the weeks after a morning, and the days censored."""
        lo = self.count - weeks_back
        hi = lo + weeks
        return (
            self.units[:, hi] - self.units[:, lo],
            self.censored[:, hi] - self.censored[:, lo],
        )


def _ratio(over: Floats, under: Floats) -> Floats:
    """Return the quotient, NaN where nothing is under."""
    quotient: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)
    return quotient


def _part(sparse: Sparse, lo: int, hi: int) -> Sparse:
    starts = sparse.starts[lo : hi + 1]
    return Sparse(starts - starts[0], sparse.days[starts[0] : starts[-1]])


def moments(history: History, as_of: DayNumber, days: int) -> tuple[Floats, Floats]:
    """Return mean and sample variance of daily demand in the last days, censored ones left out.

    A product younger than that is looked at since it was first available, and since `LAUNCH_DAYS`
    at least.
    """
    begin = as_of - days
    recent = (history.sold.days >= begin) & (history.sold.days < as_of)
    owners = history.sold.owners()[recent]
    units = history.units[recent]
    out = history.censored.days
    left_out = np.bincount(
        history.censored.owners()[(out >= begin) & (out < as_of)], minlength=len(history)
    )
    age = np.maximum(as_of - history.first_day, LAUNCH_DAYS)
    count = np.maximum(1, np.minimum(days, age) - left_out)
    mean = np.bincount(owners, units, minlength=len(history)) / count
    square = np.bincount(owners, units * units, minlength=len(history)) / count
    return mean, np.maximum(square - mean * mean, 0) * count / np.maximum(1, count - 1)


def thirty_days(history: History, as_of: DayNumber) -> tuple[Floats, Floats]:
    """Return the mean of the last 30 days and the sample variance of the last 90."""
    return moments(history, as_of, NAIVE_DAYS)[0], moments(history, as_of, SPREAD_DAYS)[1]
