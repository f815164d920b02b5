"""Finds the large sync that should go on by itself: never done yet, killed, deferred, cut off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finale_pipeline.domain.syncs.freshness import CLOCKS_APART
from finale_pipeline.domain.syncs.strategy import COVERED_BY
from finale_pipeline.warehouse.reads import runs
from finale_pipeline.warehouse.reads.runs import LastRun

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

PAUSES: Sequence[int] = (1, 5, 15, 60, 180)
"""Minutes before the first, second, … attempt to go on; after that a person should look."""
FIRST_AGAIN = timedelta(hours=1)
"""So often the first full sync is tried again whatever failed: somebody may have mended it."""
HEALING = {"LOCAL", "TRANSIENT", "CRASHED", "STUCK"}
"""Classes of failure that may be gone the next time."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A sync that should go on.

    Attributes:
        key: Names this attempt, so that it is asked for once.
        dagster_run_id: Dagster's id of the run that did not finish.
    """

    strategy: str
    key: str
    dagster_run_id: str | None = None


def unfinished(connection: "Connection", *, now: datetime) -> Unfinished | None:
    """Return the large sync that should go on now, or None.

    That is the first full sync of an empty warehouse, and a full or active one that was killed,
    interrupted, deferred by the source's budget, or failed by a sick source. The small ones wait
    for their next tick. What a person must look at (held, refused, wrong settings, stopped at the
    terminal) is left alone; only a first full sync that failed so is tried again, every hour.
    """
    for strategy in ("full", "active"):
        covering = [strategy, *COVERED_BY[strategy]]
        last = runs.last_of(connection, covering)
        if last is None:
            return Unfinished("full", "first sync") if strategy == "full" else None
        due_at = _due_again(last, was_ever_full=runs.was_ever_full(connection))
        # What ended in the future was noted by a clock that was ahead: it may go on now.
        is_ahead = last.finished_at is not None and last.finished_at > now + CLOCKS_APART
        if due_at is not None and (due_at <= now or is_ahead):
            return Unfinished(strategy, f"goes on after {last.run_id}", last.dagster_run_id)
    return None


def _due_again(last: LastRun, *, was_ever_full: bool) -> datetime | None:
    """Return when a sync should go on; None when it should not by itself."""
    if last.status == "throttled":
        return last.retry_at
    heals = last.status == "failed" and last.error_kind in HEALING
    heals = heals or (last.status == "interrupted" and last.trigger != "cli")
    if last.finished_at is None:
        return None
    if not heals or last.attempts > len(PAUSES):
        is_first = not was_ever_full and last.status == "failed"
        return last.finished_at + FIRST_AGAIN if is_first else None
    return last.finished_at + timedelta(minutes=PAUSES[max(last.attempts, 1) - 1])
