"""What came of forecasts whose time has passed, and what the mean of 30 days expected."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import Ints, place
from finale_pipeline.domain.forecast.velocity import NAIVE_DAYS
from finale_pipeline.planning.drafts import DECIMALS
from finale_pipeline.warehouse import outcomes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.frames import Schema, copied
from finale_pipeline.warehouse.reads.stock import last_sold_on

LOOKED_BACK = timedelta(days=120)
"""Demand so long ago may still change: shipments and returns are entered late."""
MILLION = 10**6

FORECASTS: Schema = {
    "number": pl.Int64,
    "snapshot_on": pl.Date,
    "begins": pl.Int64,
    "days": pl.Int64,
    "protection_days": pl.Float64,
    "kept_units": pl.Float64,
    "kept_naive_units": pl.Float64,
}
DEMAND: Schema = {"number": pl.Int64, "day": pl.Int64, "millionths": pl.Int64}


def reckon(connection: Connection, as_of: date, today: date, *, now: datetime) -> None:
    """Keep what came of the forecasts of a day; of today, of all that may have changed."""
    until = last_sold_on(connection)
    days = [as_of] if as_of < today else outcomes.planned(connection, today - LOOKED_BACK)
    if until is None or not days:
        return
    outcomes.number(connection, days)
    values = {"days": days, "since": min(days) - timedelta(days=NAIVE_DAYS), "until": until}
    forecasts = copied(connection, outcomes.FORECASTS, values, FORECASTS)
    demand = copied(connection, outcomes.DEMAND, values, DEMAND)
    urls = copied(connection, outcomes.URLS, {}, {"product_url": pl.String})["product_url"]
    results = forecasts.with_columns(*_met(forecasts, demand), urls.gather(forecasts["number"]))
    unchanged = pl.col("kept_units").eq(pl.col("demanded_units")) & pl.col("kept_naive_units").eq(
        pl.col("naive_units")
    )
    changed = results.filter(~unchanged.fill_null(value=False))
    columns = ("product_url", "snapshot_on", "demanded_units", "naive_units")
    outcomes.write(connection, changed.select(columns), values, now=now)


def _met(forecasts: pl.DataFrame, demand: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return what was demanded in the time of each forecast, and what the mean of 30 days expected.

    Args:
        forecasts: Forecasts: `number` of the product, day it `begins`, `days`, `protection_days`.
        demand: Demand: `number`, `day`, `millionths`, in their order.
    """
    # Running totals of all products in a row: a difference of two is the demand between two days.
    places = place(demand["number"].to_numpy(), demand["day"].to_numpy())
    totals = np.concatenate([[0], np.cumsum(demand["millionths"].to_numpy())])

    def before(days: Ints) -> Ints:
        return np.asarray(totals[np.searchsorted(places, place(numbers, days))])

    numbers, begins = forecasts["number"].to_numpy(), forecasts["begins"].to_numpy()
    at_begin = before(begins)
    demanded = before(begins + forecasts["days"].to_numpy()) - at_begin
    of_30_days = (at_begin - before(begins - NAIVE_DAYS)) / NAIVE_DAYS
    naive = np.round(of_30_days * forecasts["protection_days"].to_numpy() / MILLION, DECIMALS)
    return pl.Series("demanded_units", demanded / MILLION), pl.Series("naive_units", naive)
