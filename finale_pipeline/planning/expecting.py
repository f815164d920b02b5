"""From pace to what is expected: season and what buyers said, over the time an order must cover."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.demand import Demand
from finale_pipeline.domain.forecast.events import DemandEvent, expected_with_events
from finale_pipeline.domain.forecast.history import EPOCH, Floats, Ints, day_number
from finale_pipeline.domain.forecast.quantiles import negative_binomial
from finale_pipeline.domain.forecast.season import (
    MOST,
    Season,
    WeeklySales,
    best_power,
    season,
)
from finale_pipeline.domain.forecast.velocity import LAUNCH_DAYS, WEEK
from finale_pipeline.planning.reading import PlanInputs
from finale_pipeline.planning.terms import column, spread
from finale_pipeline.planning.unusual import USUAL_TIMES

SHOWN_CHANGE = 0.05
"""A season that changes less is not spoken of."""
NOTABLE_UNITS, NOTABLE_TIMES = 10.0, 2.0
"""What was sold in these weeks a year ago is named from so many units on, if it is so many times
what is expected now."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of every product, one entry per row of the plan.

    Attributes:
        pace: Units per day, before season and events; NaN = unknown, 0 = nothing sells.
        units_per_day: To expect over the time that an order must cover.
        last_year_units: Sold in the same time a year ago; NaN = not known.
        recurring_units: Expected because it sold so in both earlier years; NaN = not so.
        notes: In words, what the pace alone does not explain; empty = nothing.
    """

    pace: Floats
    units_per_day: Floats
    season: Floats
    last_year_units: Floats
    recurring_units: Floats
    is_adjusted: Floats
    notes: list[str]

    def quantiles(
        self, quantiles: Floats, days: Floats, burstiness: Floats, levels: Sequence[float]
    ) -> Floats:
        """Return quantiles of demand at the pace as quantiles of what is expected.

        They grow and shrink with it. Where the pace is nothing, or next to nothing against what is
        expected, there is nothing that could grow: then what is expected is counted.

        Args:
            quantiles: Units over each product's own days, product by level.
            burstiness: Variance over mean of daily demand; NaN = unknown.
        """
        ratio = np.divide(
            self.units_per_day, self.pace, out=np.ones(len(self.pace)), where=self.pace > 0
        )
        scaled = quantiles * ratio[:, None]
        expected = np.nan_to_num(self.units_per_day) * days
        alone = ((np.nan_to_num(self.pace) == 0) | (ratio > MOST)) & (expected > 0)
        if alone.any():
            spread = np.maximum(np.nan_to_num(burstiness, nan=1.0), 1.0)[alone]
            mean = expected[alone]
            scaled[alone] = negative_binomial(mean, mean * spread, levels)
        return scaled


def expect(products: pl.DataFrame, inputs: PlanInputs, demand: Demand) -> Expectation:
    """Return what to expect of every product over lead time, and review period or cover.

    Args:
        products: With `lead_time_days`, `review_period_days`, `cover_days`.
    """
    size, morning = len(products), day_number(inputs.as_of)
    days = column(products, "lead_time_days") + np.maximum(
        column(products, "cover_days"), column(products, "review_period_days")
    )
    days = np.maximum(days, 1.0)
    seasonal = _season(products, inputs, demand, days[demand.keys.to_numpy()])

    def of_all(values: Floats | Ints, other: float) -> Floats:
        return spread(values, demand.keys, size, other=other)

    pace = of_all(demand.state.velocity, 0.0)
    factor, weeks = of_all(seasonal.factor, 1.0), of_all(seasonal.weeks, 1.0)
    recurring = of_all(seasonal.recurring_units, np.nan)
    last_year = of_all(seasonal.last_year_units, np.nan)
    per_day = np.where(np.isnan(recurring), pace * factor, recurring / (WEEK * weeks))
    events = _events(inputs.adjustments)
    expected = expected_with_events(per_day, days, morning, events)
    adjusted = np.zeros(size)
    for event in events:
        adjusted[event.products] = 1.0
    expectation = Expectation(pace, expected / days, factor, last_year, recurring, adjusted, [])
    notes = _notes(expectation, days, inputs)
    for row, note in _of_young(demand):
        notes[row] += note
    return replace(expectation, notes=notes)


def _season(products: pl.DataFrame, inputs: PlanInputs, demand: Demand, days: Floats) -> Season:
    codes = products["category"].fill_null("").rank("dense").cast(pl.Int64) - 1
    categories = codes.to_numpy()[demand.keys.to_numpy()]
    sales = WeeklySales(inputs.history, day_number(inputs.as_of))
    weeks = np.ceil(days / WEEK).astype(np.int64)
    power = best_power(sales, categories)
    return season(sales, demand.state.velocity, weeks, categories, power=power)


def _events(adjustments: pl.DataFrame) -> list[DemandEvent]:
    return [
        DemandEvent(
            rows["number"].to_numpy(),
            rows["from_on"][0],
            rows["until_on"][0],
            times=rows["value"][0] if rows["kind"][0] == "times" else None,
            units=rows["value"][0] if rows["kind"][0] == "units" else None,
        )
        for (_,), rows in adjustments.group_by("adjustment_id", maintain_order=True)
    ]


def _notes(expectation: Expectation, days: Floats, inputs: PlanInputs) -> list[str]:
    """Return what the pace alone does not explain, in words."""
    notes = [""] * len(days)
    expected = np.nan_to_num(expectation.units_per_day * days)
    recurs = ~np.isnan(expectation.recurring_units)
    seasonal = ~recurs & (np.abs(expectation.season - 1) >= SHOWN_CHANGE) & (expectation.pace > 0)
    unheard = ~recurs & (np.nan_to_num(expectation.last_year_units) >= NOTABLE_UNITS)
    unheard &= np.nan_to_num(expectation.last_year_units) >= NOTABLE_TIMES * expected
    for n in np.flatnonzero(recurs).tolist():
        notes[n] = (
            f" Its season: in these {_weeks(days[n])} it sold"
            f" {expectation.last_year_units[n]:g} a year ago and about as many the year before, so"
            f" {expectation.recurring_units[n]:.4g} are expected."
        )
    for n in np.flatnonzero(seasonal).tolist():
        notes[n] = (
            f" Its pace is {expectation.pace[n]:.3g} a day; in earlier years these weeks sold"
            f" {expectation.season[n]:.2f} times as much as the weeks before."
        )
    for n in np.flatnonzero(unheard).tolist():
        notes[n] += (
            f" It sold {expectation.last_year_units[n]:g} in these {_weeks(days[n])} a year ago,"
            " which is not expected again."
        )
    for row in inputs.adjustments.iter_rows(named=True):
        notes[row["number"]] += _adjustment_text(row)
    for row in inputs.large_orders.iter_rows(named=True):
        notes[row["number"]] += _order_text(row)
    return notes


def _of_young(demand: Demand) -> Iterator[tuple[int, str]]:
    """Yield what is taken of the pace of young products, with their places, in words."""
    ages, velocity = demand.state.days, demand.state.velocity
    for place in np.flatnonzero((ages < LAUNCH_DAYS) & (velocity > 0)).tolist():
        yield (
            int(demand.keys[place]),
            f" It was launched {ages[place]:g} days ago: what it sold since is spread over"
            f" {LAUNCH_DAYS} days.",
        )
    fades = np.flatnonzero((np.abs(demand.fade - 1) >= SHOWN_CHANGE) & (velocity > 0))
    for place in fades.tolist():
        fade = demand.fade[place]
        yield (
            int(demand.keys[place]),
            f" It is {ages[place]:g} days old and sold {velocity[place] / fade:.3g} a day;"
            f" products so young went on to sell {fade:.2f} times their pace.",
        )


def _adjustment_text(row: dict[str, Any]) -> str:
    first, last = (date.fromordinal(EPOCH + row[name]) for name in ("from_on", "until_on"))
    what = f"{row['value']:g} times" if row["kind"] == "times" else f"{row['value']:g} units"
    note = f" ({row['note']})" if row["note"] else ""
    return f" {row['made_by']} expects {what} from {first} to {last}{note}."


def _order_text(row: dict[str, Any]) -> str:
    day = date.fromordinal(EPOCH + row["sold_on"])
    return (
        f" One order is {100 * row['share']:.0f} % of what sold in half a year: of its"
        f" {row['units']:g} of {day}, {row['usual_units']:g} count, {USUAL_TIMES} times the largest"
        " of the others."
    )


def _weeks(days: float) -> str:
    return f"{int(np.ceil(days / WEEK))} weeks"
