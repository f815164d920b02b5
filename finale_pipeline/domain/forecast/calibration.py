"""Quantiles of demand, learnt from peers: what products that sell alike really sold before.

For every window of the grid, the demand of past windows is divided by what the pace expected of
it, and pooled over products that sell about this fast and about this unevenly. The quantiles of a
pool, a cell, are the factors by which to multiply what the pace expects now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import Flags, Floats, History, Ints
from finale_pipeline.domain.forecast.velocity import WEEK, DemandState, Pace, Weeks

WINDOWS = (7, 14, 28, 56, 84)
"""Days; whole weeks, or a window would hold another number of closed Saturdays than its past."""
LEVELS = (0.5, 0.9, 0.95)
ORIGINS = 13
ORIGIN_STEP_WEEKS = 2
LEAST_HISTORY_DAYS = 60
LEAST_DAYS = 28
MOST_QUIET_DAYS = 180
MOST_CENSORED = 0.1
"""Share of a window that may be censored."""
FLOOR_UNITS = 0.25
"""Expected demand is taken as at least so much, or the ratios of the slowest would be anything."""
MU_BINS, MU_BIN_ROWS = 12, 300
BURST_BINS, BURST_BIN_ROWS = 5, 60
LEAST_CELL_ROWS = 20
CONFIDENT_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class PastWindows:
    """What past windows of one length brought, all products and origins.

    Attributes:
        mu: What the pace expected, in units.
        burstiness: Variance over mean of daily demand, in units.
        demand: What was demanded, in units.
    """

    mu: Floats
    burstiness: Floats
    demand: Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one window.

    Attributes:
        window_days: Its length.
        rows: Past windows that were pooled, all cells together.
        mu_edges: Lower ends of the bins by expected units, without the first.
        burst_edges: The same by burstiness, per bin.
        counts: Past windows per cell, per bin.
        factors: Per bin: cell by level.
    """

    window_days: int
    rows: int
    mu_edges: Floats
    burst_edges: tuple[Floats, ...]
    counts: tuple[Ints, ...]
    factors: tuple[Floats, ...]

    def find(self, mu: Floats, burstiness: Floats) -> tuple[Ints, Ints]:
        """Return bin and cell of products by their expected units and burstiness."""
        bins = np.searchsorted(self.mu_edges, mu, side="right")
        cells = np.zeros(len(mu), np.int64)
        for number, edges in enumerate(self.burst_edges):
            here = bins == number
            cells[here] = np.searchsorted(edges, burstiness[here], side="right")
        return bins, cells

    def factor(self, bins: Ints, cells: Ints) -> Floats:
        """Return the factors of cells, product by level."""
        widths = [len(factors) for factors in self.factors]
        offsets = np.concatenate([[0], np.cumsum(widths[:-1])]).astype(np.int64)
        factors: Floats = np.concatenate(self.factors)[offsets[bins] + cells]
        return factors


def calibrate(
    history: History,
    as_of: int,
    *,
    pace: Pace,
    levels: Sequence[float] = LEVELS,
    windows: Sequence[int] = WINDOWS,
) -> tuple[tuple[Cells, ...], DemandState]:
    """Return the cells of every window that has a past, and what is known of every product now.

    Args:
        history: Of the days before the morning, and no others.
        as_of: The morning, a day number.
        pace: How days are weighed.
        levels: Of the quantiles.
        windows: Days, multiples of seven.
    """
    pooled: dict[int, list[PastWindows]] = {window: [] for window in windows}
    states = []
    room = (as_of - history.begins - LEAST_HISTORY_DAYS) // WEEK
    for products in history.blocks():
        weeks = Weeks(history, as_of, pace, products)
        states.append(weeks.at(0))
        past: dict[int, DemandState] = {}
        for window in windows:
            for back in _origins(window // WEEK, room):
                past.setdefault(back, weeks.at(back))
                pooled[window].append(_pool(weeks, past[back], back, window))
    cells = [_cells(window, _together(pools), levels) for window, pools in pooled.items() if pools]
    return tuple(found for found in cells if found.rows), _joined(states)


def _origins(weeks: int, room: int) -> list[int]:
    """Return how many weeks ago the past windows began."""
    ago = [weeks + ORIGIN_STEP_WEEKS * k for k in range(ORIGINS)]
    return [back for back in ago if back <= room]


def is_judged(state: DemandState) -> Flags:
    """Whether a product has enough of a past, and sold lately."""
    return (state.days >= LEAST_DAYS) & (state.quiet_days <= MOST_QUIET_DAYS)


def _pool(weeks: Weeks, state: DemandState, back: int, window: int) -> PastWindows:
    demand, censored = weeks.demand(back, window // WEEK)
    kept = is_judged(state) & (censored <= MOST_CENSORED * window) & ~np.isnan(state.velocity)
    kept &= ~np.isnan(state.burstiness)
    return PastWindows(state.velocity[kept] * window, state.burstiness[kept], demand[kept])


def _together(pools: Sequence[PastWindows]) -> PastWindows:
    return PastWindows(
        np.concatenate([pool.mu for pool in pools]),
        np.concatenate([pool.burstiness for pool in pools]),
        np.concatenate([pool.demand for pool in pools]),
    )


def _joined(states: Sequence[DemandState]) -> DemandState:
    names = DemandState.__slots__
    return DemandState(*(np.concatenate([getattr(s, name) for s in states]) for name in names))


def _cells(window: int, pool: PastWindows, levels: Sequence[float]) -> Cells:
    """Cut the pool into bins by expected units, and those into cells by burstiness."""
    ratio = pool.demand / np.maximum(pool.mu, FLOOR_UNITS)
    edges = _edges(pool.mu, most=MU_BINS, rows=MU_BIN_ROWS)
    bins = np.searchsorted(edges, pool.mu, side="right")
    burst_edges, counts, factors = [], [], []
    for number in range(len(edges) + 1):
        here = bins == number
        found = _bin(pool.burstiness[here], ratio[here], levels)
        burst_edges.append(found[0])
        counts.append(found[1])
        factors.append(found[2])
    rows = len(ratio)
    return Cells(window, rows, edges, tuple(burst_edges), tuple(counts), tuple(factors))


def _bin(burstiness: Floats, ratio: Floats, levels: Sequence[float]) -> tuple[Floats, Ints, Floats]:
    edges = _edges(burstiness, most=BURST_BINS, rows=BURST_BIN_ROWS)
    cells = np.searchsorted(edges, burstiness, side="right")
    counts = np.bincount(cells, minlength=len(edges) + 1)
    factors = [
        _quantiles(ratio[cells == cell] if count >= LEAST_CELL_ROWS else ratio, levels)
        for cell, count in enumerate(counts.tolist())
    ]
    return edges, counts, np.array(factors)


def _edges(values: Floats, *, most: int, rows: int) -> Floats:
    """Return what cuts the values into about equally many; ties stay together."""
    bins = max(1, min(most, len(values) // rows))
    return np.unique(np.quantile(values, np.arange(1, bins) / bins)) if bins > 1 else np.zeros(0)


def _quantiles(ratio: Floats, levels: Sequence[float]) -> Floats:
    return np.quantile(ratio, levels) if len(ratio) else np.ones(len(levels))
