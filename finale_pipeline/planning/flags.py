"""What a reader should know before trusting a number; the words are in the domain."""

from collections.abc import Mapping

import polars as pl

from finale_pipeline.domain.forecast.calibration import LEAST_DAYS, WINDOWS
from finale_pipeline.domain.forecast.velocity import LAUNCH_DAYS
from finale_pipeline.domain.replenishment.decisions import Decisions
from finale_pipeline.planning.expecting import SHOWN_CHANGE
from finale_pipeline.planning.terms import OnOrder

LEAST_SALES = 3
FEW_DAYS = 0.5
"""Share of the history that must be uncensored."""
MUCH_LONGER = 1.5
"""A measured lead time of so many times the stated one is said."""
YEAR_DAYS = 365


def demand_flags(*, is_naive: bool) -> pl.Expr:
    """Return what to know of each product's demand, each list in the order below."""
    velocity = pl.col("velocity_units_per_day")
    sold = pl.col("history_days").is_not_null()
    new = pl.col("history_days") < LEAST_DAYS
    raised = {
        "never_sold": ~sold,
        "velocity_unknown": velocity.is_null(),
        "velocity_last_known": pl.col("is_last_known") > 0,
        "no_sale_for_half_a_year": sold & (velocity == 0),
        "new_product": new,
        "launch": pl.col("history_days") < LAUNCH_DAYS,
        "one_large_order": pl.col("large_order_share").is_not_null(),
        "low_confidence": sold & (new | (pl.col("sale_days") < LEAST_SALES)),
        "mostly_out_of_stock": pl.col("counted_days") < FEW_DAYS * pl.col("history_days"),
        "seasonal": (pl.col("season_factor") - 1).abs() >= SHOWN_CHANGE,
        "adjusted": pl.col("is_adjusted"),
        "no_peers": (pl.col("peers_weight") == 0) & pl.lit(not is_naive),
        "naive_in_use": pl.lit(is_naive) & sold,
        "beyond_windows": sold & (pl.col("protection_days") > WINDOWS[-1]),
    }
    return listed(raised)


def decision_flags(decisions: Decisions, coming: OnOrder) -> pl.Expr:
    """Return what to know of each decision, each list in the order below."""
    raised = {
        "stock_unknown": pl.col("available_units").is_null(),
        "discontinued": ~pl.col("is_active"),
        "do_not_reorder": pl.col("is_never_reordered"),
        "backlog": pl.col("available_units") < 0,
        "overdue_po": pl.lit(pl.Series(coming.overdue_units > 0)),
        "overdue_not_counted": pl.lit(pl.Series(coming.lost_units > 0)),
        "default_lead_time": pl.col("lead_time_source") == "default",
        "lead_time_differs": (pl.col("lead_time_source") == "measured")
        & (pl.col("lead_time_days") > MUCH_LONGER * pl.col("stated_lead_time_days")),
        "main_supplier_disabled": pl.col("is_alternative"),
        "stockout_before_order_can_arrive": pl.lit(pl.Series(decisions.is_too_late)),
        "point_without_demand": (pl.col("velocity_units_per_day") == 0)
        & (pl.col("available_units") + pl.col("arriving_units") < pl.col("reorder_point_units")),
        "terms_prevent_order": pl.lit(pl.Series(decisions.is_blocked)),
        "covers_over_a_year": pl.col("order_now") & (pl.col("cover_after_days") > YEAR_DAYS),
    }
    return listed(raised)


def listed(rules: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the names of the rules that hold, in their order, as PostgreSQL writes a text[]."""
    names = [pl.when(rule).then(pl.lit(name)) for name, rule in rules.items()]
    joined = pl.concat_str(names, separator=",", ignore_nulls=True)
    return pl.concat_str(pl.lit("{"), joined, pl.lit("}"))
