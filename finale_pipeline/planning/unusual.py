"""What teaches the pace less than its size: one order far above all the others."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import History, day_number
from finale_pipeline.domain.forecast.velocity import MEAN_DAYS

USUAL_TIMES = 5
"""One order counts for at most so many times the largest of the product's other orders."""
LEAST_OTHERS = 5
"""Fewer other orders make nothing usual."""

LARGE: Mapping[str, type[pl.DataType]] = {
    "number": pl.Int64,
    "sold_on": pl.Int32,
    "units": pl.Float64,
    "usual_units": pl.Float64,
}
SHARES = pl.Schema([*LARGE.items(), ("share", pl.Float64)])


def suspects(history: History) -> list[int]:
    """Return the products of which one day sold far more than most days."""
    largest = (
        _days(history)
        .lazy()
        .group_by("owner")
        .agg(most=pl.col("units").max(), usual=pl.col("units").median())
        .filter(pl.col("most") > USUAL_TIMES * pl.col("usual"))
        .sort("owner")
        .collect()
    )
    numbers: list[int] = history.keys.gather(largest["owner"]).to_list()
    return numbers


def bounded(history: History, large: pl.DataFrame, as_of: date) -> tuple[History, pl.DataFrame]:
    """Return a history in which no single order counts for all it sold, and the recent such orders.

    The orders are `SHARES`: of the last half-year, the largest of a product, with what of it counts
    and its share of what the product sold in that half-year.

    Args:
        history: Of the days before the morning; its keys are the products' numbers.
        large: `LARGE`: each product's order that is above what its other orders make usual.
    """
    owners = pl.DataFrame({"number": history.keys.cast(pl.Int64)}).with_row_index("owner")
    days = _days(history).with_row_index("place")
    since = day_number(as_of - timedelta(days=MEAN_DAYS))
    orders = large.join(owners, on="number")
    at = orders.join(days, left_on=["owner", "sold_on"], right_on=["owner", "day"], suffix="_day")
    units = history.units.copy()
    # The day may have lost some of the order already, to a promotion that a buyer announced.
    remaining = (at["units_day"] - (at["units"] - at["usual_units"])).to_numpy()
    least = np.minimum(at["usual_units"].to_numpy(), at["units_day"].to_numpy())
    units[at["place"].to_numpy()] = np.maximum(remaining, least)
    sold = days.filter(pl.col("day") >= since).group_by("owner").agg(sold=pl.col("units").sum())
    recent = at.filter(pl.col("sold_on") >= since).join(sold, on="owner").sort("number")
    shares = recent.with_columns(share=(pl.col("units") / pl.col("sold")).clip(upper_bound=1.0))
    return replace(history, units=units), shares.select(SHARES.names())


def _days(history: History) -> pl.DataFrame:
    owners = pl.Series("owner", history.sold.owners()).cast(pl.UInt32)
    return pl.DataFrame({"owner": owners, "day": history.sold.days, "units": history.units})
