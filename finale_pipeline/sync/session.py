"""Opens and closes a run: checks, locks, the client; whatever happens, its row gets its end."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from finale_pipeline.clock import Clock, utc_now
from finale_pipeline.domain.states import RunStatus
from finale_pipeline.domain.syncs.strategy import COVERED_BY
from finale_pipeline.errors import (
    ConfigError,
    ImplausibleError,
    InterruptedSync,
    LocalError,
    PipelineError,
    SkippedError,
    ThrottledError,
)
from finale_pipeline.finale.transport import Source
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.source import open_client, source_of
from finale_pipeline.warehouse import accounts, leases, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_errors, database_url
from finale_pipeline.warehouse.leases import Ending, Progress
from finale_pipeline.warehouse.reads import runs
from finale_pipeline.warehouse.requests import OTHERS, SHARES

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def open_sync(
    settings: "Settings",
    *,
    strategy: str,
    trigger: str,
    table_sets: Sequence[str],
    asked_at: datetime | None = None,
    reason: str | None = None,
    dagster_run_id: str | None = None,
    accept_implausible: bool = False,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    on_progress: Callable[[Progress], object] | None = None,
    **client_options: Any,
) -> Iterator[SyncRun]:
    """Open a run: connect, check the schema and the account, take the locks, write the row.

    However the body ends, the row gets its final state.

    Args:
        asked_at: When it was asked for; a sync that began later and is done makes it needless.
        reason: Why this strategy, where it was chosen.
        accept_implausible: Whether a person wants a held read written.
        on_progress: Called after each batch.
        client_options: As `open_client` takes them; drills and benchmarks have some.

    Raises:
        SkippedError: Another sync works on one of the table sets, or did this work since it was
            asked for; nothing is written.
        SchemaMismatch: The database is not at this program's schema.
        ConfigError: No account is configured, or the database holds another account's data.
    """
    source = source_of(settings)
    url = database_url(settings)
    with (
        database_errors(f"the {strategy} sync began"),
        connect(url, name=f"finale {strategy}") as connection,
    ):
        schema.require_current(connection)
        leases.mark_crashed_runs(connection, now=clock())
        for table_set in table_sets:
            leases.lock(connection, table_set)
        refuse_another_account(connection, source)
        _refuse_needless(connection, strategy, asked_at, now=clock())
        share = SHARES.get("backfill" if strategy not in COVERED_BY else strategy, OTHERS)
        last_ended_at = runs.last_ended_at(connection)
        client_options |= {"share": share, "known": last_ended_at}
        with open_client(settings, url, clock=clock, sleep=sleep, **client_options) as client:
            # Not before: whatever fails from here on writes the row's ending.
            run_id = leases.open_run(
                connection,
                strategy=strategy,
                trigger=trigger,
                table_sets=table_sets,
                reason=reason,
                dagster_run_id=dagster_run_id,
                now=clock(),
            )
            run = SyncRun(
                settings,
                connection,
                client,
                run_id,
                strategy,
                clock,
                clock(),
                sleep,
                accept_implausible=accept_implausible,
                on_progress=on_progress,
            )
            with _closing(run, url), run.stop.on_signals():
                yield run


def _refuse_needless(
    connection: Connection, strategy: str, asked_at: datetime | None, *, now: datetime
) -> None:
    """Two who ask at the same time get one sync, even when the first is done already."""
    if asked_at is None:
        return
    covering = runs.done_since(connection, [strategy, *COVERED_BY.get(strategy, ())], asked_at, now)
    if covering is not None:
        raise SkippedError(
            f"{covering[0]} sync {covering[1]} began after this one was asked for, and is done."
        )


def refuse_another_account(connection: Connection, source: Source) -> None:
    """Raise ConfigError where the database holds the data of another account."""
    owner = accounts.owner(connection)
    if owner is not None and owner.account_name != source.account:
        raise ConfigError(
            f"This database holds the account {owner.account_name}, and the settings name"
            f" {source.account}.",
            step="Use a database of its own for each account: another FINALE_DATABASE_URL or,"
            " with the embedded server, another FINALE_HOME.",
        )


@contextmanager
def _closing(run: SyncRun, url: str) -> Iterator[None]:
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


def _status(error: PipelineError) -> RunStatus:
    statuses: dict[type[PipelineError], RunStatus] = {
        SkippedError: "skipped",
        ThrottledError: "throttled",
        ImplausibleError: "held",
        InterruptedSync: "interrupted",
    }
    return next((name for kind, name in statuses.items() if isinstance(error, kind)), "failed")


def _end(run: SyncRun, url: str, ending: Ending) -> None:
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
