"""What a forecast may depend on, what it must not, and how sure it is."""

import os
import subprocess
import sys
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finale_pipeline.domain.forecast.backtest import demand_in
from finale_pipeline.domain.forecast.calibration import LEVELS, WINDOWS, calibrate
from finale_pipeline.domain.forecast.demand import (
    ALONE,
    BLEND,
    PEERS,
    Demand,
    at_level,
    over_days,
    rising,
)
from finale_pipeline.domain.forecast.forecast import forecast
from finale_pipeline.domain.forecast.history import Floats, History, day_number, history
from finale_pipeline.domain.forecast.quantiles import negative_binomial
from finale_pipeline_tests.domain.forecast.demand import retail

AS_OF = date(2026, 3, 9)
MORNING = day_number(AS_OF)
SCHEMA: dict[str, type[pl.DataType]] = {
    "product_url": pl.String, "sold_on": pl.Date, "units": pl.Float64,
}  # fmt: skip


def some_sales(products: int, days: int = 400, seed: int = 5) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        (f"/p{n:03}", AS_OF - timedelta(days=int(age)), float(units))
        for n in range(products)
        for age, units in zip(
            random.choice(np.arange(1, days), size=days // 4, replace=False),
            1 + random.negative_binomial(1, 0.3, size=days // 4),
            strict=True,
        )
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def as_bytes(made: Demand) -> bytes:
    parts = [made.quantiles, made.basis, made.peers_weight]
    parts += [getattr(made.state, field.name) for field in fields(made.state)]
    return b"".join(part.tobytes() for part in parts)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_change_a_byte(seed: int) -> None:
    sales = some_sales(25)
    sales = pl.concat([sales, sales.head(40).with_columns(units=pl.lit(0.1))])
    mixed = sales.sample(fraction=1.0, shuffle=True, seed=seed)

    made = forecast(history(mixed), MORNING)

    assert as_bytes(made) == as_bytes(forecast(history(sales), MORNING))
    assert made.keys.to_list() == sorted(set(sales["product_url"]))


def test_what_lies_on_or_after_the_morning_changes_nothing() -> None:
    sales = some_sales(25)
    later = sales.with_columns(sold_on=AS_OF + pl.duration(days=pl.int_range(pl.len()) % 50))
    news = pl.DataFrame([("/new", AS_OF, 99.0)], schema=SCHEMA, orient="row")

    made = forecast(history(pl.concat([sales, later, news])), MORNING)

    assert as_bytes(made) == as_bytes(forecast(history(sales), MORNING))


def shrunk(whole: History, share: float) -> History:
    """The first products of a history."""
    count = int(len(whole) * share)
    rows = pl.DataFrame(
        {
            "product_url": whole.keys.gather(whole.sold.owners()),
            "sold_on": pl.Series(whole.sold.days).cast(pl.Date),
            "units": whole.units,
        }
    )
    return history(rows.filter(pl.col("product_url").is_in(whole.keys.head(count).implode())))


def test_small_catalogues_blend_and_a_first_month_has_no_peers() -> None:
    whole = retail()
    morning = day_number(date(2011, 6, 20))
    large = forecast(whole, morning)
    small = forecast(shrunk(whole, 0.05), morning)
    first = forecast(whole, day_number(date(2009, 12, 31)))

    assert set(large.basis.tolist()) == {PEERS}
    assert set(small.basis.tolist()) == {BLEND}
    assert 0 < small.peers_weight[0] < 1
    assert set(first.basis.tolist()) == {ALONE}
    mature = first.state.days >= 28
    alone = negative_binomial(
        14 * first.state.velocity[mature], 14 * first.state.daily_variance[mature], (0.95,)
    )
    assert quantile_units(first, 14, 0.95)[mature] == pytest.approx(alone[:, 0])


def quantile_units(made: Demand, days: Floats | float, level: Floats | float) -> Floats:
    """What demand of so many days stays under with a probability, of each product."""
    spans = np.broadcast_to(np.asarray(days, np.float64), len(made.keys))
    levels = np.broadcast_to(np.asarray(level, np.float64), len(made.keys))
    return at_level(over_days(made.quantiles, made.windows, spans), made.levels, levels)


grids = st.lists(st.lists(st.floats(0, 1e6), min_size=2, max_size=2), min_size=5, max_size=5).map(
    lambda rows: rising(np.array([rows]))
)


@example(grid=np.array([[[0.0, 5e-324], *[[0.0, 1.0]] * 4]]), days=(1.0, 2.0))
@given(grid=grids, days=st.tuples(st.floats(0.1, 400), st.floats(0.1, 400)))
def test_a_longer_span_never_needs_less(grid: np.ndarray, days: tuple[float, float]) -> None:
    shorter, longer = (over_days(grid, WINDOWS, np.array([d])) for d in sorted(days))

    assert (longer >= shorter * (1 - 1e-12)).all()


def test_longer_lead_times_and_higher_levels_never_need_less_of_any_product() -> None:
    morning = day_number(date(2011, 6, 20))
    made = forecast(retail(), morning)
    days = [3, 7, 9, 14, 17, 28, 40, 56, 70, 84, 120]
    units = np.stack([made.all_levels(span) for span in days])

    assert (np.diff(units, axis=0) >= 0).all()
    assert (np.diff(units, axis=2) >= 0).all()


def test_each_product_has_its_own_days_and_level() -> None:
    morning = day_number(date(2011, 6, 20))
    made = forecast(retail(), morning)
    days = np.linspace(3, 200, len(made.keys))
    levels = np.linspace(0.05, 0.999, len(made.keys))
    found = quantile_units(made, days, levels)

    assert found[50] == quantile_units(made, days[50], levels[50])[50]
    assert quantile_units(made, 14, 0.97)[50] <= quantile_units(made, 14, 0.98)[50]
    # Less than even chances ask for no more than even chances do.
    assert quantile_units(made, 14, 0.1) == pytest.approx(quantile_units(made, 14, 0.5))


def test_what_is_asked_of_new_products_is_what_they_hold() -> None:
    """Without widening, products of one to three days held 68 % of what was asked as 95 %."""
    whole = retail()
    held: list[bool] = []
    for morning in range(day_number(date(2011, 1, 3)), day_number(date(2011, 11, 1)), 21):
        known = whole.before(morning)
        made = forecast(known, morning, windows=(7, 14, 28))
        new = (made.state.days > 0) & (made.state.days < 15)
        demand = demand_in(whole, morning, 28, known)
        held += (demand <= quantile_units(made, 28, 0.95))[new].tolist()

    assert len(held) > 100
    assert np.mean(held) >= 0.9


def test_what_is_new_fades_as_what_was_new_before_it_did() -> None:
    """Every product of this shop sells ten a day for a fortnight, and four a day ever after."""
    rows = [
        (f"/p{n:03}", AS_OF - timedelta(days=age), 10.0 if begun - age < 14 else 4.0)
        for n, begun in enumerate([*range(40, 400), 12])
        for age in range(1, begun + 1)
    ]
    made = forecast(history(pl.DataFrame(rows, schema=SCHEMA, orient="row")), MORNING)

    # Twelve days old: two more days at ten and 26 at four, or 124; its pace alone says 280.
    assert made.expected_units(28)[-1] == pytest.approx(124, rel=0.2)
    # What is a year old goes on as it did.
    assert made.expected_units(28)[-2] == pytest.approx(28 * 4, rel=0.01)


def test_a_day_with_a_sale_is_observed_even_if_it_began_without_stock() -> None:
    """180 units sold at stock 0 are a velocity, not "never seen in stock"."""
    days = [AS_OF - timedelta(days=n) for n in range(1, 31)]
    sales = pl.DataFrame({"product_url": "/back-ordered", "sold_on": days, "units": 6.0})
    out = pl.DataFrame({
        "product_url": ["/back-ordered"], "from_on": [days[-1]], "until_on": [AS_OF],
    })  # fmt: skip

    made = forecast(history(sales, censored=out), MORNING)

    assert made.state.velocity == pytest.approx([6.0])


def test_half_a_year_without_a_sale_is_no_velocity_and_half_a_year_without_stock_is() -> None:
    rows = pl.DataFrame(
        [(key, AS_OF - timedelta(days=n), 2.0) for key in ("/dull", "/out") for n in (200, 201)],
        schema=SCHEMA,
        orient="row",
    )
    out = pl.DataFrame(
        {
            "product_url": ["/out"],
            "from_on": [AS_OF - timedelta(days=199)],
            "until_on": [AS_OF],
        }
    )
    made = forecast(history(rows, censored=out), MORNING)

    assert made.state.velocity.tolist() == [0.0, 2.0]
    assert made.state.is_last_known.tolist() == [False, True]
    assert quantile_units(made, 14, 0.95)[0] == 0


def test_windows_out_of_stock_for_more_than_a_tenth_teach_nothing() -> None:
    whole = retail()
    morning = day_number(date(2011, 6, 20))
    known = whole.before(morning)
    out = pl.DataFrame(
        {
            "product_url": known.keys,
            "from_on": [date(2011, 6, 1)] * len(known),
            "until_on": [date(2011, 6, 4)] * len(known),
        }
    )
    rows = pl.DataFrame(
        {
            "product_url": known.keys.gather(known.sold.owners()),
            "sold_on": pl.Series(known.sold.days).cast(pl.Date),
            "units": known.units,
        }
    )
    free = [len(w.past.demand) for w in calibrate(known, morning).windows]
    hit = [len(w.past.demand) for w in calibrate(history(rows, censored=out), morning).windows]

    # Three days are more than a tenth of 28 and less than a tenth of 56.
    assert hit[2] < free[2]
    assert hit[3] == free[3]


@pytest.mark.parametrize(("mean", "spread"), [(0.3, 1.0), (7.0, 3.0), (900.0, 9.0), (60_000, 90)])
def test_counts_have_the_moments_they_were_made_of(mean: float, spread: float) -> None:
    """The mean of quantiles, evenly spread, is about the mean of the distribution."""
    levels = [(n + 0.5) / 20 for n in range(20)]
    (found,) = negative_binomial(np.array([mean]), np.array([mean * spread]), levels)
    deviation = np.sqrt(mean * spread)
    assert np.mean(found) == pytest.approx(mean, abs=0.1 * deviation)
    assert np.std(found) == pytest.approx(deviation, rel=0.2)


def test_an_empty_history_has_an_empty_forecast() -> None:
    made = forecast(history(pl.DataFrame(schema=SCHEMA)), MORNING)

    assert len(made.keys) == 0
    assert made.quantiles.shape == (0, len(WINDOWS), len(LEVELS))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="its threads are seen in /proc")
def test_numpy_starts_no_threads_that_wait_for_each_other() -> None:
    count = "import finale_pipeline, numpy, os; print(len(os.listdir('/proc/self/task')))"
    unset = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    ran = subprocess.run(
        [sys.executable, "-c", count], env=unset, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["1"]
