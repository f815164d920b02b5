"""Runs one strategy in this process and reports it."""

import time
from typing import TYPE_CHECKING, Any

from finale_pipeline.errors import PipelineError
from finale_pipeline.sync.run import SyncRun, open_sync
from finale_pipeline.sync.strategies import STRATEGIES, TABLE_SETS

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings


class Report:
    """What a run did, as the commands print it.

    Args:
        strategy: Which.
    """

    def __init__(self, strategy: str) -> None:
        self.strategy = strategy
        self.error: PipelineError | None = None
        self.run: SyncRun | None = None
        self._begun = time.monotonic()

    def as_dict(self) -> dict[str, Any]:
        """Return the report; its names are promised."""
        run, error = self.run, self.error
        report: dict[str, Any] = {
            "strategy": self.strategy,
            "status": error.kind.lower() if error else "done",
            "run_id": run.run_id if run else None,
            "seconds": round(time.monotonic() - self._begun, 3),
            "api_calls": run.client.usage.api_calls if run else 0,
            "bytes": run.client.usage.bytes if run else 0,
            "tables": {t: c.as_dict() for t, c in run.counts.items()} if run else {},
        }
        return report | ({"error": str(error), "exit_code": error.exit_code} if error else {})


def run_strategy(
    settings: "Settings", strategy: str, *, trigger: str, accept_implausible: bool = False
) -> Report:
    """Run a strategy under the same rules as everywhere; its failure is in the report."""
    report = Report(strategy)
    try:
        with (
            open_sync(
                settings,
                strategy=strategy,
                trigger=trigger,
                table_sets=TABLE_SETS[strategy],
                accept_implausible=accept_implausible,
            ) as run,
        ):
            report.run = run
            STRATEGIES[strategy](run)
    except PipelineError as error:
        report.error = error
    return report
