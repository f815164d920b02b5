"""The measured numbers of the method, reached by this code: on a sample here, on all by hand.

`make reproduce DATA=FOLDER` runs the whole, where the folder has the data sets that the samples
were taken from.
"""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from finale_pipeline.domain.forecast.backtest import backtest
from finale_pipeline.domain.forecast.forecast import state_on
from finale_pipeline.domain.forecast.history import day_number
from finale_pipeline.domain.forecast.methods import MENU, choose, losses, methods
from finale_pipeline.domain.forecast.velocity import DEFAULT_PACE, Pace
from finale_pipeline.domain.replenishment.policy import (
    CURVE,
    at_level,
    cover,
    replay,
    up_to_quantiles,
)
from finale_pipeline.planning.scores import score
from finale_pipeline_tests.domain.forecast.demand import (
    ORIGINS,
    WHOLE,
    fresh,
    fresh_history,
    retail,
)


def whole(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs the whole data."""
    needs = pytest.mark.skipif(not WHOLE, reason="DEMAND_DATA names no folder with the whole data")
    marked: Callable[..., None] = pytest.mark.slow(needs(test))
    return marked


MEASURES = (
    "rmsse", "mase", "wape", "bias", "loss_q50", "loss_q90", "loss_q95",
    "held_q50", "held_q90", "held_q95",
)  # fmt: skip
PUBLISHED = {
    ("30-day mean", 14): (1.563, 0.581, 0.637, -0.063, 0.318, 0.343, 0.347, 0.648),
    ("30-day mean + normal", 14): (
        1.563, 0.581, 0.637, -0.063, 0.318, 0.239, 0.185, 0.648, 0.849, 0.873,
    ),
    ("negative binomial", 14): (
        1.547, 0.572, 0.623, -0.040, 0.306, 0.237, 0.179, 0.584, 0.832, 0.883,
    ),
    ("pace 80/20", 14): (
        1.550, 0.583, 0.631, -0.024, 0.290, 0.215, 0.154, 0.585, 0.898, 0.949,
    ),
    ("pace 100/0", 14): (
        1.548, 0.571, 0.621, -0.046, 0.290, 0.215, 0.154, 0.585, 0.898, 0.949,
    ),
    ("30-day mean + normal", 28): (
        2.069, 0.763, 0.557, -0.088, 0.278, 0.209, 0.167, 0.571, 0.790, 0.822,
    ),
    ("negative binomial", 28): (
        2.043, 0.741, 0.538, -0.067, 0.272, 0.203, 0.156, 0.528, 0.787, 0.844,
    ),
    ("pace 80/20", 28): (
        2.043, 0.749, 0.537, -0.050, 0.257, 0.180, 0.127, 0.532, 0.894, 0.947,
    ),
    ("pace 100/0", 28): (
        2.044, 0.740, 0.535, -0.072, 0.257, 0.180, 0.127, 0.532, 0.894, 0.947,
    ),
}  # fmt: skip


def test_on_a_sample_peers_hold_what_they_promise_and_lose_less() -> None:
    names = ("30-day mean + normal", "negative binomial", "pace 80/20")
    scored = {name: methods()[name] for name in names}
    found = backtest(retail(), ORIGINS[::2], [14, 28], scored)
    scores = {(s.method, s.window_days): s.as_dict() for s in found}

    for window in (14, 28):
        ours = scores["pace 80/20", window]
        assert 0.92 <= float(ours["held_q95"]) <= 0.97
        assert float(ours["held_q90"]) >= 0.87
        for name in names[:2]:
            assert float(ours["loss_q95"]) < float(scores[name, window]["loss_q95"])
            assert float(scores[name, window]["held_q95"]) < 0.9


@whole
def test_the_published_measures_are_reached() -> None:
    found = {
        (s.method, s.window_days): s.as_dict() for s in backtest(retail(whole=True), ORIGINS,
                                                                 [10, 14, 28])
    }  # fmt: skip

    assert found["pace 80/20", 14]["forecasts"] == 20_801
    for key, numbers in PUBLISHED.items():
        measured = [found[key][name] for name in MEASURES[: len(numbers)]]
        assert measured == pytest.approx(numbers, abs=0.001), key
    # Ten days lie between the grid's windows: the weekday trap.
    between = found["pace 80/20", 10]
    assert [between["held_q90"], between["held_q95"]] == pytest.approx([0.893, 0.943], abs=0.001)


POLICIES = {
    "pace 80/20, 90 %": (0.903, 0.886, 234_800),
    "pace 80/20, 95 %": (0.949, 0.935, 358_100),
    "30-day mean + normal, 95 %": (0.831, 0.863, 243_400),
    "30-day mean, 28 days on top": (0.824, 0.915, 341_900),
}
RULES = [up_to_quantiles("pace 80/20"), up_to_quantiles("30-day mean + normal"), cover(28)]


@whole
def test_the_published_policies_are_reached() -> None:
    reached = replay(retail(whole=True), ORIGINS[0], RULES, reviews=42)

    for name, (per_product, of_units, stock) in POLICIES.items():
        outcome = reached[name]
        fills = (outcome.fill_per_product, outcome.fill_of_units)
        assert fills == pytest.approx((per_product, of_units), abs=0.001), name
        assert outcome.stock_units == pytest.approx(stock, abs=200), name


def test_each_segment_is_judged_apart_and_the_young_are_in_no_other() -> None:
    """Of the segments by value, and of those by how often it sells, each adds up to all."""
    history = retail()
    method = {"pace 80/20": methods()["pace 80/20"]}
    found = {
        score.segment: score.as_dict()
        for score in backtest(history, ORIGINS[::4], [14], method, np.ones(len(history)))
    }

    rows = {name: int(score["forecasts"]) for name, score in found.items()}
    assert rows["all"] == rows["A"] + rows["B"] + rows["C"]
    assert rows["all"] == rows["smooth"] + rows["intermittent"]
    assert rows["young"] > 0
    # What sells most days is forecast better than what sells now and then.
    assert float(found["smooth"]["wape"]) < float(found["intermittent"]["wape"])
    assert 0.85 <= float(found["young"]["held_q95"]) <= 1


def test_on_a_sample_the_level_asked_for_is_what_peers_deliver() -> None:
    reached = replay(retail(), ORIGINS[0], [RULES[0], cover(28)], reviews=10)

    assert reached["pace 80/20, 95 %"].fill_per_product > 0.92
    assert reached["30-day mean, 28 days on top"].fill_per_product < 0.86
    # A curve: each level more asks for more stock, and serves more of what is wanted.
    curve = [reached[at_level("pace 80/20", level)] for level in CURVE]
    for less, more in pairwise(curve):
        assert less.stock_units < more.stock_units
        assert less.fill_per_product < more.fill_per_product


def out_of_stock(rows: pl.DataFrame, *, leave_out: bool, pace: Pace) -> dict[str, float]:
    """WAPE and bias of a pace, of all and of series that were often out of stock."""
    everything = fresh_history(rows, leave_out=leave_out)
    judged = []
    for origin in FRESH_ORIGINS:
        morning = day_number(origin)
        known = everything.before(morning)
        velocity = state_on(known, morning, pace).velocity
        mean = pl.DataFrame({"product_url": known.keys, "mean": velocity})
        ahead = rows.filter(
            pl.col("sold_on").is_between(origin, origin + timedelta(days=13)),
            stockout_hours=0,
        )
        behind = rows.filter(
            pl.col("sold_on").is_between(origin - timedelta(days=28), origin, closed="left")
        )
        affected = behind.group_by("product_url").agg(share=(pl.col("stockout_hours") > 0).mean())
        judged.append(
            ahead.group_by("product_url")
            .agg(days=pl.len(), demand=pl.col("units").cast(pl.Float64).sum())
            .filter(pl.col("days") >= 4)
            .join(mean, on="product_url")
            .join(affected, on="product_url")
            .with_columns(error=pl.col("mean") * pl.col("days") - pl.col("demand"))
        )
    found = {}
    every = pl.concat(judged)
    for name, part in (("all", every), ("often", every.filter(pl.col("share") >= 0.5))):
        demand = float(part["demand"].sum())
        found[f"{name} wape"] = float(part["error"].abs().sum()) / demand
        found[f"{name} bias"] = float(part["error"].sum()) / demand
    return found


FRESH_ORIGINS = (date(2024, 5, 29), date(2024, 6, 5), date(2024, 6, 12))


def chosen_on(rows: pl.DataFrame, *, leave_out: bool) -> Pace:
    """The pace that an account of nine weeks chooses by its own past."""
    scores = score(fresh_history(rows, leave_out=leave_out), FRESH_ORIGINS[0])
    return MENU[choose([losses(scores)])]


@whole
def test_the_published_harm_of_stockouts_is_reached() -> None:
    rows = fresh(whole=True)
    default = out_of_stock(rows, leave_out=False, pace=DEFAULT_PACE)
    pace = chosen_on(rows, leave_out=True)
    reached = out_of_stock(rows, leave_out=True, pace=pace)

    assert pace.half_life_days == 7
    assert default["all wape"] > 0.27
    assert reached["all wape"] <= 0.235
    assert reached["often wape"] <= 0.225
    assert abs(reached["all bias"]) < 0.01


def test_on_a_sample_leaving_stockouts_out_makes_up_for_part_of_the_harm() -> None:
    rows = fresh()

    counted = out_of_stock(rows, leave_out=False, pace=DEFAULT_PACE)
    better = out_of_stock(rows, leave_out=True, pace=DEFAULT_PACE)
    best = out_of_stock(rows, leave_out=True, pace=chosen_on(rows, leave_out=True))

    assert best["all wape"] < better["all wape"] < counted["all wape"]
    assert counted["often bias"] < better["often bias"] < 0
