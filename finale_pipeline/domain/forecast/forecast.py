"""The forecast: pace, and quantiles of demand over the time an order must cover.

*"For products that sell about this fast and about this unevenly, this is what the next days really
brought on past dates; 95 in 100 stayed under it."*
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.calibration import (
    CONFIDENT_ROWS,
    FLOOR_UNITS,
    LEVELS,
    MOST_QUIET_DAYS,
    WINDOWS,
    Cells,
    calibrate,
)
from finale_pipeline.domain.forecast.history import Floats, History, Ints
from finale_pipeline.domain.forecast.quantiles import negative_binomial, z
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    DemandState,
    Pace,
    Weeks,
    thirty_days,
)

PEERS, BLEND, ALONE, NORMAL = 0, 1, 2, 3
BASES = ("peers", "blend", "negative binomial", "normal")
"""What the quantiles rest on, by number."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect of every product that sold.

    Attributes:
        keys: Of the products.
        levels: Of the quantiles, ascending.
        state: Velocity and what else is known of each product.
        days: The time each forecast is for.
        mean: Units to expect in that time; NaN where the velocity is unknown.
        quantiles: Units, product by level.
        basis: What the quantiles rest on, an index of BASES.
        peers_weight: Share of the peers in the quantiles, 0 to 1.
        cells: What was learnt from peers.
    """

    keys: pl.Series
    levels: tuple[float, ...]
    state: DemandState
    days: Floats
    mean: Floats
    quantiles: Floats
    basis: Ints
    peers_weight: Floats
    cells: tuple[Cells, ...]

    def quantile(self, level: float) -> Floats:
        """Return the units that demand stays under with this probability."""
        return self.quantiles[:, self.levels.index(level)]


def forecast(
    history: History,
    as_of: int,
    days: Floats | float,
    *,
    pace: Pace = DEFAULT_PACE,
    levels: Sequence[float] = LEVELS,
    windows: Sequence[int] = WINDOWS,
) -> Forecast:
    """Forecast the demand of every product over a time that begins on a morning.

    Args:
        history: What lies on or after the morning changes nothing.
        as_of: The morning, a day number.
        days: Length of the time, the same for all or one for each product that sold before.
        pace: How days are weighed.
        levels: Of the quantiles.
        windows: Days of the windows to learn from.
    """
    known = history.before(as_of)
    levels = tuple(sorted(set(levels)))
    cells, state = calibrate(known, as_of, pace=pace, levels=levels, windows=windows)
    state = without_dormant(state)
    spans = np.broadcast_to(np.asarray(days, np.float64), (len(known),))
    mean = state.velocity * spans
    quantiles, weight = quantiles_of(state, spans, cells=cells, levels=levels)
    basis = np.where(weight >= 1, PEERS, np.where(weight > 0, BLEND, ALONE))
    return Forecast(known.keys, levels, state, spans, mean, quantiles, basis, weight, cells)


def naive_forecast(
    history: History, as_of: int, days: Floats | float, *, levels: Sequence[float] = LEVELS
) -> Forecast:
    """Forecast by the mean of the last 30 days and the textbook's safety stock.

    What is fallen back on where the pace was no better on an account's own past; arguments as of
    `forecast`.
    """
    known = history.before(as_of)
    levels = tuple(sorted(set(levels)))
    mean, spread = thirty_days(known, as_of)
    seen = Weeks(known, as_of, DEFAULT_PACE).at(0)
    state = without_dormant(replace(seen, velocity=np.where(seen.counted_days > 0, mean, np.nan)))
    spans = np.broadcast_to(np.asarray(days, np.float64), (len(known),))
    expected = state.velocity * spans
    above = np.array([z(level) for level in levels])
    quantiles = expected[:, None] + np.sqrt(spread * spans)[:, None] * above
    quantiles[expected == 0] = 0.0
    basis = np.full(len(known), NORMAL)
    nothing = np.zeros(len(known))
    return Forecast(known.keys, levels, state, spans, expected, quantiles, basis, nothing, ())


def without_dormant(state: DemandState) -> DemandState:
    """Return the state with no velocity for products that sold nothing for half a year in stock.

    What is left of their pace has no end, only ever smaller numbers; and no peer was like them.
    """
    dormant = (state.quiet_days > MOST_QUIET_DAYS) & ~np.isnan(state.velocity)
    return replace(state, velocity=np.where(dormant, 0.0, state.velocity))


def quantiles_of(
    state: DemandState, days: Floats, *, cells: Sequence[Cells], levels: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return the quantiles of demand, product by level, and the share of the peers in each.

    Args:
        state: What is known of each product.
        days: Of each product's time.
        cells: Of each window that has a past, the shortest first.
        levels: Those the cells have.
    """
    mean = state.velocity * days
    factors, rows = _factors(state, days, cells, len(levels))
    weight = np.minimum(1.0, rows / CONFIDENT_ROWS)
    found = factors * np.maximum(mean, FLOOR_UNITS)[:, None]
    unsure = (weight < 1) & (mean > 0)
    if unsure.any():
        variance = (days * state.daily_variance)[unsure]
        share = weight[unsure, None]
        alone = negative_binomial(mean[unsure], variance, levels)
        found[unsure] = share * found[unsure] + (1 - share) * alone
    found[mean == 0] = 0.0
    return found, weight


def _factors(
    state: DemandState, days: Floats, cells: Sequence[Cells], levels: int
) -> tuple[Floats, Floats]:
    """Return the factors, linear in the logarithm of the days between two windows; and the rows."""
    factors, rows = np.zeros((len(days), levels)), np.zeros(len(days))
    if not cells:
        return factors, rows
    windows = np.array([found.window_days for found in cells], np.float64)
    place = np.interp(np.log(days), np.log(windows), np.arange(len(windows)))
    lower = np.floor(place).astype(np.int64)
    above = place - lower
    rows += min(found.rows for found in cells)
    burstiness = np.nan_to_num(state.burstiness)
    for number, found in enumerate(cells):
        share = np.where(lower == number, 1 - above, 0.0)
        share += np.where(lower + 1 == number, above, 0.0)
        used = np.flatnonzero(share)
        expected = state.velocity[used] * found.window_days
        bins, places = found.find(expected, burstiness[used])
        factors[used] += share[used, None] * found.factor(bins, places)
    return factors, rows
