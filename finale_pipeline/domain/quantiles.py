"""Quantiles of the normal and of the negative binomial distribution, without scipy."""

import math
from statistics import NormalDist

import numpy as np

from finale_pipeline.domain.history import Floats

OVERDISPERSION = 1.02
"""The variance is taken to be at least so many times the mean."""
FAR = 10
"""Where counting begins, in standard deviations below the mean; nothing worth is below."""
STEPS_PER_SD = 1000
"""Wider distributions are counted in bundles of units, so that no count takes longer."""


def z(level: float) -> float:
    """Return the normal quantile.

    >>> round(z(0.95), 3)
    1.645
    """
    return NormalDist().inv_cdf(level)


def negative_binomial(
    mean: Floats, variance: Floats, level: float, *, least: float = OVERDISPERSION
) -> Floats:
    """Return the smallest count that is not passed with the wanted probability.

    Args:
        mean: Expected units; 0 gives 0.
        variance: In units squared.
        level: Above 0, below 1.
        least: The variance is taken as at least so many times the mean; near 1 it is a Poisson.

    With mean 2 and variance 4, P(0), P(1), … are 1/4, 1/4, 3/16, 1/8, …: 13/16 are up to 3.

    >>> mean, variance = np.array([2.0, 0.0, 2.0]), np.array([4.0, 0.0, 0.0])
    >>> negative_binomial(mean, variance, 0.8).tolist(), negative_binomial(mean, variance, 0.82)[0]
    ([3.0, 0.0, 3.0], np.float64(4.0))
    """
    variance = np.maximum(variance, least * mean)
    bundle = np.maximum(1.0, np.floor(np.sqrt(variance) / STEPS_PER_SD))
    counts = np.zeros(len(mean))
    some = mean > 0
    counts[some] = _counted((mean / bundle)[some], (variance / bundle**2)[some], level, least)
    return counts * bundle


def _counted(mean: Floats, variance: Floats, level: float, least: float) -> Floats:
    """Add probabilities up, all distributions at once, until each has reached the level."""
    variance = np.maximum(variance, least * mean)
    success = mean / variance
    size = mean * success / (1 - success)
    count = np.floor(np.maximum(0, mean - FAR * np.sqrt(variance)))
    probability = np.exp(_log_probability(count, size, success))
    reached = probability.copy()
    found = np.zeros(len(mean))
    left = np.arange(len(mean))
    while True:
        done = reached >= level
        found[left[done]] = count[done]
        stays = ~done
        if not stays.any():
            return found
        left, count, size = left[stays], count[stays], size[stays]
        success, reached = success[stays], reached[stays]
        probability = probability[stays] * (count + size) / (count + 1) * (1 - success)
        count = count + 1
        reached = reached + probability


def _log_probability(count: Floats, size: Floats, success: Floats) -> Floats:
    return np.array(
        [
            math.lgamma(k + r) - math.lgamma(r) - math.lgamma(k + 1)
            + r * math.log(p) + k * math.log1p(-p)
            for k, r, p in zip(count.tolist(), size.tolist(), success.tolist(), strict=True)
        ]
    )  # fmt: skip
