"""What the newest decisions follow, and those of products that are removed."""

from dataclasses import astuple, dataclass
from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, columns_of

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


def delete_of_removed(
    connection: Connection, table: str, *, plan_on: date, since: datetime
) -> None:
    """Delete a day's rows of products that were removed since a moment."""
    connection.execute(
        f"DELETE FROM {table} WHERE snapshot_on = %(plan_on)s AND {REMOVED}",
        {"plan_on": plan_on, "since": since},
    )
