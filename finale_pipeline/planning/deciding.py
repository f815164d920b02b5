"""Products with their demand, stock, orders and terms → the decision about each, in columns.

Once a day's demand is known, the same step decides for the whole plan, for the products that a read
of stock touched, and for each location.
"""

from dataclasses import fields
from datetime import date

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import Flags, Floats, day_number
from finale_pipeline.domain.replenishment.decisions import (
    FARTHEST_DAYS,
    LEVELS,
    SOURCES,
    Decisions,
    Situations,
    decide_all,
)
from finale_pipeline.planning.flags import decision_flags
from finale_pipeline.planning.terms import OnOrder, column, on_order
from finale_pipeline.planning.why import why
from finale_pipeline.settings import Settings

KNOWN_DAYS, SOLD_WITHIN_DAYS = 56, 182
"""A forecast is trusted of a product that is known for eight weeks and sold in half a year."""
COLUMNS = {
    "units_per_day": "velocity_units_per_day",
    "quantile_units": "demand_service_units",
    "buyer_point_units": "term_point_units",
    "maximum_units": "term_maximum_units",
}
"""Columns of what decisions are made from, where they are called otherwise."""
NUMBERS = [f.name for f in fields(Situations) if f.type is Floats]


def decide_products(
    products: pl.DataFrame, open_lines: pl.DataFrame, as_of: date, settings: Settings
) -> tuple[pl.DataFrame, OnOrder]:
    """Return the products with the decision about each, and what is on order of them.

    Args:
        products: With terms (`terms.with_terms`) and demand, numbered from 0.
        open_lines: Open lines of purchase orders: number, units, due_on, ordered_on.
    """
    span = pl.col("lead_time_days") + pl.col("review_period_days")
    products = products.with_columns(
        demand_service_units=_over_present_span(span),
        protection_days_now=span,
        expected_units=pl.col("velocity_units_per_day") * span,
    )
    coming = on_order(products, open_lines, as_of)
    products, decisions = with_decisions(products, coming, as_of, settings)
    products = products.with_columns(flags=decision_flags(decisions, coming))
    return products.with_columns(why=why()), coming


def _over_present_span(span: pl.Expr) -> pl.Expr:
    """Return the quantile over lead time and review as they are now.

    The day's demand is of the span that was so in the morning. Of another one the mean grows with
    its days, what lies above the mean with their root.
    """
    ratio = pl.when(pl.col("protection_days") > 0).then(span / pl.col("protection_days"))
    mean = pl.col("velocity_units_per_day") * pl.col("protection_days")
    above = pl.col("demand_service_units") - mean
    return (
        pl.when(ratio.is_null() | (ratio == 1))
        .then(pl.col("demand_service_units"))
        .otherwise(mean * ratio + above * ratio.sqrt())
    )


def is_trusted() -> pl.Expr:
    """Return whether the forecast of a product can be trusted with its reorder point."""
    has_history = pl.col("history_days") >= KNOWN_DAYS
    sold = pl.col("quiet_days") < SOLD_WITHIN_DAYS
    return (has_history & sold).fill_null(value=False)


def with_decisions(
    products: pl.DataFrame, coming: OnOrder, as_of: date, settings: Settings
) -> tuple[pl.DataFrame, Decisions]:
    """Return rows with what is decided of them, and the decisions."""
    situations = situations_of(products, coming, settings)
    decisions = decide_all(situations)
    return _with_columns(products, situations, decisions, coming, as_of), decisions


def situations_of(products: pl.DataFrame, coming: OnOrder, settings: Settings) -> Situations:
    """Return what the decision needs, one entry per row."""
    stopped = ~products["is_active"] | products["is_never_reordered"]
    return Situations(
        **{name: column(products, COLUMNS.get(name, name)) for name in NUMBERS},
        is_trusted=products["is_trusted"].to_numpy(),
        is_stopped=stopped.to_numpy(),
        arrivals=coming.arrivals,
        rule=settings.reorder_points,
        default_point_units=settings.low_stock_default_units,
    )


def _with_columns(
    products: pl.DataFrame, s: Situations, decisions: Decisions, coming: OnOrder, as_of: date
) -> pl.DataFrame:
    def number(name: str, values: Floats) -> pl.Series:
        return pl.Series(name, values, pl.Float64, nan_to_null=True)

    def named(name: str, places: np.ndarray, names: tuple[str | None, ...]) -> pl.Series:
        return pl.Series(name, [names[n] for n in places.tolist()], pl.String)

    on_order_units = np.where(
        np.isnan(s.available_units), np.nan, coming.arrivals.totals() + coming.lost_units
    )
    stockout = _days(decisions.days_left)
    return products.with_columns(
        number("on_order_units", on_order_units),
        number("position_units", s.available_units + coming.arrivals.totals() + coming.lost_units),
        number("arriving_units", decisions.arriving_units),
        number("overdue_units", coming.overdue_units),
        number("next_due_units", coming.next_due_units),
        coming.next_due_on.alias("next_due_on"),
        number("days_until_stockout", decisions.days_left),
        number("safety_stock_units", decisions.safety_stock_units),
        number("our_reorder_point_units", decisions.our_point_units),
        number("reorder_point_units", decisions.point_units),
        named("reorder_point_source", decisions.point_source, SOURCES),
        named("level", decisions.level, LEVELS),
        number("order_up_to_units", decisions.order_up_to_units),
        pl.Series("order_now", decisions.quantity_units > 0),
        pl.Series("is_blocked", decisions.is_blocked),
        number("quantity_units", decisions.quantity_units),
        number("cover_after_days", decisions.cover_days),
        number("days_without_stock", decisions.days_without_stock),
        number("lost_units", decisions.days_without_stock * s.pace),
        _on("stockout_on", stockout, as_of),
        _on("reorder_on", _days(decisions.days_until_order), as_of),
        _on("must_order_by_on", _last_day(stockout, s), as_of),
    )


def _last_day(stockout: Floats, s: Situations) -> Floats:
    sells = (s.pace > 0) & ~s.is_stopped
    return np.where(sells, stockout - np.ceil(s.lead_time_days - 1e-9), np.nan)


def _days(days: Floats) -> Floats:
    """Return whole days; those farther away than a century are not named."""
    far: Flags = days > FARTHEST_DAYS
    return np.where(far, np.nan, np.floor(days))


def _on(name: str, days: Floats, as_of: date) -> pl.Series:
    whole = pl.Series(name, days + day_number(as_of), nan_to_null=True)
    return whole.cast(pl.Int32).cast(pl.Date)
