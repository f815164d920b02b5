"""Decisions → lines of purchase orders by vendor; what lacks data stays on the list."""

from datetime import date

import polars as pl

from finale_pipeline.planning.flags import listed
from finale_pipeline.planning.terms import whole_days

DECIMALS = 6
"""Numbers of plans are stored with so many decimals."""
NO_VENDOR = ""


def draft_lines(products: pl.DataFrame, plan_on: date, as_of: date) -> pl.DataFrame:
    """Return a line for every product that is to be ordered.

    Args:
        as_of: The day of the stock; later, once stock was read on the day after.
    """
    late = pl.col("must_order_by_on") < as_of
    lines = products.filter(pl.col("quantity_units") > 0)
    lines = lines.with_columns(pl.col(pl.Float64).round(DECIMALS))
    return lines.select(
        pl.lit(plan_on).alias("snapshot_on"),
        pl.col("vendor_url").fill_null(NO_VENDOR),
        "product_url",
        "sku",
        "vendor_sku",
        "quantity_units",
        "unit_cost",
        "currency",
        line_total=(pl.col("quantity_units") * pl.col("unit_cost")).round(DECIMALS),
        arrival_on=as_of + pl.duration(days=whole_days("lead_time_days")),
        stockout_on="stockout_on",
        must_order_by_on="must_order_by_on",
        cover_after_days="cover_after_days",
        urgency=pl.when(late)
        .then(pl.lit("late"))
        .when(pl.col("must_order_by_on") == as_of)
        .then(pl.lit("today"))
        .otherwise(pl.lit("soon")),
        needs_data=listed(
            {
                "vendor": pl.col("vendor_url").is_null(),
                "cost": pl.col("unit_cost").is_null(),
                "lead_time": pl.col("lead_time_source") == "default",
            }
        ),
        why="why",
    ).sort("vendor_url", "product_url")
