"""What was known on a morning → the forecast and the suggestion of every product."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.classes import abc, xyz, year_of_weeks
from finale_pipeline.domain.forecast.demand import BASES, Demand, at_level, over_days
from finale_pipeline.domain.forecast.forecast import forecast, naive_forecast
from finale_pipeline.domain.forecast.history import Floats, day_number
from finale_pipeline.domain.forecast.velocity import DEFAULT_PACE, Pace
from finale_pipeline.domain.replenishment.decisions import Arrivals
from finale_pipeline.planning.deciding import decide_products, is_trusted
from finale_pipeline.planning.drafts import DECIMALS
from finale_pipeline.planning.expecting import expect
from finale_pipeline.planning.flags import demand_flags
from finale_pipeline.planning.reading import PlanInputs
from finale_pipeline.planning.terms import column, spread, with_terms
from finale_pipeline.settings import Settings

SHOWN_LEVELS = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Planned:
    """A computed plan; `products` has a row for each, with all that was known and computed."""

    as_of: date
    products: pl.DataFrame
    demand: Demand
    arrivals: Arrivals


def compute(inputs: PlanInputs, settings: Settings, *, pace: Pace | None = DEFAULT_PACE) -> Planned:
    """Forecast every product and apply the reorder formulas.

    Args:
        pace: How days are weighed; None = the 30-day mean and its normal safety stock.
    """
    products = with_terms(inputs.products, settings)
    products = _with_classes(products, inputs)
    demand = _demand(inputs, pace)
    products = _with_demand(products, inputs, demand)
    products = products.with_columns(
        demand_flags=demand_flags(is_naive=pace is None),
        is_trusted=is_trusted(),
        method=pl.lit("naive" if pace is None else "pace"),
        half_life_days=pl.lit(pace.half_life_days if pace else None, pl.Float64),
        pace_weight=pl.lit(pace.weight if pace else None, pl.Float64),
    )
    products, coming = decide_products(products, inputs.open_lines, inputs.as_of, settings)
    return Planned(inputs.as_of, products, demand, coming.arrivals)


def _with_classes(products: pl.DataFrame, inputs: PlanInputs) -> pl.DataFrame:
    units, variation = year_of_weeks(inputs.history, day_number(inputs.as_of))
    places = inputs.history.keys
    value = spread(units, places, len(products), other=0.0) * column(products, "unit_cost")
    by_value = _classes(value, products["currency"])
    return products.with_columns(
        pl.Series("abc_class", by_value, pl.String),
        pl.Series("xyz_class", xyz(spread(variation, places, len(products))), pl.String),
        protection_days=pl.col("lead_time_days") + pl.col("review_period_days"),
    )


def _classes(value: Floats, currency: pl.Series) -> list[str]:
    """Return the class of each product among those of its currency; U = its cost is unknown."""
    labels = np.where(np.isnan(value), "U", "C")
    paid_in = currency.fill_null("")  # the account's own
    for name in paid_in.unique().to_list():
        mine = (paid_in == name).to_numpy() & ~np.isnan(value)
        labels[mine] = abc(value[mine])
    classes: list[str] = labels.tolist()
    return classes


def _demand(inputs: PlanInputs, pace: Pace | None) -> Demand:
    morning = day_number(inputs.as_of)
    if pace is None:
        return naive_forecast(inputs.history, morning)
    return forecast(inputs.history, morning, pace=pace)


def _with_demand(products: pl.DataFrame, inputs: PlanInputs, demand: Demand) -> pl.DataFrame:
    size = len(products)
    places = demand.keys.to_numpy()

    def series(name: str, values: Floats, other: float = float("nan")) -> pl.Series:
        return pl.Series(name, spread(values, demand.keys, size, other=other), nan_to_null=True)

    def whole(name: str, values: Floats) -> pl.Series:
        return pl.Series(name, values, nan_to_null=True)

    state = demand.state
    # No day to look forward to would have no logarithm; one is the least.
    days = np.maximum(column(products, "protection_days"), 1.0)
    sale_days = np.diff(inputs.history.sold.starts).astype(np.float64)
    expected = expect(products, inputs, demand)
    at_pace = np.zeros((size, len(demand.levels)))
    at_pace[places] = over_days(demand.quantiles, demand.windows, days[places])
    burstiness = spread(state.burstiness, demand.keys, size)
    quantiles = expected.quantiles(at_pace, days, burstiness, demand.levels)
    of_service = at_level(quantiles, demand.levels, column(products, "service_level"))
    basis = pl.Series("basis", [BASES[n] for n in demand.basis.tolist()], pl.String)
    of_basis = pl.DataFrame({"number": demand.keys.cast(pl.Int64), "basis": basis})
    joined = products.join(of_basis, on="number", how="left", maintain_order="left")
    large = inputs.large_orders.select("number", large_order_share="share")
    joined = joined.join(large, on="number", how="left", maintain_order="left")
    of_demand = (
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
    # Decisions are made again of what is stored, and those of the plan must be the same.
    return joined.with_columns(s.round(DECIMALS) if s.dtype.is_float() else s for s in of_demand)
