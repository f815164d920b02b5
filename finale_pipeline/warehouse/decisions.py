"""What decisions are made again of, and what the newest ones follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date, datetime

import polars as pl

from finale_pipeline.warehouse.connect import Connection, columns_of
from finale_pipeline.warehouse.frames import Schema, copied
from finale_pipeline.warehouse.reads.planning import STOCK_NOW

CHANGED = """
SELECT product_url FROM core.stock_level WHERE changed_at > %(since)s
UNION SELECT l.product_url FROM core.purchase_order o JOIN core.purchase_order_line l
      USING (order_url) WHERE o.changed_at > %(since)s OR l.changed_at > %(since)s
UNION SELECT product_url FROM core.product WHERE changed_at > %(since)s
UNION SELECT product_url FROM core.product_supplier WHERE changed_at > %(since)s
UNION SELECT product_url FROM core.reorder_rule WHERE changed_at > %(since)s
UNION SELECT s.product_url FROM core.vendor v JOIN core.product_supplier s USING (vendor_url)
      WHERE v.changed_at > %(since)s
UNION SELECT l.product_url FROM core.build b JOIN core.build_line l USING (build_url)
      WHERE l.product_url IS NOT NULL AND (b.changed_at > %(since)s OR l.changed_at > %(since)s)
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
WHERE d.snapshot_on = %(plan_on)s AND p.removed_at IS NULL{narrowed}
"""

STOCK = f"""
CREATE TEMP TABLE planned_stock ON COMMIT DROP AS
SELECT s.* FROM ({STOCK_NOW}) s JOIN planned USING (product_url)
"""

DEMAND_OF_DAY = """
SELECT n.number, d.velocity_units_per_day, d.service_level, d.protection_days,
       d.demand_service_units, d.history_days, d.basis, d.is_trusted,
       'velocity_last_known' = ANY (d.demand_flags), coalesce(d.demand_note, '')
FROM planned n JOIN plan.demand d ON d.product_url = n.product_url AND d.snapshot_on = {plan_on}
ORDER BY n.number
"""

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

REMOVED = "product_url IN (SELECT product_url FROM core.product WHERE removed_at > %(since)s)"

TO_EVALUATE = """
INSERT INTO ops.touched_item SELECT product_url FROM plan.decision
WHERE snapshot_on = %s AND changed_at = %s AND EXISTS (SELECT FROM ops.evaluation)
ON CONFLICT (product_url) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class DecisionState:
    """What the newest decisions were made of: the row of plan.decision_state."""

    snapshot_on: date
    decided_for_on: date
    decided_at: datetime
    settings: str


def state_of(connection: Connection) -> DecisionState | None:
    """Return what the newest decisions were made of; None = nothing was ever planned."""
    query = f"SELECT {columns_of(DecisionState)} FROM plan.decision_state"
    return connection.one(DecisionState, query)


def keep_state(connection: Connection, state: DecisionState) -> None:
    """Note what decisions were made of, and which items alerts have to look at again."""
    connection.execute(
        "INSERT INTO plan.decision_state (only_row, snapshot_on, decided_for_on, decided_at,"
        " settings) VALUES (true, %s, %s, %s, %s) ON CONFLICT (only_row) DO UPDATE SET"
        " snapshot_on = excluded.snapshot_on, decided_for_on = excluded.decided_for_on,"
        " decided_at = excluded.decided_at, settings = excluded.settings"
        " WHERE decision_state.snapshot_on <= excluded.snapshot_on",
        astuple(state),
    )
    connection.execute(TO_EVALUATE, (state.snapshot_on, state.decided_at))


@contextmanager
def number_changed(
    connection: Connection, plan_on: date, *, since: datetime, everything: bool
) -> Iterator[None]:
    """Number the products of a plan of which something changed, for the statements of a plan.

    Args:
        connection: In a transaction.
        everything: Take all its products, also where nothing changed.
    """
    values = {"plan_on": plan_on, "since": since}
    # A condition of its own is joined; beside an OR it would be looked up row by row, and where
    # nearly all products changed that never ends.
    narrowed = "" if everything else f" AND d.product_url IN ({CHANGED})"
    connection.execute("DROP TABLE IF EXISTS pg_temp.planned_stock, pg_temp.planned")
    connection.execute(NUMBERED.format(narrowed=narrowed), values)
    connection.execute(STOCK)
    connection.execute("ANALYZE planned, planned_stock")
    yield
    connection.execute("DROP TABLE planned_stock, planned")


def demand_of(connection: Connection, plan_on: date) -> pl.DataFrame:
    """Return a plan's demand of the numbered products, as `DEMAND`."""
    return copied(connection, DEMAND_OF_DAY, {"plan_on": plan_on}, DEMAND)


def delete_of_removed(
    connection: Connection, table: str, *, plan_on: date, since: datetime
) -> None:
    """Delete a day's rows of products that were removed since a moment."""
    connection.execute(
        f"DELETE FROM {table} WHERE snapshot_on = %(plan_on)s AND {REMOVED}",
        {"plan_on": plan_on, "since": since},
    )
