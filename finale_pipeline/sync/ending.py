"""How a run ends: whatever happens, its row in the ledger gets its final state."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from finale_pipeline.errors import (
    ImplausibleError,
    InterruptedSync,
    LocalError,
    PipelineError,
    SkippedError,
    ThrottledError,
)
from finale_pipeline.warehouse import leases
from finale_pipeline.warehouse.connect import connect
from finale_pipeline.warehouse.leases import Ending

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun

log = logging.getLogger(__name__)


@contextmanager
def closing(run: "SyncRun", url: str) -> Iterator[None]:
    """Write the run's ending, whatever it is."""
    try:
        yield
    except PipelineError as error:
        _end(run, url, _ending(error))
        raise
    except psycopg.Error as error:
        lost = LocalError(
            f"The database failed: {' '.join(str(error).split())}.",
            step="Run again; it goes on from the checkpoint.",
        )
        _end(run, url, _ending(lost))
        raise lost from error
    except Exception as error:
        _end(run, url, Ending("failed", "BUG", f"{type(error).__name__}: {error}"))
        raise
    except BaseException:  # Ctrl-C, exit, or Dagster's own interruption
        stop = InterruptedSync("The process was asked to stop.")
        _end(run, url, _ending(stop))
        raise
    _end(run, url, Ending("done"))


def _ending(error: PipelineError) -> Ending:
    retry_at = error.retry_at if isinstance(error, ThrottledError) else None
    return Ending(_status(error), error.kind, str(error), retry_at)


def _status(error: PipelineError) -> str:
    statuses: dict[type[PipelineError], str] = {
        SkippedError: "skipped",
        ThrottledError: "throttled",
        ImplausibleError: "held",
        InterruptedSync: "interrupted",
    }
    return next((name for kind, name in statuses.items() if isinstance(error, kind)), "failed")


def _end(run: "SyncRun", url: str, ending: Ending) -> None:
    """Close the row; over a new connection when the run's own is gone.

    When the database takes no row at all, the next sync finds the run without its life lock and
    closes it, so this must not hide the error that ended the run.
    """
    usage = run.client.usage
    report = {
        "now": run.clock(),
        "counts": {table: counts.as_dict() for table, counts in run.counts.items()},
        "api_calls": usage.api_calls,
        "bytes_read": usage.bytes,
    }
    try:
        leases.close_run(run.connection, run.run_id, ending, **report)  # type: ignore[arg-type]
    except psycopg.Error:
        with suppress(PipelineError, psycopg.Error), connect(url, name="finale ending") as other:
            leases.close_run(other, run.run_id, ending, **report)  # type: ignore[arg-type]
        log.warning("sync run %s could not be closed over its own connection", run.run_id)
