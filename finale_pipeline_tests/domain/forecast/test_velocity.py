"""The fast form of the pace gives what its reference gives, whatever was censored."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.forecast.history import History, day_number, history
from finale_pipeline.domain.forecast.methods import MENU
from finale_pipeline.domain.forecast.velocity import (
    DEFAULT_PACE,
    LAUNCH_DAYS,
    MEAN_DAYS,
    Pace,
    Weeks,
)

AS_OF = date(2026, 3, 9)
MORNING = day_number(AS_OF)


def made(days: list[float], *, censored: set[int] | None = None, key: str = "a") -> History:
    """A history of one product that was first available so many days before the morning."""
    first = AS_OF - timedelta(days=len(days))
    on = [first + timedelta(days=n) for n in range(len(days))]
    spans = [(key, on[n], on[n] + timedelta(days=1)) for n in sorted(censored or ())]
    return history(
        pl.DataFrame({"product_url": key, "sold_on": on, "units": days}),
        first_on=pl.DataFrame({"product_url": [key], "first_on": [first]}),
        censored=pl.DataFrame(
            spans,
            schema={"product_url": pl.String, "from_on": pl.Date, "until_on": pl.Date},
            orient="row",
        ),
    )


def velocity_units_per_day(
    daily_units: Sequence[float],
    *,
    censored: Collection[int] = (),
    pace: Pace = DEFAULT_PACE,
) -> float | None:
    """Return the demand to expect per day while in stock.

    Args:
        daily_units: Sold each day since the product was first available, yesterday last.
        censored: Positions of days that began with no stock and had no receipt; they count
            neither as days nor with what they sold.
        pace: How days are weighed.

    Returns:
        Units per day; None when every day is censored, or there is none.

    One unit a day, then nothing for a fortnight: half the weight is gone, and the half-year's mean
    is one in two.

    >>> round(velocity_units_per_day([1.0] * 14 + [0.0] * 14, pace=Pace(14, 1.0)), 4)
    0.3333
    >>> round(velocity_units_per_day([1.0] * 14 + [0.0] * 14), 4)
    0.3667

    Days out of stock are no days without demand:

    >>> velocity_units_per_day([2.0] * 6 + [0.0, 0.0], censored={6, 7})
    2.0
    >>> velocity_units_per_day([0.0, 0.0], censored={0, 1}) is None
    True
    """
    counted = [n for n in range(len(daily_units)) if n not in censored]
    if not counted:
        return None
    weights: list[float] = [
        float(0.5 ** ((len(daily_units) - 1 - n) / pace.half_life_days)) for n in counted
    ]
    # A product of less than a week: the days before its launch sold nothing.
    missing = range(len(daily_units), LAUNCH_DAYS)
    total = sum(weights) + sum(float(0.5 ** (age / pace.half_life_days)) for age in missing)
    weighted = sum(w * daily_units[n] for w, n in zip(weights, counted, strict=True)) / total
    recent = [daily_units[n] for n in counted if len(daily_units) - n <= MEAN_DAYS]
    if not recent:
        return weighted
    plain = sum(recent) / (len(recent) + len(missing))
    return pace.weight * weighted + (1 - pace.weight) * plain


daily = st.lists(st.sampled_from([0.0, 0.0, 1.0, 3.0, 12.5]), min_size=1, max_size=420)


@given(days=daily, out=st.sets(st.integers(0, 419)), pace=st.sampled_from(list(MENU.values())))
def test_the_fast_form_is_the_reference(days: list[float], out: set[int], pace: Pace) -> None:
    days[0] = 2.0  # only what sold once has a history
    # A day with a sale is observed, whatever was in stock when it began.
    censored = {n for n in out if n < len(days) and not days[n]}
    state = Weeks(made(days, censored=censored), MORNING, pace).at(0)
    expected = velocity_units_per_day(days, censored=censored, pace=pace)

    if expected is None:
        assert np.isnan(state.velocity[0])
    else:
        assert state.velocity[0] == pytest.approx(expected, rel=1e-9)
    assert state.counted_days[0] == len(days) - len(censored)
    counted = [units for n, units in enumerate(days) if n not in censored][-364:]
    counted += [0.0] * (LAUNCH_DAYS - len(days))
    if len(days) <= 364 and sum(counted) > 0:
        variance_over_mean = np.var(counted) / np.mean(counted)
        assert state.burstiness[0] == pytest.approx(variance_over_mean, abs=1e-9)


@pytest.mark.parametrize("weeks_back", [0, 1, 7, 30])
def test_an_earlier_morning_is_seen_as_it_was_then(weeks_back: int) -> None:
    """Calibration looks back from one reading; it must not see what came after."""
    days = [float(n % 5) for n in range(1, 300)]
    then = MORNING - 7 * weeks_back
    whole = made(days, censored={250, 251})

    seen = Weeks(whole, MORNING, DEFAULT_PACE).at(weeks_back)
    lived = Weeks(whole.before(then), then, DEFAULT_PACE).at(0)

    for name in ("velocity", "burstiness", "daily_variance", "quiet_days", "days"):
        assert getattr(seen, name) == pytest.approx(getattr(lived, name), rel=1e-12), name


def test_out_of_stock_for_half_a_year_keeps_the_last_known_velocity() -> None:
    days = [4.0] * 40 + [0.0] * 200
    state = Weeks(made(days, censored=set(range(40, 240))), MORNING, DEFAULT_PACE).at(0)

    assert state.velocity[0] == pytest.approx(4.0)
    assert state.is_last_known.tolist() == [True]


def test_what_sold_though_it_was_never_in_stock_has_a_velocity() -> None:
    days = [1.0] + [0.0] * 8
    state = Weeks(made(days, censored=set(range(9))), MORNING, DEFAULT_PACE).at(0)

    assert state.velocity[0] == pytest.approx(1.0)
    assert state.counted_days[0] == 1


def test_a_new_product_is_divided_by_its_own_days() -> None:
    state = Weeks(made([3.0] * 10), MORNING, DEFAULT_PACE).at(0)

    assert state.velocity[0] == pytest.approx(3.0)
    assert state.days[0] == 10


def test_sales_add_up_and_returns_are_no_demand() -> None:
    rows = pl.DataFrame(
        {
            "product_url": ["b", "a", "a", "a", "c"],
            "sold_on": [AS_OF, AS_OF, AS_OF, AS_OF - timedelta(days=1), AS_OF],
            "units": [1.0, 2.0, 0.5, 4.0, -3.0],
        }
    )
    found = history(rows)

    assert found.keys.to_list() == ["a", "b"]
    assert found.units.tolist() == [4.0, 2.5, 1.0]
    assert found.before(MORNING).keys.to_list() == ["a"]
    assert found.before(MORNING, since=MORNING).keys.to_list() == []
    assert list(found.before(MORNING - 5).blocks()) == [(0, 0)]


def test_a_part_of_the_products_is_spread_over_all() -> None:
    rows = pl.DataFrame(
        {
            "product_url": [f"p{n:02}" for n in range(10)],
            "sold_on": [AS_OF - timedelta(days=n + 1) for n in range(10)],
            "units": [1.0 + n for n in range(10)],
        }
    )
    whole = history(rows)

    assert whole.thinned(10) is whole
    assert whole.thinned(4).keys.to_list() == ["p00", "p03", "p06", "p09"]
    assert whole.thinned(4).units.tolist() == [1, 4, 7, 10]
    with pytest.raises(ValueError, match="no 9 weeks"):
        Weeks(whole, MORNING, DEFAULT_PACE).at(9)
