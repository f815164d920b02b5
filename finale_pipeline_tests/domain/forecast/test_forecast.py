"""What a forecast may depend on, what it must not, and how sure it is."""

from dataclasses import fields
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finale_pipeline.domain.forecast.calibration import calibrate
from finale_pipeline.domain.forecast.forecast import ALONE, BLEND, PEERS, Forecast, forecast
from finale_pipeline.domain.forecast.history import History, day_number, history
from finale_pipeline.domain.forecast.quantiles import negative_binomial
from finale_pipeline.domain.forecast.velocity import DEFAULT_PACE
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


def as_bytes(made: Forecast) -> bytes:
    parts = [made.mean, made.quantiles, made.basis, made.peers_weight]
    parts += [getattr(made.state, field.name) for field in fields(made.state)]
    return b"".join(part.tobytes() for part in parts)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_change_a_byte(seed: int) -> None:
    sales = some_sales(25)
    sales = pl.concat([sales, sales.head(40).with_columns(units=pl.lit(0.1))])
    mixed = sales.sample(fraction=1.0, shuffle=True, seed=seed)

    made = forecast(history(mixed), MORNING, 21.0)

    assert as_bytes(made) == as_bytes(forecast(history(sales), MORNING, 21.0))
    assert made.keys.to_list() == sorted(set(sales["product_url"]))


def test_what_lies_on_or_after_the_morning_changes_nothing() -> None:
    sales = some_sales(25)
    later = sales.with_columns(sold_on=AS_OF + pl.duration(days=pl.int_range(pl.len()) % 50))
    news = pl.DataFrame([("/new", AS_OF, 99.0)], schema=SCHEMA, orient="row")

    made = forecast(history(pl.concat([sales, later, news])), MORNING, 21.0)

    assert as_bytes(made) == as_bytes(forecast(history(sales), MORNING, 21.0))


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
    large = forecast(whole, morning, 21.0)
    small = forecast(shrunk(whole, 0.05), morning, 21.0)
    first = forecast(whole, day_number(date(2009, 12, 31)), 21.0)

    assert set(large.basis.tolist()) == {PEERS}
    assert set(small.basis.tolist()) == {BLEND}
    assert 0 < small.peers_weight[0] < 1
    assert set(first.basis.tolist()) == {ALONE}
    alone = negative_binomial(first.mean, 21 * first.state.daily_variance, (0.95,))
    assert first.quantile(0.95) == pytest.approx(alone[:, 0])


def test_between_windows_the_factor_is_linear_in_the_logarithm_of_days() -> None:
    whole = retail()
    morning = day_number(date(2011, 6, 20))
    at = {days: forecast(whole, morning, days) for days in (14.0, 19.8, 28.0)}
    busy = at[28.0].state.velocity > 1
    factors = {d: made.quantile(0.9)[busy] / made.mean[busy] for d, made in at.items()}

    # 19.8 is 14 times the root of two: half way.
    middle = (factors[14.0] + factors[28.0]) / 2
    assert factors[19.8] == pytest.approx(middle, rel=1e-3)
    assert forecast(whole, morning, 3.0).quantile(0.9)[busy] / (
        3 * at[14.0].state.velocity[busy]
    ) == pytest.approx(forecast(whole, morning, 7.0).quantile(0.9)[busy] / (
        7 * at[14.0].state.velocity[busy]
    ))  # fmt: skip


def test_each_product_may_have_its_own_days_and_quantiles_do_not_cross() -> None:
    whole = retail().before(day_number(date(2011, 6, 20)))
    days = np.linspace(3, 200, len(whole))
    made = forecast(whole, day_number(date(2011, 6, 20)), days, levels=(0.95, 0.5, 0.8, 0.99))
    alone = forecast(whole, day_number(date(2011, 6, 20)), float(days[50]), levels=(0.8,))

    assert made.levels == (0.5, 0.8, 0.95, 0.99)
    assert (np.diff(made.quantiles, axis=1) >= 0).all()
    assert made.quantile(0.8)[50] == alone.quantile(0.8)[50]


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
    made = forecast(history(rows, censored=out), MORNING, 14.0)

    assert made.state.velocity.tolist() == [0.0, 2.0]
    assert made.state.is_last_known.tolist() == [False, True]
    assert made.quantile(0.95)[0] == 0


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
    free, _ = calibrate(known, morning, pace=DEFAULT_PACE)
    hit, _ = calibrate(history(rows, censored=out), morning, pace=DEFAULT_PACE)

    # Three days are more than a tenth of 28 and less than a tenth of 56.
    assert hit[2].rows < free[2].rows
    assert hit[3].rows == free[3].rows


@pytest.mark.parametrize(("mean", "spread"), [(0.3, 1.0), (7.0, 3.0), (900.0, 9.0), (60_000, 90)])
def test_counts_have_the_moments_they_were_made_of(mean: float, spread: float) -> None:
    """The mean of quantiles, evenly spread, is about the mean of the distribution."""
    levels = [(n + 0.5) / 20 for n in range(20)]
    (found,) = negative_binomial(np.array([mean]), np.array([mean * spread]), levels)
    deviation = np.sqrt(mean * spread)
    assert np.mean(found) == pytest.approx(mean, abs=0.1 * deviation)
    assert np.std(found) == pytest.approx(deviation, rel=0.2)


def test_an_empty_history_has_an_empty_forecast() -> None:
    made = forecast(history(pl.DataFrame(schema=SCHEMA)), MORNING, 14.0)

    assert len(made.keys) == 0
    assert made.quantiles.shape == (0, 3)
