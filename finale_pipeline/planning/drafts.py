"""Suggestions → drafts of purchase orders, one per vendor; what lacks data stays on the list."""

from datetime import date

import polars as pl

from finale_pipeline.domain.replenishment.formulas import ROUNDING

MONEY_DECIMALS = 6
NO_VENDOR = ""
URGENCIES = ("late", "today", "soon")


def draft_lines(products: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return a line for every product that is to be ordered."""
    lead = (pl.col("lead_time_days") - ROUNDING).ceil().cast(pl.Int64)
    late = pl.col("must_order_by_on") < as_of
    lines = products.filter(pl.col("quantity_units") > 0)
    return lines.select(
        pl.lit(as_of).alias("snapshot_on"),
        pl.col("vendor_url").fill_null(NO_VENDOR),
        "product_url",
        "sku",
        "vendor_sku",
        "quantity_units",
        "unit_cost",
        "currency",
        line_total=(pl.col("quantity_units") * pl.col("unit_cost")).round(MONEY_DECIMALS),
        arrival_on=as_of + pl.duration(days=lead),
        stockout_on="stockout_on",
        must_order_by_on="must_order_by_on",
        urgency=pl.when(late)
        .then(pl.lit("late"))
        .when(pl.col("must_order_by_on") == as_of)
        .then(pl.lit("today"))
        .otherwise(pl.lit("soon")),
        needs_data=_needed(),
        why="why",
    ).sort("vendor_url", "product_url")


def _needed() -> pl.Expr:
    missing = {
        "vendor": pl.col("vendor_url").is_null(),
        "cost": pl.col("unit_cost").is_null(),
        "lead_time": pl.col("lead_time_source") == "default",
    }
    named = [pl.when(rule).then(pl.lit(name)) for name, rule in missing.items()]
    listed = pl.concat_str(named, separator=",", ignore_nulls=True)
    return pl.concat_str([pl.lit("{"), listed, pl.lit("}")])


def drafts(lines: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Return one draft per vendor of the lines.

    A total is one sum of money: lines without cost are left out of it, and where a vendor is paid
    in several currencies there is none.
    """
    vendors = products.group_by(pl.col("vendor_url").fill_null(NO_VENDOR)).agg(
        pl.col("vendor").first(), pl.col("minimum_order_value").first()
    )
    has_one = pl.col("currency").filter(pl.col("line_total").is_not_null()).n_unique() == 1
    grouped = lines.group_by("snapshot_on", "vendor_url").agg(
        lines=pl.len(),
        units=pl.col("quantity_units").sum(),
        total=pl.when(has_one).then(pl.col("line_total").sum().round(MONEY_DECIMALS)),
        currency=pl.when(has_one).then(
            pl.col("currency").filter(pl.col("line_total").is_not_null()).first()
        ),
        arrival_on=pl.col("arrival_on").max(),
        must_order_by_on=pl.col("must_order_by_on").min(),
        urgency=pl.col("urgency").replace_strict(URGENCIES, (0, 1, 2)).min(),
        needs_data=pl.col("needs_data").str.strip_chars("{}").filter(pl.col("needs_data") != "{}"),
    )
    gap = (pl.col("minimum_order_value") - pl.col("total")).clip(lower_bound=0)
    return (
        grouped.join(vendors, on="vendor_url", how="left")
        .select(
            "snapshot_on", "vendor_url", "vendor", "lines", "units", "total", "currency",
            "arrival_on", "must_order_by_on",
            pl.col("urgency").replace_strict((0, 1, 2), URGENCIES),
            "minimum_order_value",
            minimum_gap=gap.round(MONEY_DECIMALS),
            needs_data=pl.col("needs_data").map_elements(_union, return_dtype=pl.String),
        )
        .sort("vendor_url")
    )  # fmt: skip


def _union(texts: pl.Series) -> str:
    named = {name for text in texts.to_list() for name in text.split(",")}
    return "{" + ",".join(sorted(named)) + "}"
