"""The demand data of the tests, as histories; and the whole of them, where they are at hand."""

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from finale_pipeline.domain.forecast.history import History, day_number, history

SAMPLES = Path(__file__).parents[2] / "data"
WHOLE = os.environ.get("DEMAND_DATA")
"""Folder of the whole data sets; `make reproduce DATA=…` sets it."""

ORIGINS = [day_number(date(2011, 1, 31)) + 28 * k for k in range(11)]


def retail(*, whole: bool = False) -> History:
    """Order lines of a wholesaler, by day."""
    rows = pl.read_parquet(_file("retail_daily_demand", whole=whole))
    return history(rows.rename({"sku": "product_url", "date": "sold_on"}))


def fresh(*, whole: bool = False) -> pl.DataFrame:
    """Sales of a fresh-food chain, with the hours out of stock."""
    rows = pl.read_parquet(_file("fresh_daily_stockouts", whole=whole))
    return rows.rename({"series_id": "product_url", "date": "sold_on"})


def fresh_history(rows: pl.DataFrame, *, leave_out: bool) -> History:
    """Return their history; days of more than an eighth of the time out left out, or as they are.

    As the plan reads it: what sold on a day that was out throughout was sold.
    """
    spans = rows.filter(pl.col("stockout_hours") > 2).select(
        "product_url", from_on="sold_on", until_on=pl.col("sold_on") + timedelta(days=1)
    )
    first = rows.group_by("product_url").agg(first_on=pl.col("sold_on").min())
    if not leave_out:
        return history(rows, first_on=first)
    partly = pl.col("stockout_hours").is_between(3, 15)
    return history(rows.filter(~partly), first_on=first, censored=spans)


def _file(name: str, *, whole: bool) -> Path:
    return Path(WHOLE or "", f"{name}.parquet") if whole else SAMPLES / f"{name}_sample.parquet"
