"""What teaches the pace less than its size: one order far above all the others, and a launch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import History, day_number
from finale_pipeline.domain.forecast.velocity import MEAN_DAYS

USUAL_TIMES = 5
"""One order counts for at most so many times the largest of the product's other orders."""
LEAST_OTHERS = 5
"""Fewer other orders make nothing usual."""
LAUNCH_DAYS = 7
"""What a product sold in its first days is spread over so many: a launch is not its pace."""

LARGE: Mapping[str, type[pl.DataType]] = {
    "number": pl.Int64,
    "sold_on": pl.Int32,
    "units": pl.Float64,
    "usual_units": pl.Float64,
}
SHARES = pl.Schema([*LARGE.items(), ("share", pl.Float64)])
LAUNCHES = pl.Schema({"number": pl.Int64, "launch_days": pl.Int64})


@dataclass(frozen=True, slots=True)
class Unusual:
    """What was not taken at its full size.

    Attributes:
        orders: Of the last half-year, the largest of a product: number, sold_on (days since
            1970-01-01), units, usual_units (what of it counts), share (of what the product sold in
            that half-year).
        launches: number, launch_days (since it was first available).
    """

    orders: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHARES))
    launches: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LAUNCHES))


def suspects(history: History, as_of: date) -> list[int]:
    """Return the products of which one day of the last half-year sold far more than most days."""
    days = _days(history)
    recent = pl.col("day") >= day_number(as_of - timedelta(days=MEAN_DAYS))
    largest = (
        days.lazy()
        .group_by("owner")
        .agg(most=pl.col("units").filter(recent).max(), usual=pl.col("units").median())
        .filter(pl.col("most") > USUAL_TIMES * pl.col("usual"))
        .sort("owner")
        .collect()
    )
    numbers: list[int] = history.keys.gather(largest["owner"]).to_list()
    return numbers


def bounded(history: History, large: pl.DataFrame, as_of: date) -> tuple[History, Unusual]:
    """Return a history in which no single order and no launch counts for all it sold.

    Args:
        history: Of the days before the morning; its keys are the products' numbers.
        large: `LARGE`: each product's order that is above what its other orders make usual.
    """
    owners = pl.DataFrame({"number": history.keys.cast(pl.Int64)}).with_row_index("owner")
    days = _days(history).with_row_index("place")
    since = day_number(as_of - timedelta(days=MEAN_DAYS))
    orders = large.filter(pl.col("sold_on") >= since).join(owners, on="number")
    sold = days.filter(pl.col("day") >= since).group_by("owner").agg(sold=pl.col("units").sum())
    at = orders.join(days, left_on=["owner", "sold_on"], right_on=["owner", "day"], suffix="_day")
    at = at.join(sold, on="owner").sort("number")
    units = history.units.copy()
    # The day may have lost some of the order already, to a promotion that a buyer announced.
    left = (at["units_day"] - (at["units"] - at["usual_units"])).to_numpy()
    least = np.minimum(at["usual_units"].to_numpy(), at["units_day"].to_numpy())
    units[at["place"].to_numpy()] = np.maximum(left, least)
    age = day_number(as_of) - history.first_day
    is_launch = age < LAUNCH_DAYS
    first_day = np.where(is_launch, day_number(as_of) - LAUNCH_DAYS, history.first_day)
    shares = at.with_columns(share=(pl.col("units") / pl.col("sold")).clip(upper_bound=1.0))
    launches = pl.DataFrame({"number": owners["number"], "launch_days": age}, schema=LAUNCHES)
    usual_history = History(
        history.keys, history.sold, units, first_day.astype(np.int32), history.censored
    )
    return usual_history, Unusual(
        shares.select(SHARES.names()), launches.filter(pl.Series(is_launch))
    )


def _days(history: History) -> pl.DataFrame:
    owners = pl.Series("owner", history.sold.owners()).cast(pl.UInt32)
    return pl.DataFrame({"owner": owners, "day": history.sold.days, "units": history.units})
