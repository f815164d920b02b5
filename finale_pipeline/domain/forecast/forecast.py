"""The forecast: pace, and quantiles of demand over the time an order must cover.

*"For products that sell about this fast and about this unevenly, this is what the next days really
brought on past dates; 95 in 100 stayed under it."*
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from finale_pipeline.domain.forecast.calibration import (
    CONFIDENT_ROWS,
    LEAST_DAYS,
    LEVELS,
    MOST_QUIET_DAYS,
    WINDOWS,
    Learnt,
    WindowModel,
    age_group,
    calibrate,
    fade_of,
    usual_widening,
)
from finale_pipeline.domain.forecast.demand import ALONE, BLEND, NORMAL, PEERS, Demand, rising
from finale_pipeline.domain.forecast.history import DayNumber, Floats, History
from finale_pipeline.domain.forecast.quantiles import negative_binomial, z
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    DemandState,
    Pace,
    Weeks,
    joined,
    thirty_days,
)


def forecast(
    history: History,
    as_of: DayNumber,
    *,
    pace: Pace = DEFAULT_PACE,
    windows: Sequence[int] = WINDOWS,
) -> Demand:
    """Forecast the demand of every product from a morning on.

    Args:
        history: What lies on or after the morning changes nothing.
    """
    past = history.before(as_of)
    learnt = calibrate(past, as_of, windows=windows)
    return forecast_by(past, state_on(past, as_of, pace), learnt, pace, windows)


def forecast_by(
    history: History,
    state: DemandState,
    learnt: Learnt,
    pace: Pace,
    windows: Sequence[int] = WINDOWS,
) -> Demand:
    """Forecast by what is known and was learnt; once for every pace that is compared.

    Args:
        history: Of the days before the morning, and no others.
    """
    models, levels = learnt.models(pace), learnt.levels
    state = without_dormant(state.paced(pace))
    quantiles, weight = _quantiles(state, models, levels=levels, windows=windows)
    fade = fade_of(models, state.days)
    state = replace(state, velocity=state.velocity * fade)
    basis = np.where(weight >= 1, PEERS, np.where(weight > 0, BLEND, ALONE))
    cells = tuple(model.cells for model in models)
    learnt_from = (basis, weight, fade, cells)
    return Demand(history.keys, state, tuple(windows), levels, quantiles, *learnt_from)


def naive_forecast(history: History, as_of: DayNumber) -> Demand:
    """Forecast by the mean of the last 30 days and the textbook's safety stock.

    What is fallen back on where the pace was no better on an account's own past; arguments as of
    `forecast`.
    """
    past = history.before(as_of)
    mean, spread = thirty_days(past, as_of)
    seen = state_on(past, as_of, DEFAULT_PACE)
    state = without_dormant(replace(seen, velocity=np.where(seen.counted_days > 0, mean, np.nan)))
    days = np.array(WINDOWS, np.float64)
    expected = state.velocity[:, None] * days
    above = np.array([z(level) for level in LEVELS])
    deviation = np.sqrt(spread[:, None] * days)
    quantiles = expected[:, :, None] + deviation[:, :, None] * above
    quantiles[expected == 0] = 0.0
    count = len(past)
    rest = (np.full(count, NORMAL), np.zeros(count), np.ones(count))
    return Demand(past.keys, state, WINDOWS, LEVELS, rising(quantiles), *rest)


def state_on(history: History, as_of: DayNumber, pace: Pace) -> DemandState:
    """Return what is known of every product on a morning."""
    return joined([Weeks(history, as_of, pace, part).at(0) for part in history.blocks()])


def without_dormant(state: DemandState) -> DemandState:
    """Return the state with no velocity for products that sold nothing for half a year in stock.

    What is left of their pace has no end, only ever smaller numbers; and no peer was like them.
    """
    dormant = (state.quiet_days > MOST_QUIET_DAYS) & ~np.isnan(state.velocity)
    return replace(state, velocity=np.where(dormant, 0.0, state.velocity))


def _quantiles(
    state: DemandState,
    models: Sequence[WindowModel],
    *,
    levels: Sequence[float],
    windows: Sequence[int],
) -> tuple[Floats, Floats]:
    """Return the quantiles, product by window by level, and the share of the peers in each."""
    by_window = {model.cells.window_days: model for model in models}
    rows = min((model.rows for model in models), default=0)
    share = min(1.0, rows / CONFIDENT_ROWS) if len(by_window) == len(windows) else 0.0
    quantiles = np.zeros((len(state.velocity), len(windows), len(levels)))
    selling = np.flatnonzero(state.velocity > 0)
    some = state.select(selling)
    new = np.flatnonzero(some.days < LEAST_DAYS)
    for place, window in enumerate(windows):
        model = by_window.get(window)
        units = np.zeros((len(selling), len(levels)))
        if share > 0 and model is not None:
            units = share * model.quantiles(some)
        if share < 1:
            alone = negative_binomial(some.velocity * window, some.daily_variance * window, levels)
            units = units + (1 - share) * alone
        widening = usual_widening(levels) if model is None else model.widening
        units[new] *= widening[age_group(some.days[new])]
        quantiles[selling, place] = units
    quantiles[np.isnan(state.velocity)] = np.nan
    return rising(quantiles), np.full(len(state.velocity), share)
