"""Quantiles of the normal and of the negative binomial distribution, without scipy."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from finale_pipeline.domain.forecast.history import Floats

OVERDISPERSION = 1.02
"""The variance is taken to be at least so many times the mean."""
FAR = 10
"""Where counting begins, in standard deviations below the mean; nothing worth is below."""
STEPS_PER_SD = 400
"""Wider distributions are counted in bundles of units, so that no count takes longer."""
CHUNK = 64
"""Counts looked at together."""


def z(level: float) -> float:
    """Return the normal quantile.

    >>> round(z(0.95), 3)
    1.645
    """
    return NormalDist().inv_cdf(level)


def negative_binomial(
    mean: Floats, variance: Floats, levels: Sequence[float], *, least: float = OVERDISPERSION
) -> Floats:
    """Return the smallest counts that are not passed with the wanted probabilities.

    Args:
        mean: Expected units; 0 gives 0.
        variance: In units squared.
        levels: Above 0, below 1.
        least: The variance is taken as at least so many times the mean; near 1 it is a Poisson.

    Returns:
        Units, by mean and level.

    With mean 2 and variance 4, P(0), P(1), … are 1/4, 1/4, 3/16, 1/8, …: 13/16 are up to 3.

    >>> mean, variance = np.array([2.0, 0.0]), np.array([4.0, 0.0])
    >>> negative_binomial(mean, variance, (0.8, 0.82)).tolist()
    [[3.0, 4.0], [0.0, 0.0]]
    """
    variance = np.maximum(variance, least * mean)
    bundle = np.maximum(1.0, np.floor(np.sqrt(variance) / STEPS_PER_SD))
    counts = np.zeros((len(mean), len(levels)))
    some = mean > 0
    bundled = (mean / bundle)[some]
    spread = np.maximum((variance / bundle**2)[some], least * bundled)
    counts[some] = _counted(bundled, spread, np.array(levels))
    return counts * bundle[:, None]


def _counted(mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Add probabilities up, all distributions at once, until each has reached every level."""
    success = mean / variance
    size = mean * success / (1 - success)
    count = np.floor(np.maximum(0, mean - FAR * np.sqrt(variance)))
    probability = np.exp(_log_probability(count, size, success))
    reached = probability.copy()
    quantiles = np.where(reached[:, None] >= levels, count[:, None], np.nan)
    pending = np.arange(len(mean))
    steps = np.arange(CHUNK)
    while len(pending := pending[np.isnan(quantiles[pending]).any(axis=1)]):
        ahead = count[pending, None] + steps
        ratios = (ahead + size[pending, None]) / (ahead + 1) * (1 - success[pending, None])
        ahead_of = probability[pending, None] * np.cumprod(ratios, axis=1)
        sums = reached[pending, None] + np.cumsum(ahead_of, axis=1)
        for column, level in enumerate(levels):
            passed = sums >= level
            new = passed[:, -1] & np.isnan(quantiles[pending, column])
            quantiles[pending[new], column] = count[pending[new]] + 1 + passed[new].argmax(axis=1)
        probability[pending], reached[pending] = ahead_of[:, -1], sums[:, -1]
        count[pending] += CHUNK
    return quantiles


def _log_probability(count: Floats, size: Floats, success: Floats) -> Floats:
    return np.array(
        [
            math.lgamma(k + r)
            - math.lgamma(r)
            - math.lgamma(k + 1)
            + r * math.log(p)
            + k * math.log1p(-p)
            for k, r, p in zip(count.tolist(), size.tolist(), success.tolist(), strict=True)
        ]
    )
