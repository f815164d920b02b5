"""The warehouse → frames: what was known on a morning, whole columns at a time.

Products are numbered in the order of their keys, and everything else refers to those numbers: a
history of ten million sales holds no text.
"""

from collections.abc import Mapping
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
from finale_pipeline.warehouse.frames import Schema, copied
from finale_pipeline.warehouse.packed import packed
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
        self._values = {"as_of": last, "since": first - timedelta(days=HISTORY_DAYS)}
        self._stamp: object = None
        self._history: History | None = None
        self._urls = pl.Series(dtype=pl.String)

    def refresh(self, connection: Connection) -> None:
        """Read it, unless that was done and nothing it is made of has been written since."""
        stamp = connection.execute(queries.STAMP).fetchone()
        if self._history is not None and stamp == self._stamp:
            return
        queries.number(connection, queries.STOCK_NOW, self._values)
        self._history = read_history(connection, self._values)
        self._urls = copied(connection, queries.URLS, {}, URLS)["product_url"]
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
) -> PlanInputs:
    """Read what was known on a morning.

    Stock is that of now from the last observed day on, and of the end of the last observed day
    before the morning for the past. Of the catalogue, suppliers, rules and open orders there is no
    history: they are those of now.

    Args:
        connection: To the warehouse; better in a transaction, so that all is of one moment.
        observed: The last day on which stock was read; None = never.
        past: Where demand is shared with other mornings.
    """
    values = {"as_of": as_of, "since": as_of - timedelta(days=HISTORY_DAYS)}
    stock = queries.STOCK_NOW if observed is None or as_of >= observed else queries.STOCK_THEN
    with database_errors("reading the plan's inputs"):
        if past is not None:
            past.refresh(connection)
        queries.number(connection, stock, values)
        products = copied(connection, queries.PRODUCTS, values, PRODUCTS)
        demand = past.of(products, as_of) if past else read_history(connection, values)
        demand, large = _bounded(connection, demand, as_of)
        open_lines = copied(connection, queries.OPEN_LINES, values, OPEN)
        adjustments = copied(connection, queries.ADJUSTMENTS, values, ADJUSTMENTS)
    return PlanInputs(as_of, products, demand, open_lines, adjustments, large)


def read_history(connection: Connection, values: Mapping[str, date]) -> History:
    """Return the demand of the numbered products between two days."""
    sales = _sales(connection, values)
    numbers = sales["product_url"].unique().to_list()
    first = copied(connection, queries.FIRST, {**values, "numbers": numbers}, FIRST)
    censored = copied(connection, queries.CENSORED, values, CENSORED)
    since = day_number(values["since"])
    whole = history(sales, first_on=first, censored=censored)
    return whole.before(day_number(values["as_of"]), since=since)


def _sales(connection: Connection, values: Mapping[str, date]) -> pl.DataFrame:
    """Return demand by number and day, without the days that teach nothing.

    Months before that of `as_of` come packed, as far as they are; all months come whole.
    """
    began = connection.execute(queries.DEMAND_BEGAN).fetchone()
    until, since = values["as_of"], values["as_of"]
    if began is not None and began[0] is not None:
        since = min(max(values["since"], began[0]), until)
    month, first = until.replace(day=1), since.replace(day=1)
    pieces = [of_days(*packed(connection, queries.SOLD, {"since": month, "until": until}))]
    while first < until:
        end = _months_after(first, PART_MONTHS)
        whole = {"since": first, "until": min(end, month)}
        pieces.append(of_months(*packed(connection, queries.PACKED, whole)))
        pieces.append(of_days(*packed(connection, queries.UNPACKED, whole)))
        part = {"since": first, "until": min(end, until)}
        pieces.append(of_days(*packed(connection, queries.USED, part)))
        first = end
    sales = joined(pieces)
    left_out = copied(connection, queries.LEFT_OUT, values, LEFT_OUT)
    if left_out.is_empty():
        return sales
    return sales.join(left_out, on=list(LEFT_OUT), how="anti", maintain_order="left")


def _months_after(day: date, months: int) -> date:
    """Return the first day of the month that is so many months after that of a day."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _bounded(connection: Connection, history: History, as_of: date) -> tuple[History, pl.DataFrame]:
    """Return a history in which no single order counts for more than other orders make usual."""
    numbers = suspects(history)
    if not numbers:
        return history, pl.DataFrame(schema=SHARES)
    values = {
        "as_of": as_of,
        "since": date.fromordinal(EPOCH + history.begins),
        "numbers": numbers,
        "times": USUAL_TIMES,
        "others": LEAST_OTHERS,
    }
    return bounded(history, copied(connection, queries.LARGE_ORDERS, values, LARGE), as_of)


def read_demand(connection: Connection, as_of: date) -> tuple[History, Floats]:
    """Return all demand up to a day of what is in the catalogue, and what a unit of each costs.

    As the plan reads it: a single order counts for what is usual.
    """
    after = as_of + timedelta(days=1)
    values = {"as_of": after, "since": date.min}
    with database_errors("reading demand"), connection.transaction():
        queries.number(connection, queries.STOCK_NOW, values)
        history, _ = _bounded(connection, read_history(connection, values), after)
        costs = copied(connection, queries.COSTS, values, {"unit_cost": pl.Float64})["unit_cost"]
        return history, costs.gather(history.keys).fill_null(np.nan).to_numpy()
