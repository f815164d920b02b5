"""What to expect of every product from a morning on: made daily, asked for any span of days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.calibration import Cells
from finale_pipeline.domain.forecast.history import Floats, Ints
from finale_pipeline.domain.forecast.quantiles import z
from finale_pipeline.domain.forecast.velocity import DemandState

PEERS, BLEND, ALONE, NORMAL = 0, 1, 2, 3
BASES = ("peers", "blend", "negative binomial", "normal")
"""What the quantiles rest on, by number."""
SLOWEST_GROWTH, FASTEST_GROWTH = 0.5, 1.0
"""Powers of the days with which quantiles grow beyond the windows: alone, and side by side."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What to expect of every product that sold.

    Attributes:
        quantiles: Units that demand stays under, product by window by level; at the
            velocity; NaN where the velocity is unknown. Rising in both.
        basis: What the quantiles rest on, an index of BASES.
        peers_weight: Share of the peers in the quantiles, 0 to 1.
        fade: What the pace of each product was multiplied by, since few young ones go on as they
            begin; 1 = nothing.
    """

    keys: pl.Series
    state: DemandState
    windows: tuple[int, ...]
    levels: tuple[float, ...]
    quantiles: Floats
    basis: Ints
    peers_weight: Floats
    fade: Floats
    cells: tuple[Cells, ...] = ()

    def expected_units(self, days: float) -> Floats:
        """Return the units to expect from the morning on for so many days, of each product."""
        return self.state.velocity * days

    def all_levels(self, days: float) -> Floats:
        """Return the units that demand of so many days stays under, product by level."""
        spans = np.full(len(self.keys), float(days))
        return over_days(self.quantiles, self.windows, spans)


def over_days(quantiles: Floats, windows: Sequence[int], days: Floats) -> Floats:
    """Return the quantiles of demand over each product's own span, product by level.

    Between two windows it is a straight line. Before the first and after the last one it grows with
    the power of the days that leads from one to the other of the nearest two, but no slower than
    the square root and no faster than the days themselves.

    Args:
        quantiles: Product by window by level, rising with the window.
        windows: Their days, ascending, two at least.
        days: Length of each product's span, above 0.

    >>> grid = np.array([[[10.0], [20.0], [28.0]]])
    >>> over_days(grid, (7, 14, 28), np.array([14.0])).round(6).tolist()
    [[20.0]]
    >>> over_days(grid, (7, 14, 28), np.array([20.0])).round(1).tolist()
    [[23.4]]
    >>> over_days(grid, (7, 14, 28), np.array([56.0])).round(1).tolist()
    [[39.6]]
    """
    grid = np.array(windows, np.float64)
    rows = np.arange(len(days))
    lower = np.clip(np.searchsorted(grid, days, side="right") - 1, 0, len(grid) - 2)
    below, above = quantiles[rows, lower], quantiles[rows, lower + 1]
    step = np.log(grid[lower + 1] / grid[lower])
    share = ((days - grid[lower]) / (grid[lower + 1] - grid[lower]))[:, None]
    inside = below + share * (above - below)
    with np.errstate(over="ignore"):  # next to nothing grows as nothing does: without end
        ratio = np.divide(above, below, out=np.full(above.shape, np.inf), where=below > 0)
    power = np.clip(np.log(ratio) / step[:, None], SLOWEST_GROWTH, FASTEST_GROWTH)
    before, after = (days < grid[0])[:, None], (days > grid[-1])[:, None]
    units: Floats = np.where(after, above * (days[:, None] / grid[-1]) ** power, inside)
    units = np.where(before, below * (days[:, None] / grid[0]) ** power, units)
    return np.maximum.accumulate(units, axis=1)


def at_level(quantiles: Floats, levels: Sequence[float], probabilities: Floats) -> Floats:
    """Return the quantile at each product's own level, interpolated on the normal scale.

    Below the first and above the last level that is known, the nearest one is used.

    >>> at_level(np.array([[10.0, 20.0]]), (0.9, 0.95), np.array([0.95])).tolist()
    [20.0]
    >>> at_level(np.array([[10.0, 20.0]]), (0.9, 0.95), np.array([0.1])).tolist()
    [10.0]
    """
    at = np.array([z(level) for level in levels])
    values, place = np.unique(probabilities, return_inverse=True)
    inside = np.clip([z(level) for level in values.tolist()], at[0], at[-1])
    spot = np.interp(inside, at, np.arange(len(levels)))[place]
    lower = np.minimum(np.floor(spot).astype(np.int64), len(levels) - 2)
    rows, share = np.arange(len(probabilities)), spot - lower
    units: Floats = (1 - share) * quantiles[rows, lower] + share * quantiles[rows, lower + 1]
    return units


def rising(quantiles: Floats) -> Floats:
    """Return quantiles that never fall with the level, nor with a longer window."""
    by_level = np.maximum.accumulate(quantiles, axis=2)
    by_window: Floats = np.maximum.accumulate(by_level, axis=1)
    return by_window
