"""What each product is ordered by: lead time, service level, what is on its way."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import Floats, Ints
from finale_pipeline.domain.replenishment.decisions import ROUNDING, Arrivals, arrivals
from finale_pipeline.settings import Settings

LEAD_TIMES = (
    ("agreed", "agreed_lead_days"),
    ("measured", "measured_lead_days"),
    ("supplier", "supplier_lead_days"),
    ("product", "product_lead_days"),
)
"""Where a lead time may come from, the first that is known wins: what was seen of three receipts
says more than what somebody once wrote down."""


def with_terms(products: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return products with lead time and its source, review period, cover, minimum and pack."""
    lead_times = [pl.col(column) for _, column in LEAD_TIMES]
    source = [pl.when(pl.col(c).is_not_null()).then(pl.lit(name)) for name, c in LEAD_TIMES]
    review = pl.col("vendor_review_days").fill_null(settings.review_period_days)
    cover = pl.col("vendor_cover_days").fill_null(settings.cover_days)
    pack = pl.coalesce("term_pack_units", "case_units").fill_null(1.0)
    own = pl.col("term_service_level")
    return products.with_columns(
        service_level=pl.when((own > 0) & (own < 1)).then(own).otherwise(settings.service_level),
        lead_time_days=pl.coalesce(*lead_times, pl.lit(settings.default_lead_time_days)),
        lead_time_source=pl.coalesce(*source, pl.lit("default")),
        lead_time_sd_days=pl.col("measured_sd_days").fill_null(0.0),
        stated_lead_time_days=pl.coalesce("supplier_lead_days", "product_lead_days"),
        review_period_days=review,
        cover_days=pl.max_horizontal(cover, review),
        minimum_order_units=pl.col("term_minimum_units").fill_null(0.0),
        pack_units=pl.when(pack > 0).then(pack).otherwise(1.0),
    )


@dataclass(frozen=True, slots=True)
class OnOrder:
    """What is on its way, one entry per product.

    Attributes:
        arrivals: What is counted on; overdue units arrive tomorrow.
        overdue_units: What should have come before today, all of it.
        lost_units: Of these, what is overdue by more than a lead time: it is not counted on.
        next_due_on: The next day on which an open order is due; null = none is dated.
        next_due_units: What is due on that day.
    """

    arrivals: Arrivals
    overdue_units: Floats
    lost_units: Floats
    next_due_on: pl.Series
    next_due_units: Floats


def on_order(products: pl.DataFrame, open_lines: pl.DataFrame, as_of: date) -> OnOrder:
    """Return when what is on order will arrive.

    Stock tells how much is on order, the open lines when it comes. Of lines that add up to more,
    the earliest are taken to have come in since they were read; what no line explains arrives as
    if ordered today. What is overdue by more than its lead time is not counted on: nobody knows
    whether it still comes.

    Args:
        products: With `number`, `lead_time_days`, `on_order_units`.
        open_lines: With `number`, `units`, `due_on`, `ordered_on`.
    """
    terms = products.select("number", "on_order_units", lead=whole_days("lead_time_days"))
    lines = open_lines.join(terms, on="number").select(
        "number", "units", "on_order_units", "due_on", **_arrival(as_of)
    )
    lines = lines.sort("number", "in_days", "units", descending=[False, True, False])
    before = pl.col("units").cum_sum().over("number") - pl.col("units")
    room = (pl.col("on_order_units").fill_null(float("inf")) - before).clip(lower_bound=0)
    lines = lines.with_columns(units=pl.min_horizontal("units", room))
    lines = lines.filter(pl.col("units") > ROUNDING)
    explained = lines.group_by("number").agg(explained=pl.col("units").sum())
    rest = (
        terms.join(explained, on="number", how="left")
        .select(
            "number",
            units=pl.col("on_order_units") - pl.col("explained").fill_null(0.0),
            in_days="lead",
        )
        .filter(pl.col("units") > ROUNDING)
    )
    counted = lines.filter(pl.col("in_days") >= 0).with_columns(
        in_days=pl.when(pl.col("overdue")).then(1).otherwise(pl.col("in_days"))
    )
    coming = pl.concat([counted.select(rest.columns), rest]).sort(pl.all())
    size = len(products)
    due_on, due_units = _next_due(lines, size)
    return OnOrder(
        arrivals(
            coming["number"].to_numpy(),
            coming["in_days"].cast(pl.Float64).to_numpy(),
            coming["units"].to_numpy(),
            products=size,
        ),
        _sums(lines.filter("overdue"), size),
        _sums(lines.filter(pl.col("in_days") < 0), size),
        due_on,
        due_units,
    )


def _sums(lines: pl.DataFrame, size: int) -> Floats:
    """Return the units of each product."""
    sums = np.bincount(lines["number"].to_numpy(), lines["units"].to_numpy(), minlength=size)
    return sums.astype(np.float64)


def _next_due(lines: pl.DataFrame, size: int) -> tuple[pl.Series, Floats]:
    dated = lines.filter(~pl.col("overdue") & pl.col("due_on").is_not_null())
    first = dated.filter(pl.col("due_on") == pl.col("due_on").min().over("number"))
    sums = first.group_by("number").agg(pl.col("due_on").first(), pl.col("units").sum())
    everyone = pl.DataFrame({"number": pl.int_range(size, eager=True, dtype=pl.Int64)})
    due = everyone.join(sums, on="number", how="left", maintain_order="left")
    return due["due_on"], due["units"].fill_null(float("nan")).to_numpy().astype(np.float64)


def whole_days(column: str) -> pl.Expr:
    """Return days of a column, rounded up."""
    return (pl.col(column) - ROUNDING).ceil().cast(pl.Int64)


def _arrival(as_of: date) -> dict[str, pl.Expr]:
    """Return in how many days a line arrives, and whether it is overdue; lost ones at -1.

    A line that is overdue counts as 0 here, so that it sorts before what is still to come.
    """
    ordered = (pl.col("ordered_on") - as_of).dt.total_days().fill_null(0)
    days = (pl.col("due_on") - as_of).dt.total_days().fill_null(ordered + pl.col("lead"))
    overdue = days < 0
    lost = -days > pl.max_horizontal("lead", 1)
    in_days = pl.when(lost).then(-1).when(overdue).then(0).otherwise(days)
    return {"in_days": in_days, "overdue": overdue}


def column(frame: pl.DataFrame, name: str, *, null: float = float("nan")) -> Floats:
    """Return a column as an array, nulls replaced."""
    return frame[name].fill_null(null).to_numpy().astype(np.float64)


def spread(
    values: Floats | Ints, numbers: pl.Series, size: int, *, other: float = float("nan")
) -> Floats:
    """Return the values of some products, by their numbers, among those of all."""
    of_all = np.full(size, other)
    of_all[numbers.to_numpy()] = values
    return of_all
