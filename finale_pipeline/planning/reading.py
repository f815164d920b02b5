"""The warehouse → frames: what was known on a morning, whole columns at a time.

Products are numbered in the order of their keys, and everything else refers to those numbers: a
history of ten million sales holds no text.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import EPOCH, Floats, History, day_number, history
from finale_pipeline.planning.daily_sales import joined, of_days, of_months
from finale_pipeline.planning.unusual import (
    LARGE,
    LEAST_OTHERS,
    SHARES,
    USUAL_TIMES,
    bounded,
    suspects,
)
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.frames import Schema
from finale_pipeline.warehouse.numbered import NumberedProducts, number
from finale_pipeline.warehouse.reads import planning as queries

HISTORY_DAYS = 730
"""Older sales weigh nothing in any number of the plan."""

PRODUCTS: Schema = {
    "number": pl.Int64,
    "product_url": pl.String,
    "sku": pl.String,
    "category": pl.String,
    "is_active": pl.Boolean,
    "vendor_url": pl.String,
    "vendor": pl.String,
    "vendor_sku": pl.String,
    "unit_cost": pl.Float64,
    "currency": pl.String,
    "supplier_lead_days": pl.Float64,
    "product_lead_days": pl.Float64,
    "agreed_lead_days": pl.Float64,
    "measured_lead_days": pl.Float64,
    "measured_sd_days": pl.Float64,
    "vendor_review_days": pl.Float64,
    "vendor_cover_days": pl.Float64,
    "minimum_order_value": pl.Float64,
    "case_units": pl.Float64,
    "term_point_units": pl.Float64,
    "term_maximum_units": pl.Float64,
    "term_minimum_units": pl.Float64,
    "term_pack_units": pl.Float64,
    "term_service_level": pl.Float64,
    "finale_point_units": pl.Float64,
    "finale_quantity_units": pl.Float64,
    "is_never_reordered": pl.Boolean,
    "available_units": pl.Float64,
    "on_order_units": pl.Float64,
    "is_alternative": pl.Boolean,
    "build_units": pl.Float64,
    "is_stopped_by_buyer": pl.Boolean,
}
LEFT_OUT: Schema = {"product_url": pl.Int64, "sold_on": pl.Int32}
PART_MONTHS = 12
"""So many months of demand are read at a time: what the server packs for that it has in memory."""
FIRST: Schema = {"product_url": pl.Int64, "first_on": pl.Int32}
CENSORED: Schema = {"product_url": pl.Int64, "from_on": pl.Int32, "until_on": pl.Int32}
ADJUSTMENTS: Schema = {
    "number": pl.Int64,
    "adjustment_id": pl.Int64,
    "kind": pl.String,
    "value": pl.Float64,
    "from_on": pl.Int32,
    "until_on": pl.Int32,
    "made_by": pl.String,
    "note": pl.String,
}
URLS: Schema = {"product_url": pl.String}
OPEN: Schema = {
    "number": pl.Int64,
    "units": pl.Float64,
    "due_on": pl.Date,
    "ordered_on": pl.Date,
}


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What was known on a morning.

    Attributes:
        products: One row per product worth a plan, in the order of their numbers.
        history: Demand of the last two years; its keys are the products' numbers. A single order
            counts in it for what is usual.
        open_lines: Open lines of purchase orders: number, units, due_on, ordered_on.
        adjustments: What buyers said of days to come, by number.
        large_orders: Of the last half-year, those that do not count at their full size.
    """

    as_of: date
    products: pl.DataFrame
    history: History
    open_lines: pl.DataFrame
    adjustments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ADJUSTMENTS))
    large_orders: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHARES))


class Past:
    """The demand of a range of mornings, read once for all of them."""

    def __init__(self, first: date, last: date) -> None:
        self._last, self._since = last, first - timedelta(days=HISTORY_DAYS)
        self._stamp: object = None
        self._history: History | None = None
        self._urls = pl.Series(dtype=pl.String)

    def refresh(self, connection: Connection) -> None:
        """Read it, unless that was done and nothing it is made of has been written since."""
        stamp = connection.execute(queries.STAMP).fetchone()
        if self._history is not None and stamp == self._stamp:
            return
        numbered = number(connection, self._last, since=self._since)
        self._history = read_history(numbered)
        self._urls = numbered.frame(queries.URLS, URLS)["product_url"]
        self._stamp = stamp

    def of(self, products: pl.DataFrame, as_of: date) -> History:
        """Return what was known on a morning, by that morning's numbers; after `refresh`.

        Args:
            products: Those of the morning; all that sold before it are among them.
        """
        if self._history is None:
            raise ValueError("nothing was read yet")
        morning = day_number(as_of)
        history = self._history.before(morning, since=morning - HISTORY_DAYS)
        urls = self._urls.gather(history.keys).to_frame("product_url")
        numbers = urls.join(products, on="product_url", how="left", maintain_order="left")
        return replace(history, keys=numbers["number"].alias("product_url"))


