"""What is known of a product, shared out among the places it sells from."""

import numpy as np

from finale_pipeline.domain.forecast.history import Floats, Ints


def shares(owners: Ints, units: Floats) -> Floats:
    """Return what part of its product's sales each place had; 0 where the product sold nothing.

    >>> shares(np.array([0, 0, 3]), np.array([30.0, 10.0, 0.0])).tolist()
    [0.75, 0.25, 0.0]
    """
    totals = np.bincount(owners, units)[owners] if len(owners) else units
    part: Floats = np.divide(units, totals, out=np.zeros(len(units)), where=totals > 0)
    return part


def shared_quantile_units(expected: Floats, quantile: Floats, share: Floats) -> Floats:
    """Return what demand at a place stays under, at the level of the product's quantile.

    A place that gets a share of the orders has that share of their mean and of their variance. So
    what lies between mean and quantile shrinks with the square root of the share: two halves need
    more safety than one whole.

    >>> shared_quantile_units(np.array([80.0]), np.array([120.0]), np.array([0.25])).tolist()
    [40.0]
    >>> shared_quantile_units(np.array([80.0]), np.array([120.0]), np.array([1.0])).tolist()
    [120.0]
    """
    above = quantile - expected
    units: Floats = share * expected + np.sqrt(share) * above
    return units
