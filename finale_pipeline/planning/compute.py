"""What was known on a morning → the forecast and the suggestion of every product."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.classes import abc, xyz, year_of_weeks
from finale_pipeline.domain.forecast.demand import BASES, Demand, at_level, over_days
from finale_pipeline.domain.forecast.forecast import forecast, naive_forecast
from finale_pipeline.domain.forecast.history import Flags, Floats, day_number
from finale_pipeline.domain.forecast.velocity import DEFAULT_PACE, Pace
from finale_pipeline.domain.replenishment.replenish import FARTHEST_DAYS
from finale_pipeline.domain.replenishment.replenish_many import (
    Arrivals,
    Needs,
    Suggestions,
    replenish,
)
from finale_pipeline.planning.expecting import expect
from finale_pipeline.planning.flags import flags
from finale_pipeline.planning.reading import PlanInputs
from finale_pipeline.planning.terms import OnOrder, column, on_order, service_levels, with_terms
from finale_pipeline.planning.why import why

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

SHOWN_LEVELS = (0.5, 0.9, 0.95)
DECIMALS = 6
"""Numbers are stored with so many decimals."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A computed plan.

    Attributes:
        as_of: The morning.
        products: One row per product, with everything that was known and computed of it.
        demand: What to expect of the products that sold.
        arrivals: What is on order, by product.
    """

    as_of: date
    products: pl.DataFrame
    demand: Demand
    arrivals: Arrivals


def compute(
    known: PlanInputs, settings: "Settings", *, pace: Pace | None = DEFAULT_PACE
) -> Planned:
    """Forecast every product and apply the reorder formulas.

    Args:
        known: What was known on the morning.
        settings: Levels, periods and defaults.
        pace: How days are weighed; None = the 30-day mean and its normal safety stock.
    """
    products = with_terms(known.products, settings)
    products = _with_classes(products, known, settings)
    demand = _demand(known, pace)
    products = _with_demand(products, known, demand)
    coming = on_order(products, known.open_lines, known.as_of)
    needs = needs_of(products, coming)
    suggested = replenish(needs)
    products = with_suggestions(products, needs, suggested, known.as_of)
    products = products.with_columns(
        flags(products, suggested, coming, is_naive=pace is None),
        method=pl.lit("naive" if pace is None else "pace"),
        half_life_days=pl.lit(pace.half_life_days if pace else None, pl.Float64),
        pace_weight=pl.lit(pace.weight if pace else None, pl.Float64),
    )
    return Planned(known.as_of, products.with_columns(why=why()), demand, coming.arrivals)


def _with_classes(products: pl.DataFrame, known: PlanInputs, settings: "Settings") -> pl.DataFrame:
    units, variation = year_of_weeks(known.history, day_number(known.as_of))
    places = known.history.keys
    value = _at(units, places, len(products), other=0.0) * column(products, "unit_cost", null=0.0)
    by_value = abc(value)
    return products.with_columns(
        pl.Series("abc_class", by_value, pl.String),
        pl.Series("xyz_class", xyz(_at(variation, places, len(products))), pl.String),
        service_levels(products, by_value, settings),
        protection_days=pl.col("lead_time_days") + pl.col("review_period_days"),
    )


def _at(values: Floats, places: pl.Series, size: int, *, other: float = float("nan")) -> Floats:
    """Return the values of the products that sold among those of all."""
    whole = np.full(size, other)
    whole[places.to_numpy()] = values
    return whole


def _demand(known: PlanInputs, pace: Pace | None) -> Demand:
    morning = day_number(known.as_of)
    if pace is None:
        return naive_forecast(known.history, morning)
    return forecast(known.history, morning, pace=pace)


def _with_demand(products: pl.DataFrame, known: PlanInputs, demand: Demand) -> pl.DataFrame:
    size = len(products)
    places = demand.keys.to_numpy()

    def series(name: str, values: Floats, other: float = float("nan")) -> pl.Series:
        return pl.Series(name, _at(values, demand.keys, size, other=other), nan_to_null=True)

    def whole(name: str, values: Floats) -> pl.Series:
        return pl.Series(name, values, nan_to_null=True)

    state = demand.state
    # No day to look forward to would have no logarithm; one is the least.
    days = np.maximum(column(products, "protection_days"), 1.0)
    sale_days = np.diff(known.history.sold.starts).astype(np.float64)
    expected = expect(products, known, demand)
    at_pace = np.zeros((size, len(demand.levels)))
    at_pace[places] = over_days(demand.quantiles, demand.windows, days[places])
    burstiness = _at(state.burstiness, demand.keys, size)
    quantiles = expected.quantiles(at_pace, days, burstiness, demand.levels)
    of_service = at_level(quantiles, demand.levels, column(products, "service_level"))
    basis = pl.Series("basis", [BASES[n] for n in demand.basis.tolist()], pl.String)
    of_basis = pl.DataFrame({"number": demand.keys.cast(pl.Int64), "basis": basis})
    joined = products.join(of_basis, on="number", how="left", maintain_order="left")
    return joined.with_columns(
        # What never sold has no demand that anyone knows of: zero, and flagged.
        whole("velocity_units_per_day", expected.units_per_day),
        whole("pace_units_per_day", expected.pace),
        whole("season_factor", expected.season),
        whole("last_year_units", expected.last_year_units),
        pl.Series("demand_note", expected.notes, pl.String),
        pl.Series("is_adjusted", expected.is_adjusted > 0),
        series("is_last_known", state.is_last_known.astype(np.float64), 0.0),
        series("history_days", state.days),
        series("counted_days", state.counted_days),
        series("sale_days", sale_days, 0.0),
        series("quiet_days", state.quiet_days),
        series("burstiness_units", state.burstiness),
        series("daily_variance", state.daily_variance),
        whole("demand_units", expected.units_per_day * days),
        *(
            whole(f"demand_q{round(100 * level)}_units", quantiles[:, demand.levels.index(level)])
            for level in SHOWN_LEVELS
        ),
        whole("demand_service_units", of_service),
        series("peers_weight", demand.peers_weight),
    )


def needs_of(products: pl.DataFrame, coming: OnOrder) -> Needs:
    """Return what the reorder formulas need, one entry per row."""
    point = pl.coalesce("term_point_units", "finale_point_units")
    frame = products.select(
        pl.all().exclude("finale_point_units"), point_in_use=point.cast(pl.Float64)
    )
    stopped = ~products["is_active"] | products["is_never_reordered"]
    return Needs(
        available_units=column(frame, "available_units"),
        units_per_day=column(frame, "velocity_units_per_day"),
        quantile_units=column(frame, "demand_service_units"),
        service_level=column(frame, "service_level"),
        lead_time_days=column(frame, "lead_time_days"),
        lead_time_sd_days=column(frame, "lead_time_sd_days"),
        review_period_days=column(frame, "review_period_days"),
        cover_days=column(frame, "cover_days"),
        manual_point_units=column(frame, "point_in_use"),
        manual_maximum_units=column(frame, "term_maximum_units"),
        minimum_order_units=column(frame, "minimum_order_units"),
        pack_units=column(frame, "pack_units"),
        is_discontinued=stopped.to_numpy(),
        on_order=coming.arrivals,
    )


def with_suggestions(
    products: pl.DataFrame, needs: Needs, found: Suggestions, as_of: date
) -> pl.DataFrame:
    """Return the rows with what the reorder formulas say of them."""

    def number(name: str, values: Floats) -> pl.Series:
        return pl.Series(name, values, nan_to_null=True)

    lost = found.days_without_stock * np.nan_to_num(needs.units_per_day)
    source = (
        pl.when(pl.col("term_point_units").is_not_null())
        .then(pl.lit("buyer"))
        .when(pl.col("finale_point_units").is_not_null())
        .then(pl.lit("finale"))
        .when(pl.col("our_reorder_point_units").is_not_null())
        .then(pl.lit("ours"))
    )
    stockout = _days(found.days_until_stockout)
    return products.with_columns(
        number("on_order_units", np.where(np.isnan(needs.available_units), np.nan,
                                          needs.on_order.totals())),
        number("position_units", found.position_units),
        number("days_until_stockout", found.days_until_stockout),
        number("safety_stock_units", found.safety_stock_units),
        number("our_reorder_point_units", found.our_reorder_point_units),
        number("reorder_point_units", found.reorder_point_units),
        number("order_up_to_units", found.order_up_to_units),
        pl.Series("order_now", found.order_now),
        number("quantity_units", found.quantity_units),
        number("days_without_stock", found.days_without_stock),
        number("lost_units", lost),
        _on("stockout_on", stockout, as_of),
        _on("reorder_on", _days(found.days_until_reorder), as_of),
        _on("must_order_by_on", _last_day(stockout, needs), as_of),
    ).with_columns(reorder_point_source=source)  # fmt: skip


def _last_day(stockout: Floats, needs: Needs) -> Floats:
    sells = (needs.units_per_day > 0) & ~needs.is_discontinued
    return np.where(sells, stockout - np.ceil(needs.lead_time_days - 1e-9), np.nan)


def _days(days: Floats) -> Floats:
    """Return whole days; those farther away than a century are not named."""
    far: Flags = days > FARTHEST_DAYS
    return np.where(far, np.nan, np.floor(days))


def _on(name: str, days: Floats, as_of: date) -> pl.Series:
    whole = pl.Series(name, days + day_number(as_of), nan_to_null=True)
    return whole.cast(pl.Int32).cast(pl.Date)
