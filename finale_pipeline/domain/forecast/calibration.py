"""Quantiles of demand, learnt from peers: what products that sell alike really sold before.

For every window of the grid, past windows of all products are pooled: what was known of a product
at their beginning, and what it went on to sell. From the pool two answers are learnt, and the mean
of both is used: the cells of products that sell about this fast and this often, and a regression
(`regression`). Under `LEAST_REGRESSION_ROWS` the cells answer alone, by pace and burstiness.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import DayNumber, Flags, Floats, History, Ints
from finale_pipeline.domain.forecast.regression import (
    FLOOR_UNITS,
    Regression,
    equal_counts,
    fit,
)
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    WEEK,
    DemandState,
    Pace,
    Weeks,
    joined,
)

WINDOWS = (7, 14, 28, 56, 84)
"""Days; whole weeks, or a window would hold another number of closed Saturdays than its past."""
LEVELS = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99)
"""Of the quantiles that are learnt; levels between them are interpolated."""
ORIGINS = 13
ORIGIN_STEP_WEEKS = 2
LEAST_HISTORY_DAYS = 60
LEAST_DAYS = 28
MOST_QUIET_DAYS = 180
MOST_CENSORED = 0.1
"""Share of a window that may be censored."""
MU_BINS, MU_BIN_ROWS = 12, 300
SPREAD_BINS, SPREAD_BIN_ROWS = 5, 60
LEAST_CELL_ROWS = 20
CONFIDENT_ROWS = 2_000
LEAST_REGRESSION_ROWS = 800
MOST_PRODUCTS = 4_000
"""Products whose past is learnt from, evenly spread; more would only take longer."""
YOUNG_FROM = (0, 4, 8, 15)
"""Days of age at which a group of new products begins; the last one ends at LEAST_DAYS."""
USUAL_WIDENING = (
    (1.0, 2.0, 2.6, 3.0, 3.0, 3.0),
    (1.0, 1.3, 1.5, 1.9, 1.9, 1.9),
    (1.0, 1.1, 1.1, 1.25, 1.25, 1.25),
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
)
USUAL_ROWS = 50
"""How much too narrow the quantiles of new products were for a wholesaler of 2,726 SKUs in two
years, by group of age and level; it counts as much as so many past windows of the account."""


FADE_FROM = (0, 4, 8, 15, 28)
"""The same of the groups whose pace fades; the last one ends at FADED_DAYS."""
FADED_DAYS = 60
FADE_ROWS = 10
"""A pace that stays counts as much as so many past windows of the account."""
FADE_WINDOW = 28
"""Days after which the fading is looked at."""
LEAST_FADE, MOST_FADE = 0.25, 2.0


@dataclass(frozen=True, slots=True)
class PastWindows:
    """Past windows of one length, all products and origins: what was known, units demanded."""

    state: DemandState
    demand: Floats

    def select(self, rows: Flags) -> "PastWindows":
        """Return some of them."""
        return PastWindows(self.state.select(rows), self.demand[rows])


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one window.

    Attributes:
        mu_edges: Lower ends of the bins by expected units, without the first.
        spread_edges: The same by the second axis, per bin.
        counts: Past windows per cell, per bin.
        factors: Per bin: cell by level.
    """

    window_days: int
    rows: int
    mu_edges: Floats
    spread_edges: tuple[Floats, ...]
    counts: tuple[Ints, ...]
    factors: tuple[Floats, ...]

    def quantiles(self, mu: Floats, spread: Floats) -> Floats:
        """Return the units that demand stays under, product by level.

        Args:
            mu: Units to expect in the window.
        """
        bins = np.searchsorted(self.mu_edges, mu, side="right")
        cells = np.zeros(len(mu), np.int64)
        for number, edges in enumerate(self.spread_edges):
            here = bins == number
            cells[here] = np.searchsorted(edges, spread[here], side="right")
        widths = [len(factors) for factors in self.factors]
        offsets = np.concatenate([[0], np.cumsum(widths[:-1])]).astype(np.int64)
        factors = np.concatenate(self.factors)[offsets[bins] + cells]
        units: Floats = factors * np.maximum(mu, FLOOR_UNITS)[:, None]
        return units


