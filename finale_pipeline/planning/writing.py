"""A computed plan → its tables, by the one write path; what a day no longer has is removed."""

from datetime import date, datetime

import polars as pl

from finale_pipeline.planning.compute import DECIMALS, Planned
from finale_pipeline.planning.drafts import draft_lines, drafts
from finale_pipeline.warehouse.connect import Connection, database_errors, trusted
from finale_pipeline.warehouse.store import Counts, TableWriter, hashed

COUNTS = ("history_days", "counted_days", "sale_days", "quiet_days")
FORECAST = (
    "velocity_units_per_day", "method", "half_life_days", "pace_weight", *COUNTS,
    "burstiness_units", "daily_variance", "abc_class", "xyz_class", "service_level",
    "lead_time_days", "lead_time_sd_days", "lead_time_source", "review_period_days", "cover_days",
    "protection_days", "demand_units", "demand_q50_units", "demand_q90_units", "demand_q95_units",
    "demand_service_units", "basis", "peers_weight", "available_units", "on_order_units",
    "position_units", "days_until_stockout", "stockout_on", "safety_stock_units",
    "our_reorder_point_units", "finale_reorder_point_units", "finale_reorder_quantity_units",
    "reorder_point_units", "reorder_point_source", "order_up_to_units", "minimum_order_units",
    "pack_units", "order_now", "quantity_units", "reorder_on", "must_order_by_on",
    "days_without_stock", "lost_units", "vendor_url", "unit_cost", "currency", "flags", "why",
)  # fmt: skip

HERE = (
    "sold_units", "share", "velocity_units_per_day", "demand_units", "demand_service_units",
    "available_units", "on_order_units", "position_units", "days_until_stockout", "stockout_on",
    "safety_stock_units", "our_reorder_point_units", "finale_reorder_point_units",
    "reorder_point_units", "reorder_point_source", "order_up_to_units", "order_now",
    "quantity_units", "reorder_on", "must_order_by_on", "why",
)  # fmt: skip


def place_rows(places: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the rows of plan.forecast_by_location."""
    named = places.rename({"finale_point_units": "finale_reorder_point_units"})
    return named.select(
        "product_url", pl.lit(as_of).alias("snapshot_on"), "location_url", *HERE
    ).with_columns(pl.col(pl.Float64).round(DECIMALS))


def forecast_rows(planned: Planned) -> pl.DataFrame:
    """Return the rows of plan.forecast."""
    named = planned.products.rename(
        {
            "finale_point_units": "finale_reorder_point_units",
            "finale_quantity_units": "finale_reorder_quantity_units",
        }
    )
    return (
        named.select("product_url", pl.lit(planned.as_of).alias("snapshot_on"), *FORECAST)
        .with_columns(pl.col(COUNTS).cast(pl.Int64))
        .with_columns(pl.col(pl.Float64).round(DECIMALS))
    )


def calibration_rows(planned: Planned) -> pl.DataFrame:
    """Return the rows of plan.calibration."""
    rows = [
        (
            planned.as_of, cells.window_days, mu_bin, burst_bin, level,
            float(cells.mu_edges[mu_bin - 1]) if mu_bin else None,
            float(cells.spread_edges[mu_bin][burst_bin - 1]) if burst_bin else None,
            int(cells.counts[mu_bin][burst_bin]), float(factor),
        )
        for cells in planned.demand.cells
        for mu_bin, factors in enumerate(cells.factors)
        for burst_bin, of_levels in enumerate(factors)
        for level, factor in zip(planned.demand.levels, of_levels, strict=True)
    ]  # fmt: skip
    schema = {
        "snapshot_on": pl.Date, "window_days": pl.Int64, "mu_bin": pl.Int64, "burst_bin": pl.Int64,
        "level": pl.Float64, "mu_from_units": pl.Float64, "burst_from_units": pl.Float64,
        "windows": pl.Int64, "factor": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def write(
    connection: Connection, planned: Planned, places: pl.DataFrame, *, now: datetime
) -> dict[str, Counts]:
    """Write a plan in the caller's transaction; the same plan again changes nothing.

    Returns:
        What happened, per table.
    """
    lines = draft_lines(planned.products, planned.as_of)
    frames = {
        "plan.forecast": forecast_rows(planned),
        "plan.forecast_by_location": place_rows(places, planned.as_of),
        "plan.calibration": calibration_rows(planned),
        "plan.purchase_order_draft_line": lines,
        "plan.purchase_order_draft": drafts(lines, planned.products),
    }
    return {
        table: replace_day(connection, table, frame, planned.as_of, now=now)
        for table, frame in frames.items()
    }


def replace_day(
    connection: Connection, table: str, frame: pl.DataFrame, day: date, *, now: datetime
) -> Counts:
    """Make the rows of a day those of the frame, writing only what differs."""
    writer = TableWriter(connection, table)
    with database_errors(f"writing {table}"):
        writer.copy(hashed(frame))
        merged = writer.merge(now=now)
        match = " AND ".join(f"g.{name} = t.{name}" for name in writer.key)
        keys = ", ".join(writer.key)
        # Set against set: of a day just written no statistics exist yet, and an anti-join planned
        # for one row takes minutes for 30,000.
        removed = connection.execute(
            trusted(
                f"DELETE FROM {table} t USING ("  # noqa: S608 - our own names
                f"SELECT {keys} FROM {table} WHERE snapshot_on = %s"
                f" EXCEPT SELECT {keys} FROM {writer.stage}) g WHERE {match}"
            ),
            (day,),
        ).rowcount
    unchanged = len(frame) - merged.inserted - merged.updated
    return Counts(len(frame), merged.inserted, merged.updated, unchanged, removed)
