"""What a reader should know before trusting a number."""

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.calibration import LEAST_DAYS, WINDOWS
from finale_pipeline.domain.replenishment.replenish_many import Suggestions
from finale_pipeline.planning.expecting import SHOWN_CHANGE
from finale_pipeline.planning.terms import OnOrder

LEAST_SALES = 3
FEW_DAYS = 0.5
"""Share of the history that must be uncensored."""


def flags(
    products: pl.DataFrame, suggested: Suggestions, coming: OnOrder, *, is_naive: bool
) -> pl.Series:
    """Return the flags of every product, each list in the order below."""
    velocity = pl.col("velocity_units_per_day")
    sold = pl.col("history_days").is_not_null()
    new = pl.col("history_days") < LEAST_DAYS
    raised: dict[str, pl.Expr] = {
        "stock_unknown": pl.col("available_units").is_null(),
        "never_sold": ~sold,
        "velocity_unknown": velocity.is_null(),
        "velocity_last_known": pl.col("is_last_known") > 0,
        "no_sale_for_half_a_year": sold & (velocity == 0),
        "new_product": new,
        "low_confidence": sold & (new | (pl.col("sale_days") < LEAST_SALES)),
        "mostly_out_of_stock": pl.col("counted_days") < FEW_DAYS * pl.col("history_days"),
        "seasonal": (pl.col("season_factor") - 1).abs() >= SHOWN_CHANGE,
        "adjusted": pl.col("is_adjusted"),
        "no_peers": (pl.col("peers_weight") == 0) & pl.lit(not is_naive),
        "naive_in_use": pl.lit(is_naive) & sold,
        "beyond_windows": sold & (pl.col("protection_days") > WINDOWS[-1]),
        "discontinued": ~pl.col("is_active"),
        "do_not_reorder": pl.col("is_never_reordered"),
        "backlog": pl.col("available_units") < 0,
        "overdue_po": pl.lit(pl.Series(coming.is_overdue > 0)),
        "default_lead_time": pl.col("lead_time_source") == "default",
        "stockout_before_order_can_arrive": pl.lit(
            pl.Series(suggested.stockout_before_order_can_arrive)
        ),
        "point_without_demand": (velocity == 0)
        & (pl.col("position_units") <= pl.col("reorder_point_units"))
        & (pl.col("reorder_point_units") > 0),
    }
    frame = products.select(
        rule.fill_null(value=False).alias(name) for name, rule in raised.items()
    )
    bits = np.zeros(len(frame), np.int64)
    for n, name in enumerate(frame.columns):
        bits |= frame[name].to_numpy().astype(np.int64) << n
    return _named(pl.Series("bits", bits), frame.columns)


def _named(bits: pl.Series, names: list[str]) -> pl.Series:
    """Return the names of the bits; few combinations occur, so each is written once."""
    combinations = bits.unique()
    texts = [
        "{" + ",".join(name for n, name in enumerate(names) if value >> n & 1) + "}"
        for value in combinations.to_list()
    ]
    table = pl.DataFrame({"bits": combinations, "flags": texts})
    return bits.to_frame().join(table, on="bits", how="left", maintain_order="left")["flags"]
