"""What decisions are made of and what they leave: statements, and what the newest ones follow."""

from dataclasses import dataclass
from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, objects_of, trusted

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
WHERE d.snapshot_on = %(plan_on)s AND p.removed_at IS NULL
  AND (%(all)s OR d.product_url IN ({changed}))
"""

STOCK = """
CREATE TEMP TABLE planned_stock ON COMMIT DROP AS
SELECT s.* FROM ({stock}) s JOIN planned USING (product_url)
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
    found = objects_of(
        connection,
        DecisionState,
        "SELECT snapshot_on, decided_for_on, decided_at, settings FROM plan.decision_state",
    )
    return found[0] if found else None


def keep_state(connection: Connection, state: DecisionState) -> None:
    """Note what decisions were made of, and which items alerts have to look at again."""
    connection.execute(
        "INSERT INTO plan.decision_state (only_row, snapshot_on, decided_for_on, decided_at,"
        " settings) VALUES (true, %s, %s, %s, %s) ON CONFLICT (only_row) DO UPDATE SET"
        " snapshot_on = excluded.snapshot_on, decided_for_on = excluded.decided_for_on,"
        " decided_at = excluded.decided_at, settings = excluded.settings"
        " WHERE decision_state.snapshot_on <= excluded.snapshot_on",
        (state.snapshot_on, state.decided_for_on, state.decided_at, state.settings),
    )
    connection.execute(TO_EVALUATE, (state.snapshot_on, state.decided_at))


def delete_of_removed(
    connection: Connection, table: str, *, plan_on: date, since: datetime
) -> None:
    """Delete a day's rows of products that were removed since a moment."""
    connection.execute(
        trusted(f"DELETE FROM {table} WHERE snapshot_on = %(plan_on)s AND {REMOVED}"),
        {"plan_on": plan_on, "since": since},
    )
