"""Ways to forecast the demand of a window: the one in use, and those it is compared with."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from finale_pipeline.domain.calibration import LEVELS, WINDOWS
from finale_pipeline.domain.forecast import forecast
from finale_pipeline.domain.history import Floats, History
from finale_pipeline.domain.quantiles import negative_binomial, z
from finale_pipeline.domain.velocity import NAIVE_DAYS, Pace, Weeks, moments, thirty_days

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
            (
                state.velocity * h,
                np.column_stack(
                    [
                        negative_binomial(state.velocity * h, spread * h, level, least=least)
                        for level in LEVELS
                    ]
                ),
            )
            for h in windows
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
METHODS: Mapping[str, Method] = {
    NAIVE: naive,
    "30-day mean + normal": normal,
    "Poisson": counted(dispersed=False),
    "negative binomial": counted(dispersed=True),
    "pace 80/20": peers(Pace(14, 0.8)),
    "pace 100/0": peers(Pace(14, 1.0)),
    "pace 80/20, half-life 30": peers(Pace(30, 0.8)),
    "pace 100/0, half-life 30": peers(Pace(30, 1.0)),
}