def read(
    connection: Connection, as_of: date, *, observed: date | None, past: Past | None = None
) -> tuple[PlanInputs, NumberedProducts]:
    """Return what was known on a morning, and its products by number for what else is read.

    Stock is that of now from the last observed day on, and of the end of the last observed day
    before the morning for the past. Of the catalogue, suppliers, rules and open orders there is no
    history: they are those of now.

    Args:
        connection: To the warehouse; better in a transaction, so that all is of one moment.
        observed: The last day on which stock was read; None = never.
        past: Where demand is shared with other mornings.
    """
    is_past = observed is not None and as_of < observed
    with database_errors("reading the plan's inputs"):
        if past is not None:
            past.refresh(connection)
        since = as_of - timedelta(days=HISTORY_DAYS)
        numbered = number(connection, as_of, since=since, is_past=is_past)
        products = numbered.frame(queries.PRODUCTS, PRODUCTS)
        demand = past.of(products, as_of) if past else read_history(numbered)
        demand, large = _bounded(numbered, demand)
        open_lines = numbered.frame(queries.OPEN_LINES, OPEN)
        adjustments = numbered.frame(queries.ADJUSTMENTS, ADJUSTMENTS)
    return PlanInputs(as_of, products, demand, open_lines, adjustments, large), numbered


def read_history(numbered: NumberedProducts) -> History:
    """Return the demand of the numbered products from its first day to the morning."""
    sales = _sales(numbered)
    numbers = sales["product_url"].unique().to_list()
    first = numbered.frame(queries.FIRST, FIRST, numbers=numbers)
    censored = numbered.frame(queries.CENSORED, CENSORED)
    whole = history(sales, first_on=first, censored=censored)
    return whole.before(day_number(numbered.as_of), since=day_number(numbered.since))


def _sales(numbered: NumberedProducts) -> pl.DataFrame:
    """Return demand by number and day, without the days that teach nothing.

    Months before that of `as_of` come packed, as far as they are; all months come whole.
    """
    began = numbered.connection.execute(queries.DEMAND_BEGAN).fetchone()
    until, since = numbered.as_of, numbered.as_of
    if began is not None and began[0] is not None:
        since = min(max(numbered.since, began[0]), until)
    month, first = until.replace(day=1), since.replace(day=1)
    pieces = [of_days(*numbered.packed(queries.SOLD, since=month, until=until))]
    while first < until:
        end = _months_after(first, PART_MONTHS)
        whole = {"since": first, "until": min(end, month)}
        pieces.append(of_months(*numbered.packed(queries.PACKED, **whole)))
        pieces.append(of_days(*numbered.packed(queries.UNPACKED, **whole)))
        pieces.append(of_days(*numbered.packed(queries.USED, since=first, until=min(end, until))))
        first = end
    sales = joined(pieces)
    left_out = numbered.frame(queries.LEFT_OUT, LEFT_OUT)
    if left_out.is_empty():
        return sales
    return sales.join(left_out, on=list(LEFT_OUT), how="anti", maintain_order="left")


def _months_after(day: date, months: int) -> date:
    """Return the first day of the month that is so many months after that of a day."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _bounded(numbered: NumberedProducts, history: History) -> tuple[History, pl.DataFrame]:
    """Return a history in which no single order counts for more than other orders make usual."""
    numbers = suspects(history)
    if not numbers:
        return history, pl.DataFrame(schema=SHARES)
    large = numbered.frame(
        queries.LARGE_ORDERS,
        LARGE,
        since=date.fromordinal(EPOCH + history.begins),
        numbers=numbers,
        times=USUAL_TIMES,
        others=LEAST_OTHERS,
    )
    return bounded(history, large, numbered.as_of)


def read_demand(connection: Connection, as_of: date) -> tuple[History, Floats]:
    """Return all demand up to a day of what is in the catalogue, and what a unit of each costs.

    As the plan reads it: a single order counts for what is usual.
    """
    with database_errors("reading demand"), connection.transaction():
        numbered = number(connection, as_of + timedelta(days=1), since=date.min)
        history, _ = _bounded(numbered, read_history(numbered))
        costs = numbered.frame(queries.COSTS, {"unit_cost": pl.Float64})["unit_cost"]
        return history, costs.gather(history.keys).fill_null(np.nan).to_numpy()
