"""Decides again, in the transaction of the stock, for every product of which something changed.

The demand of the newest plan stands; stock, open orders, terms and rules are those of now. The
day's lines move with the decisions and keep what buyers changed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from psycopg.rows import class_row

from finale_pipeline.planning.deciding import decide_products
from finale_pipeline.planning.reading import OPEN, PRODUCTS, Schema, bound, copied
from finale_pipeline.planning.terms import with_terms
from finale_pipeline.planning.writing import LINES, write_decisions
from finale_pipeline.warehouse.connect import Connection, database_errors, trusted
from finale_pipeline.warehouse.reads import planning as queries
from finale_pipeline.warehouse.store import Counts

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

PLANNING_LOCK = 7_281_002
"""Advisory lock: plans and decisions are written one after the other."""
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

CHANGED = """
SELECT product_url FROM core.stock_level WHERE changed_at > %(since)s
UNION SELECT l.product_url FROM core.purchase_order o JOIN core.purchase_order_line l
      USING (order_url) WHERE o.changed_at > %(since)s OR l.changed_at > %(since)s
UNION SELECT product_url FROM core.product WHERE changed_at > %(since)s
UNION SELECT product_url FROM core.product_supplier WHERE changed_at > %(since)s
UNION SELECT product_url FROM core.reorder_rule WHERE changed_at > %(since)s
UNION SELECT s.product_url FROM core.vendor v JOIN core.product_supplier s USING (vendor_url)
      WHERE v.changed_at > %(since)s
UNION SELECT product_url FROM plan.product_term
UNION SELECT s.product_url FROM plan.vendor_term t JOIN core.product_supplier s USING (vendor_url)
UNION SELECT product_url FROM plan.decision WHERE snapshot_on = %(plan_on)s
      AND (reorder_point_source = 'buyer' OR maximum_units IS NOT NULL
           OR lead_time_source = 'agreed')
"""
"""What people fix has no time of change, so it is looked at each time."""
NUMBERED = """
CREATE TEMP TABLE planned ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY d.product_url COLLATE "C") - 1 AS number, d.product_url
FROM plan.demand d JOIN core.product p USING (product_url)
WHERE d.snapshot_on = %(plan_on)s AND p.removed_at IS NULL
  AND (%(all)s OR d.product_url IN ({changed}))
"""
STOCK = """
CREATE TEMP TABLE planned_stock ON COMMIT DROP AS
SELECT product_url, available_units, on_order_units FROM core.stock_level JOIN planned
USING (product_url)
"""
DEMAND_OF_DAY = """
SELECT n.number, d.velocity_units_per_day, d.service_level, d.protection_days,
       d.demand_service_units, d.history_days, d.basis, d.is_trusted,
       'velocity_last_known' = ANY (d.demand_flags), coalesce(d.demand_note, '')
FROM planned n JOIN plan.demand d ON d.product_url = n.product_url AND d.snapshot_on = {plan_on}
ORDER BY n.number
"""
REMOVED = "product_url IN (SELECT product_url FROM core.product WHERE removed_at > %(since)s)"
TO_EVALUATE = """
INSERT INTO ops.touched_item SELECT product_url FROM plan.decision
WHERE snapshot_on = %s AND changed_at = %s AND EXISTS (SELECT FROM ops.evaluation)
ON CONFLICT (product_url) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class DecisionState:
    """What the newest decisions were made of.

    Attributes:
        snapshot_on: Day of the plan whose demand they follow.
        decided_for_on: Business day of the stock.
        decided_at: UTC.
        settings: Those that they follow, as `followed` writes them.
    """

    snapshot_on: date
    decided_for_on: date
    decided_at: datetime
    settings: str


def state_of(connection: Connection) -> DecisionState | None:
    """Return what the newest decisions were made of; None = nothing was ever planned."""
    with connection.cursor(row_factory=class_row(DecisionState)) as cursor:
        return cursor.execute(
            "SELECT snapshot_on, decided_for_on, decided_at, settings FROM plan.decision_state"
        ).fetchone()


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
    connection.execute(
        "INSERT INTO plan.decision_state (only_row, snapshot_on, decided_for_on, decided_at,"
        " settings) VALUES (true, %s, %s, %s, %s) ON CONFLICT (only_row) DO UPDATE SET"
        " snapshot_on = excluded.snapshot_on, decided_for_on = excluded.decided_for_on,"
        " decided_at = excluded.decided_at, settings = excluded.settings"
        " WHERE decision_state.snapshot_on <= excluded.snapshot_on",
        (plan_on, stock_on, now, followed(settings)),
    )
    connection.execute(TO_EVALUATE, (plan_on, now))


def decide_again(
    connection: Connection, settings: "Settings", *, stock_on: date, now: datetime
) -> Counts | None:
    """Decide again for what changed since decisions were last made.

    On a new day, and when the settings changed, that is every product of the plan: dates move.

    Args:
        connection: In the transaction that wrote the stock.
        settings: Terms that hold for all.
        stock_on: Business day of the stock.
        now: UTC.

    Returns:
        What happened to plan.decision; None when nothing was ever planned.
    """
    with database_errors("deciding again"):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (PLANNING_LOCK,))
        state = state_of(connection)
        if state is None:
            return None
        is_all = state.decided_for_on != stock_on or state.settings != followed(settings)
        since = state.decided_at - OVERLAP
        values = {"plan_on": state.snapshot_on, "since": since, "all": is_all}
        connection.execute("DROP TABLE IF EXISTS pg_temp.planned_stock, pg_temp.planned")
        connection.execute(trusted(NUMBERED.format(changed=CHANGED)), values)
        connection.execute(STOCK)
        connection.execute("ANALYZE planned, planned_stock")
        for table in ("plan.decision", LINES):
            connection.execute(
                trusted(f"DELETE FROM {table} WHERE snapshot_on = %(plan_on)s AND {REMOVED}"),  # noqa: S608
                values,
            )
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
    demand = copied(connection, bound(connection, DEMAND_OF_DAY, values), {}, DEMAND)
    open_lines = copied(connection, queries.OPEN_LINES, values, OPEN)
    demand = demand.with_columns(
        pl.col("is_last_known").cast(pl.Float64), pl.col("demand_note").fill_null("")
    )
    return products.join(demand, on="number", maintain_order="left"), open_lines
