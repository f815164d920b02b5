"""Ways to forecast the demand of a window: the one in use, and those it is compared with."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from finale_pipeline.domain.forecast.calibration import WINDOWS, Learnt, calibrate
from finale_pipeline.domain.forecast.classes import ALL
from finale_pipeline.domain.forecast.forecast import forecast_by, state_on
from finale_pipeline.domain.forecast.history import DayNumber, Floats, History
from finale_pipeline.domain.forecast.quantiles import negative_binomial, z
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    DemandState,
    Pace,
    Weeks,
    thirty_days,
)

SCORED_LEVELS = (0.5, 0.9, 0.95)
"""Of the quantiles that are judged."""

Method = Callable[[History, int, Sequence[int]], list[tuple[Floats, Floats]]]
"""History before a morning, the morning, windows → per window: mean, and product by level."""


def by_moments(
    of_day: Callable[[History, int], tuple[Floats, Floats]],
    quantiles: Callable[[Floats, Floats], Floats],
) -> Method:
    """Return the method that takes every day of a window for alike.

    Args:
        of_day: History before a morning, the morning → mean and variance of a day's demand.
        quantiles: Mean and variance over a window → units, product by level.
    """

    def method(
        history: History, as_of: DayNumber, windows: Sequence[int]
    ) -> list[tuple[Floats, Floats]]:
        mean, variance = of_day(history, as_of)
        return [(mean * h, quantiles(mean * h, variance * h)) for h in windows]

    return method


def fortnight(history: History, as_of: DayNumber) -> tuple[Floats, Floats]:
    """Return the pace of a half-life of 14 days and the variance of the last 182."""
    state = Weeks(history, as_of, Pace(14, 1.0)).at(0)
    return state.velocity, state.daily_variance


class Peers:
    """The pace, with quantiles learnt from peers; paces of one morning share what was learnt."""

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = levels
        self._of_morning: tuple[History, int, Sequence[int]] | None = None
        self._learnt: tuple[DemandState, Learnt] | None = None

    def method(self, pace: Pace) -> Method:
        """Return the method that weighs days by a pace."""

        def method(
            history: History, as_of: DayNumber, windows: Sequence[int]
        ) -> list[tuple[Floats, Floats]]:
            # As far as the first window that is long enough; longer ones would go unused.
            grid = WINDOWS[: max(2, int(np.searchsorted(WINDOWS, max(windows))) + 1)]
            state, learnt = self._of(history, as_of, grid)
            demand = forecast_by(history, state, learnt, pace, grid)
            return [(demand.expected_units(h), demand.all_levels(h)) for h in windows]

        return method

    def _of(
        self, history: History, as_of: DayNumber, grid: Sequence[int]
    ) -> tuple[DemandState, Learnt]:
        last = self._of_morning
        is_cached = last is not None and last[0] is history and last[1:] == (as_of, grid)
        if self._learnt is None or not is_cached:
            self._of_morning = (history, as_of, grid)
            self._learnt = (
                state_on(history, as_of, DEFAULT_PACE),
                calibrate(history, as_of, levels=self._levels, windows=grid),
            )
        return self._learnt


NAIVE = "30-day mean"
NORMAL = "30-day mean + normal"
MENU: Mapping[str, Pace] = {
    "pace 80/20": DEFAULT_PACE,
    "pace 100/0": Pace(14, 1.0),
    "pace 100/0, half-life 10": Pace(10, 1.0),
    "pace 100/0, half-life 7": Pace(7, 1.0),
    "pace 80/20, half-life 30": Pace(30, 0.8),
    "pace 100/0, half-life 30": Pace(30, 1.0),
}
"""What the backtest of an account chooses from, the default first."""


def methods(levels: Sequence[float] = SCORED_LEVELS) -> Mapping[str, Method]:
    """Return every method by name; those of one call share what they learn of a morning."""
    peers = Peers(levels)
    above = np.array([z(level) for level in levels])

    def mean_alone(mean: Floats, _variance: Floats) -> Floats:
        return np.repeat(mean[:, None], len(levels), axis=1)

    def with_safety(mean: Floats, variance: Floats) -> Floats:
        units: Floats = mean[:, None] + np.sqrt(variance)[:, None] * above
        return units

    def poisson(mean: Floats, variance: Floats) -> Floats:
        return negative_binomial(mean, 0 * variance, levels, least=1.000_001)

    def dispersed(mean: Floats, variance: Floats) -> Floats:
        return negative_binomial(mean, variance, levels)

    return {
        NAIVE: by_moments(thirty_days, mean_alone),
        NORMAL: by_moments(thirty_days, with_safety),
        "Poisson": by_moments(fortnight, poisson),
        "negative binomial": by_moments(fortnight, dispersed),
        **{name: peers.method(pace) for name, pace in MENU.items()},
    }


CHOSEN_FROM = (NAIVE, NORMAL, *MENU)
"""What is scored to choose the method in use."""
WORTH = 0.02
"""By how much another method must lose less than the one in use to take its place."""
WEEKS_TO_CHANGE = 3
"""For so many weeks in a row."""

Scores = Sequence[Mapping[str, float | int | str]]


def losses(scores: Scores) -> dict[str, float]:
    """Return what each method lost: its quantiles' losses and its bias, over all windows.

    The bias counts because the mean carries the reorder point: who forecasts too low loses less at
    the median, and runs out.

    Args:
        scores: As `Score.as_dict` gives them, of one or several windows; those of all products
            count.
    """
    lost: dict[str, float] = {}
    for score in scores:
        if score.get("segment", ALL) != ALL:
            continue
        name = str(score["method"])
        of_window = sum(float(score[f"loss_{level}"]) for level in ("q50", "q90", "q95"))
        lost[name] = lost.get(name, 0.0) + of_window + abs(float(score["bias"]))
    return lost


def choose(weeks: Sequence[Mapping[str, float]], in_use: str | None = None) -> str:
    """Return the method to use.

    Without one in use, the one that lost least in the newest week, or the default where that is
    not clearly better. With one in use, that one, unless another was clearly better in each of the
    last three weeks: a method that comes and goes moves every number of the plan.

    Args:
        weeks: Losses by method, the newest week last.

    >>> week = {"30-day mean + normal": 0.5, "pace 80/20": 0.4, "pace 100/0": 0.39}
    >>> choose([week]), choose([week | {"pace 100/0": 0.399}])
    ('pace 100/0', 'pace 80/20')
    >>> choose([week, week], "pace 80/20"), choose([week, week, week], "pace 80/20")
    ('pace 80/20', 'pace 100/0')
    """
    is_new = in_use is None or in_use not in weeks[-1]
    current = next(iter(MENU)) if in_use is None or is_new else in_use
    recent = weeks[-1:] if is_new else weeks[-WEEKS_TO_CHANGE:]
    if not is_new and len(recent) < WEEKS_TO_CHANGE:
        return current
    better = [
        name
        for name in (NORMAL, *MENU)
        if all(
            name in week and current in week and week[name] < (1 - WORTH) * week[current]
            for week in recent
        )
    ]
    return min(better, key=lambda name: weeks[-1][name], default=current)
