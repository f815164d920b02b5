"""Quantiles by regression: how what is known of a product moved what it went on to sell.

The regression is linear in logarithms, so that a fast mover and a slow one share its coefficients.
Its own prediction then sorts the past windows into groups, and each group's true quantile of demand
over prediction corrects it: what is left of a bend that a straight line cannot follow.

Source: Koenker and Bassett, *Regression Quantiles*, Econometrica 46 (1978); the check loss is
minimised by iteratively reweighted least squares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import Floats
from finale_pipeline.domain.forecast.velocity import HALF_LIVES, MEANS, DemandState

HALF_UNIT = 0.5
"""Added before a logarithm is taken: demand may be nothing."""
FLOOR_UNITS = 0.25
"""Expected demand is taken as at least so much, or the ratios of the slowest would be anything."""
FITTED_LEVELS = (0.5, 0.9, 0.95)
"""Levels with a regression of their own; another level corrects that of its neighbour."""
MOST_ROWS = 15_000
"""Past windows that coefficients are fitted to, evenly spread; the correction uses all."""
STEPS, LEAST_RESIDUAL, SETTLED = 30, 1e-3, 1e-3
RIDGE = 1e-9
GROUPS, GROUP_ROWS = 12, 300
MOST_QUIET_DAYS = 181
USED_MEANS = [(*HALF_LIVES, *MEANS).index(days) for days in (14.0, 7.0, 30.0, 60.0, *MEANS)]
"""Columns of the means that are looked at; the others are compared to the first of them."""


@dataclass(frozen=True, slots=True)
class LevelFit:
    """What was learnt for one level of one window.

    Attributes:
        edges: Lower ends of the groups by predicted units, without the first.
        factors: Of each group: what to multiply its prediction by.
    """

    coefficients: Floats
    edges: Floats
    factors: Floats


@dataclass(frozen=True, slots=True)
class Regression:
    """The regressions of one window.

    Attributes:
        centre: Mean of each feature in the past windows.
        scale: Standard deviation of each.
    """

    window_days: int
    centre: Floats
    scale: Floats
    levels: tuple[LevelFit, ...]

    def quantiles(self, state: DemandState) -> Floats:
        """Return the units that demand stays under, product by level."""
        x = _standardised(features(state, self.window_days), self.centre, self.scale)
        columns = []
        for fit in self.levels:
            predicted = _units(x @ fit.coefficients)
            group = np.searchsorted(fit.edges, predicted, side="right")
            columns.append(fit.factors[group] * np.maximum(predicted, FLOOR_UNITS))
        return np.stack(columns, axis=1)


def features(state: DemandState, window_days: int) -> Floats:
    """Return what the regression looks at, product by feature; the first one is 1."""
    used = state.means[:, USED_MEANS]
    means = np.where(np.isnan(used), used[:, :1], used)
    logs = np.log(means * window_days + HALF_UNIT)
    level = logs[:, 0]
    others = logs[:, 1:] - level[:, None]
    return np.column_stack(
        [
            np.ones(len(level)),
            level,
            (level - 2) ** 2 / 10,
            others,
            np.log(np.nan_to_num(state.burstiness) + HALF_UNIT),
            np.log(np.clip(state.quiet_days, 1, MOST_QUIET_DAYS)),
            np.sqrt(np.nan_to_num(state.sale_share)),
            np.log(np.nan_to_num(state.units_per_sale) + HALF_UNIT),
        ]
    )


def fit(
    state: DemandState, demand: Floats, window_days: int, levels: Sequence[float]
) -> Regression:
    """Learn from past windows.

    Args:
        state: What was known at the beginning of each window; of known velocity.
    """
    raw = features(state, window_days)
    centre, scale = raw.mean(axis=0), raw.std(axis=0)
    centre[0], scale[0] = 0.0, 1.0
    scale[scale == 0] = 1.0
    x = _standardised(raw, centre, scale)
    y = np.log(demand + HALF_UNIT)
    some = np.linspace(0, len(y) - 1, min(len(y), MOST_ROWS)).astype(np.int64)
    start = _least_squares(x[some], x[some], y[some])
    fitted: dict[float, Floats] = {}
    fits = []
    for level in levels:
        nearest = min(FITTED_LEVELS, key=lambda own: abs(own - level))
        if nearest not in fitted:
            fitted[nearest] = start = _least_check_loss(x[some], y[some], nearest, start)
        fits.append(_corrected(fitted[nearest], x, demand, level))
    return Regression(window_days, centre, scale, tuple(fits))


def _standardised(x: Floats, centre: Floats, scale: Floats) -> Floats:
    standardised: Floats = (x - centre) / scale
    return standardised


def _units(logs: Floats) -> Floats:
    units: Floats = np.exp(logs) - HALF_UNIT
    return units


def _least_check_loss(x: Floats, y: Floats, level: float, start: Floats) -> Floats:
    """Return the coefficients that lose least at a level, by reweighted least squares."""
    pull = (2 * level - 1) * x.sum(axis=0)
    coefficients = start
    for _ in range(STEPS):
        weights = 1 / np.maximum(np.abs(y - x @ coefficients), LEAST_RESIDUAL)
        before = coefficients
        coefficients = _least_squares(x * weights[:, None], x, y, pull)
        if np.abs(coefficients - before).max() < SETTLED:
            break
    return coefficients


def _least_squares(weighted: Floats, x: Floats, y: Floats, pull: Floats | float = 0.0) -> Floats:
    """Return the coefficients of least squares; features that say the same share theirs."""
    ridge = RIDGE * np.abs(weighted).sum() / x.shape[1] * np.eye(x.shape[1])
    solution: Floats = np.linalg.solve(weighted.T @ x + ridge, weighted.T @ y + pull)
    return solution


def _corrected(coefficients: Floats, x: Floats, demand: Floats, level: float) -> LevelFit:
    predicted = _units(x @ coefficients)
    edges = equal_counts(predicted, most=GROUPS, rows=GROUP_ROWS)
    group = np.searchsorted(edges, predicted, side="right")
    ratio = demand / np.maximum(predicted, FLOOR_UNITS)
    factors = [float(np.quantile(ratio[group == n], level)) for n in range(len(edges) + 1)]
    return LevelFit(coefficients, edges, np.array(factors))


def equal_counts(values: Floats, *, most: int, rows: int) -> Floats:
    """Return what cuts the values into about equally many; ties stay together."""
    bins = max(1, min(most, len(values) // rows))
    if bins == 1:
        return np.zeros(0)
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    # What is smallest is in the first bin: an edge at it would leave that bin empty.
    above: Floats = edges[edges > values.min()]
    return above
