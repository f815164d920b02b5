"""Which endings of syncs a person hears of: a failure once, its end once, and nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from finale_pipeline.domain.states import RunStatus
from finale_pipeline.domain.syncs.strategy import COVERED_BY

DEFERRALS = 3
"""So many deferred runs in a row are told; fewer are the budget at work."""

RECENT = timedelta(days=1)
"""An ending that is older is no news, when the alerts look at a ledger for the first time."""

SyncProblemKind = Literal["failed", "held", "stuck", "deferred"]


@dataclass(frozen=True, slots=True)
class EndedSync:
    """A run of the ledger: when it ended, or gave its last sign of life, and how."""

    run_id: int
    strategy: str
    trigger: str
    status: RunStatus
    at: datetime
    error_kind: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SyncProblem:
    """What is wrong with the syncs of a strategy."""

    strategy: str
    kind: SyncProblemKind
    run: EndedSync


def trouble_of(
    strategy: str, runs: Sequence[EndedSync], *, now: datetime, stuck_after: timedelta
) -> SyncProblem | None:
    """Return the trouble a strategy is in, None = it works; a run is stuck after such a silence."""
    mine = [r for r in runs if r.strategy == strategy and not _is_private(r)]
    for run in reversed(mine):
        if run.status == "running" and now - run.at > stuck_after:
            return SyncProblem(strategy, "stuck", run)
    telling = [r for r in mine if r.status in {"done", "failed", "held", "throttled"}]
    if not telling or now - telling[-1].at > RECENT or is_covered(telling[-1], runs):
        return None
    last = telling[-1]
    if last.status == "held":
        return SyncProblem(strategy, "held", last)
    if last.status == "failed":
        return SyncProblem(strategy, "stuck" if last.error_kind == "STUCK" else "failed", last)
    row = telling[-DEFERRALS:]
    if len(row) == DEFERRALS and all(r.status == "throttled" for r in row):
        return SyncProblem(strategy, "deferred", last)
    return None


def is_covered(bad: EndedSync, runs: Sequence[EndedSync]) -> bool:
    """Whether a run that ended well later shows that the trouble is over."""
    covers = _covers(bad.strategy)
    return any(
        r.status == "done" and r.strategy in covers and r.at >= bad.at and r.run_id != bad.run_id
        for r in runs
    )


def works_again(strategy: str, runs: Sequence[EndedSync], *, since: datetime) -> EndedSync | None:
    """Return the run that ended a strategy's trouble; None while it lasts."""
    covers = _covers(strategy)
    good = [r for r in runs if r.status == "done" and r.strategy in covers and r.at >= since]
    return good[-1] if good else None


def _covers(strategy: str) -> tuple[str, ...]:
    """Return the strategies whose good end shows that one works; a backfill's is the full sync."""
    return (strategy, *COVERED_BY.get(strategy, ("full",)))


def _is_private(run: EndedSync) -> bool:
    """Whether only the person who clicked needs to know: they asked for what cannot be."""
    return run.trigger == "ui" and run.error_kind == "CONFIG"
