"""The plan of each location: the product's forecast, shared out by where its sales left from.

Nobody says which place the next order will leave, but where those of the last half-year left is
known: a location has that share of the product's velocity, and of its quantiles as `sharing` says.
The rest are the formulas of `replenish`, on the stock, the arrivals and the rule of the place.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.location_split import shared_quantile_units, shares
from finale_pipeline.planning.deciding import with_decisions
from finale_pipeline.planning.terms import column, on_order
from finale_pipeline.planning.why import why_here
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import database_errors
from finale_pipeline.warehouse.frames import Schema
from finale_pipeline.warehouse.numbered import NumberedProducts
from finale_pipeline.warehouse.reads import planning as queries

SHARE_DAYS = 182
"""A location's share is that of the sales of so many days."""

NOWHERE = ""
"""The place of demand of which no place is known."""

PLACES: Schema = {
    "place_of": pl.Int64,
    "location_url": pl.String,
    "sold_units": pl.Float64,
    "available_units": pl.Float64,
    "on_order_units": pl.Float64,
    "finale_point_units": pl.Float64,
    "is_never_here": pl.Boolean,
}
LINES: Schema = {
    "place_of": pl.Int64,
    "location_url": pl.String,
    "units": pl.Float64,
    "due_on": pl.Date,
    "ordered_on": pl.Date,
}
TERMS = tuple(
    (
        "product_url is_active is_never_reordered is_stopped_by_buyer service_level lead_time_days "
        "lead_time_sd_days review_period_days cover_days protection_days minimum_order_units "
        "pack_units is_trusted protection_days_now"
    ).split()
)
DEMAND = ("velocity_units_per_day", "demand_units", "demand_service_units")


@dataclass(frozen=True, slots=True)
class LocationInputs:
    """What was known of locations on a morning.

    Attributes:
        rows: One per product and location: what was sold, lies and is ruled there. `place_of` is
            the product's number.
    """

    rows: pl.DataFrame
    lines: pl.DataFrame


def read_places(numbered: NumberedProducts) -> LocationInputs:
    """Read what was known of the products' locations on a morning.

    Where stock was read since, only what a plan of the day noted is known of it.
    """
    query = queries.PLACES_THEN if numbered.is_past else queries.PLACES_NOW
    since = numbered.as_of - timedelta(days=SHARE_DAYS)
    with database_errors("reading the locations"):
        rows = numbered.frame(query, PLACES, since=since)
        lines = numbered.frame(queries.OPEN_LINES_HERE, LINES)
    return LocationInputs(rows, lines)


def plan_places(
    places: LocationInputs, products: pl.DataFrame, as_of: date, settings: Settings
) -> pl.DataFrame:
    """Return the plan of every product and location worth one.

    Those are where the product sells, where a product that sells lies, where Finale has a point,
    and where units are owed. Where a product sells and no place is known there is one row of no
    place, so that the velocities of a product always add up to its own.
    """
    rows = _shared(places.rows, products)
    coming = on_order(rows, _lines_of(rows, places.lines), as_of)
    rows, _ = with_decisions(rows, coming, as_of, settings)
    return rows.with_columns(why=why_here())


def _shared(places: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Return the places worth a plan, numbered, with their part of the product's demand."""
    owners = places["place_of"].to_numpy()
    part = shares(owners, places["sold_units"].to_numpy().astype(np.float64))
    terms = products.select(*TERMS, *DEMAND, place_of="number")
    here = places.with_columns(share=pl.Series(part, dtype=pl.Float64)).join(terms, on="place_of")
    nowhere = _nowhere(terms, places.filter(pl.Series(part > 0, dtype=pl.Boolean)))
    rows = pl.concat([here.filter(_is_worth_a_plan()), nowhere], how="diagonal")
    rows = rows.sort("place_of", "location_url").with_columns(
        number=pl.int_range(pl.len(), dtype=pl.Int64),
        is_never_reordered=pl.col("is_never_reordered")
        | pl.col("is_never_here").fill_null(value=False),
        # What a buyer fixed is of the product, not of a place.
        term_point_units=pl.lit(None, pl.Float64),
        term_maximum_units=pl.lit(None, pl.Float64),
        finale_quantity_units=pl.lit(None, pl.Float64),
    )
    return rows.with_columns(_demand_here(rows))


def _is_worth_a_plan() -> pl.Expr:
    sells = pl.col("velocity_units_per_day") > 0
    lies = (pl.col("available_units") != 0) | (pl.col("on_order_units") != 0)
    worth = (
        (sells & ((pl.col("share") > 0) | lies))
        | (pl.col("finale_point_units") > 0)
        | (pl.col("available_units") < 0)
    )
    return worth.fill_null(value=False)


def _nowhere(products: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Return the products that sell, and of whose sales no place is known."""
    sells = products.filter(pl.col("velocity_units_per_day") > 0)
    return sells.join(placed, on="place_of", how="anti").with_columns(
        location_url=pl.lit(NOWHERE), sold_units=pl.lit(0.0), share=pl.lit(1.0)
    )


def _demand_here(rows: pl.DataFrame) -> list[pl.Series]:
    part = column(rows, "share")
    velocity, expected, quantile = (column(rows, name) for name in DEMAND)
    here = (part * velocity, part * expected, shared_quantile_units(expected, quantile, part))
    return [
        pl.Series(name, values, pl.Float64, nan_to_null=True)
        for name, values in zip(DEMAND, here, strict=True)
    ] + [rows["velocity_units_per_day"].alias("velocity_of_all")]


def _lines_of(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Return open lines by the numbers of the rows; what goes elsewhere helps none of them."""
    numbered = rows.select("number", "place_of", "location_url")
    return lines.join(numbered, on=["place_of", "location_url"]).select(
        "number", "units", "due_on", "ordered_on"
    )
