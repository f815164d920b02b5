"""Finds the large sync that should go on by itself: never done yet, killed, deferred, cut off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finale_pipeline.domain.syncs.strategy import COVERED_BY

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
        strategy: Which.
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
        row = connection.execute(
            "SELECT run_id, dagster_run_id, trigger, status, error_kind, finished_at, retry_at,"
            " (SELECT count(*) FROM ops.sync_run WHERE strategy = ANY (%s) AND run_id >"
            "  (SELECT coalesce(max(run_id), 0) FROM ops.sync_run"
            "   WHERE strategy = ANY (%s) AND status = 'done')),"
            " EXISTS (SELECT FROM ops.sync_run WHERE strategy = 'full' AND status = 'done')"
            " FROM ops.sync_run WHERE strategy = ANY (%s) ORDER BY run_id DESC LIMIT 1",
            (covering, covering, covering),
        ).fetchone()
        if row is None:
            return Unfinished("full", "first sync") if strategy == "full" else None
        last = _Last(*row)
        due_at = last.due_again()
        if due_at is not None and due_at <= now:
            return Unfinished(strategy, f"goes on after {last.run_id}", last.dagster_run_id)
    return None


@dataclass(frozen=True, slots=True)
class _Last:
    """The newest run that covers a strategy, and how many there were since a good one."""

    run_id: int
    dagster_run_id: str | None
    trigger: str
    status: str
    error_kind: str | None
    finished_at: datetime | None
    retry_at: datetime | None
    attempts: int
    was_ever_full: bool

    def due_again(self) -> datetime | None:
        """Return when it should go on; None when it should not by itself."""
        if self.status == "throttled":
            return self.retry_at
        heals = self.status == "failed" and self.error_kind in HEALING
        heals = heals or (self.status == "interrupted" and self.trigger != "cli")
        if self.finished_at is None:
            return None
        if not heals or self.attempts > len(PAUSES):
            is_first = not self.was_ever_full and self.status == "failed"
            return self.finished_at + FIRST_AGAIN if is_first else None
        return self.finished_at + timedelta(minutes=PAUSES[max(self.attempts, 1) - 1])
