"""Ways to forecast the demand of a window: the one in use, and those it is compared with."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from finale_pipeline.domain.forecast.calibration import LEVELS, WINDOWS
from finale_pipeline.domain.forecast.forecast import forecast
from finale_pipeline.domain.forecast.history import Floats, History
from finale_pipeline.domain.forecast.quantiles import negative_binomial, z
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    NAIVE_DAYS,
    Pace,
    Weeks,
    moments,
    thirty_days,
)

Method = Callable[[History, int, Sequence[int]], list[tuple[Floats, Floats]]]
"""History before a morning, the morning, windows → per window: mean, and product by level."""


def naive(history: History, as_of: int, windows: Sequence[int]) -> list[tuple[Floats, Floats]]:
    """The mean of the last 30 days, and nothing on top of it."""
    mean, _ = moments(history, as_of, NAIVE_DAYS)
    return [(mean * h, np.repeat((mean * h)[:, None], len(LEVELS), axis=1)) for h in windows]


def normal(history: History, as_of: int, windows: Sequence[int]) -> list[tuple[Floats, Floats]]:
    """The mean of the last 30 days, with the textbook's safety stock."""
    mean, variance = thirty_days(history, as_of)
    above = np.array([z(level) for level in LEVELS])
    return [
        (mean * h, (mean * h)[:, None] + np.sqrt(variance * h)[:, None] * above) for h in windows
    ]


def counted(*, dispersed: bool) -> Method:
    """The pace of a fortnight, with a negative binomial or, not dispersed, a Poisson on top."""

    def method(history: History, as_of: int, windows: Sequence[int]) -> list[tuple[Floats, Floats]]:
        state = Weeks(history, as_of, Pace(14, 1.0)).at(0)
        spread = state.daily_variance if dispersed else np.zeros(len(history))
        least = 1.02 if dispersed else 1.000_001
        return [
            (mean, negative_binomial(mean, spread * h, LEVELS, least=least))
            for h in windows
            for mean in (state.velocity * h,)
        ]

    return method


def peers(pace: Pace) -> Method:
    """The pace, with quantiles learnt from peers."""

    def method(history: History, as_of: int, windows: Sequence[int]) -> list[tuple[Floats, Floats]]:
        # As far as the first window that is long enough; longer ones would go unused.
        needed = int(np.searchsorted(WINDOWS, max(windows))) + 1
        grid = WINDOWS[:needed]
        made = [forecast(history, as_of, float(h), pace=pace, windows=grid) for h in windows]
        return [(found.mean, found.quantiles) for found in made]

    return method


NAIVE = "30-day mean"
NORMAL = "30-day mean + normal"
MENU: Mapping[str, Pace] = {
    "pace 80/20": DEFAULT_PACE,
    "pace 100/0": Pace(14, 1.0),
    "pace 80/20, half-life 30": Pace(30, 0.8),
    "pace 100/0, half-life 30": Pace(30, 1.0),
}
"""What the backtest of an account chooses from, the default first."""
METHODS: Mapping[str, Method] = {
    NAIVE: naive,
    NORMAL: normal,
    "Poisson": counted(dispersed=False),
    "negative binomial": counted(dispersed=True),
    **{name: peers(pace) for name, pace in MENU.items()},
}
CHOSEN_FROM = {name: METHODS[name] for name in (NAIVE, NORMAL, *MENU)}
"""What is scored to choose the method in use."""
WORTH = 0.01
"""By how much another pace must lose less than the default to be used instead."""

LOSSES = ("loss_q50", "loss_q90", "loss_q95")


def choose(scores: Sequence[Mapping[str, float | int | str]]) -> str:
    """Return the method to use: the default, a clearly better one, or the naive one.

    Args:
        scores: As `Score.as_dict` gives them, of one or several windows.

    >>> losses = {"30-day mean + normal": 0.5, "pace 80/20": 0.4, "pace 100/0": 0.39}
    >>> def scored(**changes):
    ...     return [{"method": name, "loss_q50": loss, "loss_q90": 0.0, "loss_q95": 0.0}
    ...             for name, loss in (losses | changes).items()]
    >>> choose(scored())
    'pace 100/0'
    >>> choose(scored(**{"pace 100/0": 0.399}))
    'pace 80/20'
    >>> choose(scored(**{"30-day mean + normal": 0.3}))
    '30-day mean + normal'
    """
    lost: dict[str, float] = {}
    for score in scores:
        name = str(score["method"])
        lost[name] = lost.get(name, 0.0) + sum(float(score[loss]) for loss in LOSSES)
    default = next(iter(MENU))
    best = min((name for name in MENU if name in lost), key=lambda name: lost[name])
    if lost[best] > (1 - WORTH) * lost[default]:
        best = default
    return NORMAL if NORMAL in lost and lost[NORMAL] < lost[best] else best
