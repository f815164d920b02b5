"""A plan's decisions once more: its demand with the stock, orders, terms and rules of now."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from finale_pipeline.planning.deciding import decide_products
from finale_pipeline.planning.drafts import draft_lines
from finale_pipeline.planning.reading import OPEN, PRODUCTS
from finale_pipeline.planning.terms import with_terms
from finale_pipeline.planning.writing import write_decisions
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import decisions as stored
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.decisions import DecisionState
from finale_pipeline.warehouse.frames import Schema
from finale_pipeline.warehouse.numbered import NumberedProducts, number_changed
from finale_pipeline.warehouse.plan_days import LINES
from finale_pipeline.warehouse.reads import planning as queries
from finale_pipeline.warehouse.store import Counts

OVERLAP = timedelta(hours=1)
"""Another sync may commit what it marked as changed before our last look; so we look back."""

DEMAND: Schema = {
    "number": pl.Int64,
    "velocity_units_per_day": pl.Float64,
    "service_level": pl.Float64,
    "protection_days": pl.Float64,
    "demand_service_units": pl.Float64,
    "history_days": pl.Float64,
    "basis": pl.String,
    "is_trusted": pl.Boolean,
    "is_last_known": pl.Boolean,
    "demand_note": pl.String,
}


def decide_changed(
    connection: Connection,
    settings: Settings,
    state: DecisionState,
    *,
    stock_on: date,
    is_all: bool,
    now: datetime,
) -> Counts:
    """Decide for what changed since decisions were last made; what was removed goes.

    Args:
        connection: In the transaction that wrote the stock.
        state: What decisions were last made of.
        is_all: Whether every product of the plan counts as changed.
    """
    since, plan_on = state.decided_at - OVERLAP, state.snapshot_on
    for table in ("plan.decision", LINES):
        stored.delete_of_removed(connection, table, plan_on=plan_on, since=since)
    changed_since = None if is_all else since
    with number_changed(connection, plan_on, stock_on, since=changed_since) as numbered:
        products, open_lines = _read(numbered, plan_on)
    products = with_terms(products, settings)
    decided, _ = decide_products(products, open_lines, stock_on, settings)
    return write_decisions(connection, decided, plan_on, stock_on, now=now)


def due_within(
    connection: Connection, settings: Settings, *, stock_on: date, days: int
) -> list[dict[str, Any]]:
    """Return the lines that would be ordered now if the next chance came so many days later.

    It is the decision of every day, with that much longer until the next review; nothing is
    written.

    Returns:
        The columns of a plan's lines, and `cover_now_days` without them.
    """
    with database_errors("deciding ahead"):
        state = stored.state_of(connection)
        if state is None:
            return []
        plan_on = state.snapshot_on
        with number_changed(connection, plan_on, stock_on, since=None) as numbered:
            products, open_lines = _read(numbered, plan_on)
    longer = pl.col("review_period_days") + days
    products = with_terms(products, settings).with_columns(review_period_days=longer)
    decided, _ = decide_products(products, open_lines, stock_on, settings)
    pace = pl.col("velocity_units_per_day")
    now = pl.when(pace > 0).then(pl.col("cover_after_days") - pl.col("quantity_units") / pace)
    covers = decided.select("product_url", cover_now_days=now)
    lines = draft_lines(decided, plan_on, stock_on)
    return lines.join(covers, on="product_url").to_dicts()


def _read(numbered: NumberedProducts, plan_on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the numbered products with terms, stock and the day's demand; and open lines."""
    products = numbered.frame(queries.PRODUCTS, PRODUCTS)
    open_lines = numbered.frame(queries.OPEN_LINES, OPEN)
    demand = numbered.frame(queries.DEMAND_OF_DAY, DEMAND, plan_on=plan_on).with_columns(
        pl.col("is_last_known").cast(pl.Float64), pl.col("demand_note").fill_null("")
    )
    return products.join(demand, on="number", maintain_order="left"), open_lines
