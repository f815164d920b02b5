"""Decides again, in the transaction of the stock, for every product of which something changed.

The demand of the newest plan stands; stock, open orders, terms and rules are those of now. The
day's lines move with the decisions and keep what buyers changed.
"""

from datetime import date, datetime

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import decisions as stored
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.store import Counts


def followed(settings: Settings) -> str:
    """Return the settings that decisions follow, as text to compare."""
    return repr(
        (
            settings.reorder_points,
            settings.low_stock_default_units,
            settings.default_lead_time_days,
            settings.review_period_days,
            settings.cover_days,
        )
    )


def note(
    connection: Connection, plan_on: date, stock_on: date, settings: Settings, *, now: datetime
) -> None:
    """Remember what decisions were made of, and which items alerts have to look at again."""
    state = stored.DecisionState(plan_on, stock_on, now, followed(settings))
    stored.keep_state(connection, state)


def decide_again(
    connection: Connection, settings: Settings, *, stock_on: date, now: datetime
) -> Counts | None:
    """Decide again for what changed since decisions were last made.

    On a new day, and when the settings changed, that is every product of the plan: dates move.

    Args:
        connection: In the transaction that wrote the stock.

    Returns:
        What happened to plan.decision; None when nothing was ever planned.
    """
    with database_errors("deciding again"):
        locks.acquire_until_commit(connection, Lock.PLANNING)
        state = stored.state_of(connection)
        if state is None:
            return None
        # Where nothing was ever planned, forecasts would take longer to import than a small sync.
        from finale_pipeline.planning.redeciding import decide_changed

        is_all = state.decided_for_on != stock_on or state.settings != followed(settings)
        counts = decide_changed(
            connection, settings, state, stock_on=stock_on, is_all=is_all, now=now
        )
        note(connection, state.snapshot_on, stock_on, settings, now=now)
        return counts
