"""Decides again, in the transaction of the stock, for every product of which something changed.

The demand of the newest plan stands; stock, open orders, terms and rules are those of now. The
day's lines move with the decisions and keep what buyers changed.
"""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from finale_pipeline.planning.deciding import decide_products
from finale_pipeline.planning.reading import OPEN, PRODUCTS, Schema, bound, copied
from finale_pipeline.planning.terms import with_terms
from finale_pipeline.planning.writing import LINES, write_decisions
from finale_pipeline.warehouse import decisions as stored
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection, database_errors, trusted
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.reads import planning as queries
from finale_pipeline.warehouse.store import Counts

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

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


def followed(settings: "Settings") -> str:
    """Return the settings that decisions follow, as text to compare."""
    return repr(
        (
            settings.reorder_points, settings.low_stock_default_units,
            settings.default_lead_time_days, settings.review_period_days, settings.cover_days,
        )
    )  # fmt: skip


def note(
    connection: Connection, plan_on: date, stock_on: date, settings: "Settings", *, now: datetime
) -> None:
    """Remember what decisions were made of, and which items alerts have to look at again."""
    state = stored.DecisionState(plan_on, stock_on, now, followed(settings))
    stored.keep_state(connection, state)


def decide_again(
    connection: Connection, settings: "Settings", *, stock_on: date, now: datetime
) -> Counts | None:
    """Decide again for what changed since decisions were last made.

    On a new day, and when the settings changed, that is every product of the plan: dates move.

    Args:
        connection: In the transaction that wrote the stock.
        stock_on: Business day of the stock.

    Returns:
        What happened to plan.decision; None when nothing was ever planned.
    """
    with database_errors("deciding again"):
        locks.take_until_commit(connection, Lock.PLANNING)
        state = stored.state_of(connection)
        if state is None:
            return None
        is_all = state.decided_for_on != stock_on or state.settings != followed(settings)
        since = state.decided_at - OVERLAP
        values = {"plan_on": state.snapshot_on, "since": since, "all": is_all}
        connection.execute("DROP TABLE IF EXISTS pg_temp.planned_stock, pg_temp.planned")
        connection.execute(trusted(stored.NUMBERED.format(changed=stored.CHANGED)), values)
        connection.execute(trusted(stored.STOCK.format(stock=queries.STOCK_NOW)))
        connection.execute("ANALYZE planned, planned_stock")
        for table in ("plan.decision", LINES):
            stored.delete_of_removed(connection, table, plan_on=state.snapshot_on, since=since)
        products, open_lines = _read(connection, state.snapshot_on, stock_on)
        products = with_terms(products, settings)
        decided, _ = decide_products(products, open_lines, stock_on, settings)
        counts = write_decisions(connection, decided, state.snapshot_on, stock_on, now=now)
        note(connection, state.snapshot_on, stock_on, settings, now=now)
        connection.execute("DROP TABLE planned_stock, planned")
        return counts


def _read(
    connection: Connection, plan_on: date, stock_on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the numbered products with terms, stock and the day's demand; and open lines."""
    values = {"as_of": stock_on, "since": stock_on, "plan_on": plan_on}
    products = copied(connection, queries.PRODUCTS, values, PRODUCTS)
    demand = copied(connection, bound(connection, stored.DEMAND_OF_DAY, values), {}, DEMAND)
    open_lines = copied(connection, queries.OPEN_LINES, values, OPEN)
    demand = demand.with_columns(
        pl.col("is_last_known").cast(pl.Float64), pl.col("demand_note").fill_null("")
    )
    return products.join(demand, on="number", maintain_order="left"), open_lines
