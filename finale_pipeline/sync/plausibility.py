"""Holds what cannot be believed: nothing is changed, the difference is kept for a person."""

from collections.abc import Sequence

from finale_pipeline.domain.states import HoldState
from finale_pipeline.errors import ImplausibleError
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import holds
from finale_pipeline.warehouse.holds import Difference

SMALL = 5
"""So many more than what a person approved may be lost meanwhile."""
GROWTH = 1.05
SAMPLE = 20
"""Records that are shown to the person who decides."""


def hold_unless_accepted(run: SyncRun, subject: str, difference: Difference, *, data: str) -> None:
    """Return when a person has approved this difference; else keep it and stop.

    An approval covers what the person saw: a read that would take away more is held again.

    Args:
        subject: What is held: `stock`, or a table.

    Raises:
        ImplausibleError: It is held.
    """
    if run.accept_implausible:
        seen = holds.standing(run.connection, subject)
        if seen is None or difference.after["lost"] <= seen.after["lost"] * GROWTH + SMALL:
            return
    with run.batch(f"holding {subject}"):
        holds.keep(run.connection, run.run_id, subject, difference, now=run.clock())
    raise ImplausibleError(
        f"{subject} cannot be believed: {'; '.join(difference.reasons)}.",
        data=data,
        step=f"Look at Finale. If it is true: finale approve {run.run_id}"
        f" (it shows the difference first); if not: finale reject {run.run_id}.",
    )


def vanished(why: str, *, live: int, missing: Sequence[str]) -> Difference:
    """Return the difference of records that a complete read no longer has.

    Args:
        missing: Keys of those that are gone.
    """
    return Difference(
        [why],
        {"records": live},
        {"records": live - len(missing), "lost": len(missing)},
        [{"record": url} for url in missing[:SAMPLE]],
    )


def settle(run: SyncRun, subject: str) -> None:
    """End a standing hold, in the transaction that writes a read after all."""
    state: HoldState = "approved" if run.accept_implausible else "passed"
    holds.settle(run.connection, subject, state, now=run.clock())
