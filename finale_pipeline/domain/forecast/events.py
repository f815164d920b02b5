"""What buyers know of days to come: promotions, and quantities that were announced."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finale_pipeline.domain.forecast.history import DayNumber, Floats, Ints


@dataclass(frozen=True, slots=True)
class DemandEvent:
    """Something that a buyer said of some days.

    Attributes:
        times: Demand is so many times what is expected; None = `units` says it.
        units: Units in that time, and no others.
    """

    products: Ints
    from_day: DayNumber
    until_day: DayNumber
    times: float | None = None
    units: float | None = None


def expected_with_events(
    units_per_day: Floats, days: Floats, as_of: DayNumber, events: Sequence[DemandEvent]
) -> Floats:
    """Return the units to expect from a morning on, of each product over its own span.

    Args:
        events: In the order in which they were said; each acts on what those before it made.

    Ten days at two a day; four of them bring half as much again, the last day 30 and nothing else:

    >>> promotion = DemandEvent(np.array([0]), 103, 106, times=1.5)
    >>> order = DemandEvent(np.array([0]), 109, 120, units=12 * 30.0)
    >>> expected_with_events(np.array([2.0]), np.array([10.0]), 100, [promotion, order]).tolist()
    [52.0]
    """
    expected = units_per_day * days
    if not events:
        return expected
    touched = np.unique(np.concatenate([event.products for event in events]))
    span = days[touched]
    ahead = np.arange(int(np.ceil(span.max())))
    # The share of each day that lies within the span.
    share = np.clip(span[:, None] - ahead, 0.0, 1.0)
    daily = np.repeat(np.nan_to_num(units_per_day[touched])[:, None], len(ahead), axis=1)
    for event in events:
        rows = np.searchsorted(touched, event.products)
        within = (ahead >= event.from_day - as_of) & (ahead <= event.until_day - as_of)
        columns = np.flatnonzero(within)
        if event.times is not None:
            daily[np.ix_(rows, columns)] *= event.times
        else:
            length = event.until_day - event.from_day + 1
            daily[np.ix_(rows, columns)] = (event.units or 0.0) / length
    expected = expected.copy()
    expected[touched] = (daily * share).sum(axis=1)
    return expected