@dataclass(frozen=True, slots=True)
class WindowModel:
    """What was learnt for one window.

    Attributes:
        regression: None where there are too few past windows for it.
        widening: What to multiply the quantiles of a new product by, group of age by level.
        fade: What young products went on to sell, over their pace, by group of age.
    """

    cells: Cells
    regression: Regression | None
    widening: Floats
    fade: Floats

    @property
    def rows(self) -> int:
        """Past windows that were learnt from."""
        return self.cells.rows

    def quantiles(self, state: DemandState) -> Floats:
        """Return the units that demand stays under, product by level; before new ones widen."""
        return _quantiles(self.cells, self.regression, state)


def _quantiles(cells: Cells, regression: Regression | None, state: DemandState) -> Floats:
    if regression is None:
        return cells.quantiles(*_axes(state, cells.window_days, with_regression=False))
    of_cells = cells.quantiles(*_axes(state, cells.window_days, with_regression=True))
    return (of_cells + regression.quantiles(state)) / 2


def _axes(state: DemandState, window_days: int, *, with_regression: bool) -> tuple[Floats, Floats]:
    """Return the two axes of the cells: expected units, and how unevenly they come."""
    if with_regression:
        return state.weighted * window_days, np.nan_to_num(state.sale_share[:, 0])
    return state.velocity * window_days, np.nan_to_num(state.burstiness)


@dataclass(frozen=True, slots=True)
class LearntWindow:
    """What the past taught of windows of one length, before a pace is chosen.

    Attributes:
        past: Those of products with enough of a past.
        young: Those of products of less than `FADED_DAYS`.
    """

    days: int
    past: PastWindows
    young: PastWindows
    regression: Regression | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an account's past taught of each window, shortest first, before a pace is chosen."""

    levels: tuple[float, ...]
    windows: tuple["LearntWindow", ...]

    def models(self, pace: Pace) -> tuple[WindowModel, ...]:
        """Return what forecasts are made by, where days are weighed by a pace."""
        return tuple(_model(learnt, pace, self.levels) for learnt in self.windows)


