"""A computed plan → its tables, by the one write path; what a day no longer has is removed."""

from datetime import date, datetime

import polars as pl

from finale_pipeline.planning.compute import Planned
from finale_pipeline.planning.drafts import DECIMALS, draft_lines
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.plan_days import LINES, merge, replace_day, write_lines
from finale_pipeline.warehouse.store import Counts

COUNTS = ("history_days", "counted_days", "sale_days", "quiet_days")
DEMAND = (
    *("velocity_units_per_day method half_life_days pace_weight").split(),
    *COUNTS,
    *(
        "burstiness_units daily_variance abc_class xyz_class service_level protection_days "
        "demand_units demand_q50_units demand_q90_units demand_q95_units demand_service_units "
        "basis peers_weight is_trusted pace_units_per_day season_factor last_year_units "
        "demand_note demand_flags"
    ).split(),
)
DECISION = tuple(
    (
        "level lead_time_days lead_time_sd_days lead_time_source stated_lead_time_days "
        "review_period_days cover_days available_units on_order_units position_units "
        "arriving_units overdue_units next_due_on next_due_units days_until_stockout stockout_on "
        "safety_stock_units our_reorder_point_units finale_reorder_point_units "
        "finale_reorder_quantity_units reorder_point_units reorder_point_source order_up_to_units "
        "maximum_units minimum_order_units pack_units order_now quantity_units cover_after_days "
        "reorder_on must_order_by_on days_without_stock lost_units vendor_url unit_cost currency "
        "decision_flags why"
    ).split()
)
FINALES = {
    "finale_point_units": "finale_reorder_point_units",
    "finale_quantity_units": "finale_reorder_quantity_units",
    "term_maximum_units": "maximum_units",
    "flags": "decision_flags",
}

HERE = tuple(
    (
        "sold_units share velocity_units_per_day demand_units demand_service_units "
        "available_units on_order_units position_units days_until_stockout stockout_on "
        "safety_stock_units our_reorder_point_units finale_reorder_point_units "
        "reorder_point_units reorder_point_source order_up_to_units order_now quantity_units "
        "reorder_on must_order_by_on why"
    ).split()
)


def place_rows(places: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the rows of plan.forecast_by_location."""
    named = places.rename({"finale_point_units": "finale_reorder_point_units"})
    return named.select(
        "product_url", pl.lit(as_of).alias("snapshot_on"), "location_url", *HERE
    ).with_columns(pl.col(pl.Float64).round(DECIMALS))


def demand_rows(planned: Planned) -> pl.DataFrame:
    """Return the rows of plan.demand."""
    return (
        planned.products.select("product_url", pl.lit(planned.as_of).alias("snapshot_on"), *DEMAND)
        .with_columns(pl.col(COUNTS).cast(pl.Int64))
        .with_columns(pl.col(pl.Float64).round(DECIMALS))
    )


def decision_rows(products: pl.DataFrame, plan_on: date, as_of: date) -> pl.DataFrame:
    """Return the rows of plan.decision."""
    return (
        products.rename(FINALES)
        .select(
            "product_url",
            pl.lit(plan_on).alias("snapshot_on"),
            pl.lit(as_of).alias("decided_for_on"),
            *DECISION,
        )
        .with_columns(pl.col(pl.Float64).round(DECIMALS))
    )


def calibration_rows(planned: Planned) -> pl.DataFrame:
    """Return the rows of plan.calibration."""
    rows = [
        (
            planned.as_of,
            cells.window_days,
            mu_bin,
            burst_bin,
            level,
            float(cells.mu_edges[mu_bin - 1]) if mu_bin else None,
            float(cells.spread_edges[mu_bin][burst_bin - 1]) if burst_bin else None,
            int(cells.counts[mu_bin][burst_bin]),
            float(factor),
        )
        for cells in planned.demand.cells
        for mu_bin, factors in enumerate(cells.factors)
        for burst_bin, of_levels in enumerate(factors)
        for level, factor in zip(planned.demand.levels, of_levels, strict=True)
    ]
    schema = {
        "snapshot_on": pl.Date,
        "window_days": pl.Int64,
        "mu_bin": pl.Int64,
        "burst_bin": pl.Int64,
        "level": pl.Float64,
        "mu_from_units": pl.Float64,
        "burst_from_units": pl.Float64,
        "windows": pl.Int64,
        "factor": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def write(
    connection: Connection, planned: Planned, places: pl.DataFrame, *, now: datetime
) -> dict[str, Counts]:
    """Write a plan in the caller's transaction; the same plan again changes nothing."""
    day = planned.as_of
    frames = {
        "plan.demand": demand_rows(planned),
        "plan.decision": decision_rows(planned.products, day, day),
        "plan.forecast_by_location": place_rows(places, day),
        "plan.calibration": calibration_rows(planned),
    }
    counts = {
        table: replace_day(connection, table, frame, day, now=now)
        for table, frame in frames.items()
    }
    lines = draft_lines(planned.products, day, day)
    return counts | {LINES: write_lines(connection, lines, day, now=now)}


def write_decisions(
    connection: Connection, products: pl.DataFrame, plan_on: date, as_of: date, *, now: datetime
) -> Counts:
    """Write decisions that were made again, and move the day's lines with them."""
    decisions = decision_rows(products, plan_on, as_of)
    _, counts = merge(connection, "plan.decision", decisions, now=now)
    lines = draft_lines(products, plan_on, as_of)
    write_lines(connection, lines, plan_on, now=now, only=products["product_url"])
    return counts