def calibrate(
    history: History,
    as_of: DayNumber,
    *,
    levels: Sequence[float] = LEVELS,
    windows: Sequence[int] = WINDOWS,
) -> Learnt:
    """Learn from every window that has a past.

    Args:
        history: Of the days before the morning, and no others.
        windows: Days, multiples of seven.
    """
    learnt = history.thinned(MOST_PRODUCTS)
    pooled: dict[int, list[PastWindows]] = {window: [] for window in windows}
    room = (as_of - history.begins - LEAST_HISTORY_DAYS) // WEEK
    for products in learnt.blocks():
        weeks = Weeks(learnt, as_of, DEFAULT_PACE, products)
        past: dict[int, DemandState] = {}
        for window in windows:
            for back in _origins(window // WEEK, room):
                past.setdefault(back, weeks.at(back))
                pooled[window].append(_past_windows(weeks, past[back], back, window))
    models = [_of_window(window, pools, levels) for window, pools in pooled.items() if pools]
    return Learnt(tuple(levels), tuple(one for one in models if len(one.past.demand)))


def _of_window(window: int, pools: Sequence[PastWindows], levels: Sequence[float]) -> LearntWindow:
    everything = PastWindows(
        joined([pool.state for pool in pools]), np.concatenate([pool.demand for pool in pools])
    )
    past = everything.select(is_judged(everything.state))
    young = everything.select(everything.state.days < FADED_DAYS)
    enough = len(past.demand) >= LEAST_REGRESSION_ROWS
    regression = fit(past.state, past.demand, window, levels) if enough else None
    return LearntWindow(window, past, young, regression)


def _origins(weeks: int, room: int) -> list[int]:
    """Return how many weeks ago the past windows began."""
    ago = [weeks + ORIGIN_STEP_WEEKS * k for k in range(ORIGINS)]
    return [back for back in ago if back <= room]


def is_judged(state: DemandState) -> Flags:
    """Whether a product has enough of a past, and sold lately."""
    return (state.days >= LEAST_DAYS) & (state.quiet_days <= MOST_QUIET_DAYS)


def _past_windows(weeks: Weeks, state: DemandState, back: int, window: int) -> PastWindows:
    demand, censored = weeks.demand(back, window // WEEK)
    usable = (state.days > 0) & (state.quiet_days <= MOST_QUIET_DAYS)
    usable &= (censored <= MOST_CENSORED * window) & ~np.isnan(state.velocity)
    usable &= ~np.isnan(state.burstiness)
    return PastWindows(state.select(usable), demand[usable])


def _model(learnt: LearntWindow, pace: Pace, levels: Sequence[float]) -> WindowModel:
    state, regression = learnt.past.state.paced(pace), learnt.regression
    mu, spread = _axes(state, learnt.days, with_regression=regression is not None)
    cells = _cells(learnt.days, mu, spread, learnt.past.demand, levels)
    young = PastWindows(learnt.young.state.paced(pace), learnt.young.demand)
    new = young.select(young.state.days < LEAST_DAYS)
    quantiles = _quantiles(cells, regression, new.state)
    return WindowModel(
        cells, regression, _widening(new, quantiles, levels), _fade(young, learnt.days)
    )


def _cells(
    window: int, mu: Floats, spread: Floats, demand: Floats, levels: Sequence[float]
) -> Cells:
    """Cut the past windows into bins by expected units, and those into cells by the other axis."""
    ratio = demand / np.maximum(mu, FLOOR_UNITS)
    edges = equal_counts(mu, most=MU_BINS, rows=MU_BIN_ROWS)
    bins = np.searchsorted(edges, mu, side="right")
    of_bins = [_bin(spread[bins == n], ratio[bins == n], levels) for n in range(len(edges) + 1)]
    spread_edges, counts, factors = zip(*of_bins, strict=True)
    return Cells(window, len(ratio), edges, spread_edges, counts, factors)


def _bin(spread: Floats, ratio: Floats, levels: Sequence[float]) -> tuple[Floats, Ints, Floats]:
    edges = equal_counts(spread, most=SPREAD_BINS, rows=SPREAD_BIN_ROWS)
    cells = np.searchsorted(edges, spread, side="right")
    counts = np.bincount(cells, minlength=len(edges) + 1)
    factors = [
        _ratio_quantiles(ratio[cells == cell] if count >= LEAST_CELL_ROWS else ratio, levels)
        for cell, count in enumerate(counts.tolist())
    ]
    return edges, counts, np.array(factors)


def _ratio_quantiles(ratio: Floats, levels: Sequence[float]) -> Floats:
    return np.quantile(ratio, levels) if len(ratio) else np.ones(len(levels))


def age_group(days: Floats) -> Ints:
    """Return the group of each new product by its age in days."""
    return np.searchsorted(np.array(YOUNG_FROM), days, side="right") - 1


def usual_widening(levels: Sequence[float]) -> Floats:
    """Return what quantiles of new products are multiplied by before an account has its own past.

    Group of age by level.
    """
    return np.array([np.interp(levels, LEVELS, widths) for widths in USUAL_WIDENING])


def _widening(new: PastWindows, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Return what to multiply the quantiles of new products by, group of age by level.

    What so young a product went on to sell, over the quantile that was forecast for it: its own
    quantile says how much too narrow that was. Few such products count little against the usual.
    """
    groups = age_group(new.state.days)
    widths = usual_widening(levels)
    ratio = new.demand[:, None] / np.maximum(quantiles, FLOOR_UNITS)
    for group in range(len(YOUNG_FROM)):
        here = ratio[groups == group]
        share = len(here) / (len(here) + USUAL_ROWS)
        for column, level in enumerate(levels if len(here) else ()):
            own = float(np.quantile(here[:, column], level))
            widths[group, column] += share * (own - widths[group, column])
    return widths


def fade_of(models: Sequence[WindowModel], days: Floats) -> Floats:
    """Return what to multiply the pace of each product by; 1 = it is not young.

    A new product is known since its first sale, and few go on as they begin: what is new sells to
    those who waited for it.
    """
    fade = np.ones(len(days))
    learnt = [model for model in models if model.cells.window_days <= FADE_WINDOW]
    young = days < FADED_DAYS
    if learnt and young.any():
        fade[young] = learnt[-1].fade[_fade_group(days[young])]
    return fade


def _fade_group(days: Floats) -> Ints:
    return np.searchsorted(np.array(FADE_FROM), days, side="right") - 1


def _fade(young: PastWindows, window_days: int) -> Floats:
    """Return what young products went on to sell, over what their pace made expect, by age.

    Few of them count little against a pace that stays.
    """
    groups = _fade_group(young.state.days)
    size = len(FADE_FROM)
    rows = np.bincount(groups, minlength=size)
    sold = np.bincount(groups, young.demand, minlength=size)
    expected = np.bincount(groups, young.state.velocity * window_days, minlength=size)
    own = np.divide(sold, expected, out=np.ones(size), where=expected > 0)
    fade: Floats = 1 + rows / (rows + FADE_ROWS) * (np.clip(own, LEAST_FADE, MOST_FADE) - 1)
    return fade
