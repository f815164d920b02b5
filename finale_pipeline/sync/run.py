"""One execution of a sync: its row in the ledger, its locks, its connection, its ending."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from finale_pipeline.domain.catalog import too_many_rejects
from finale_pipeline.errors import (
    ConfigError,
    DriftError,
    ImplausibleError,
    InterruptedSync,
    LocalError,
    PipelineError,
    SkippedError,
    ThrottledError,
)
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.client import FinaleClient
from finale_pipeline.finale.transport import Source
from finale_pipeline.warehouse import leases, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_errors, database_url
from finale_pipeline.warehouse.leases import Ending
from finale_pipeline.warehouse.store import Counts

if TYPE_CHECKING:
    from finale_pipeline.finale.wire import Reject
    from finale_pipeline.settings import Settings

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
KEPT_REJECTS = 1_000
"""Rejected rows of one answer that are kept with their reason; the rest is counted."""


def utc_now() -> datetime:
    """Return the present time; the only place of a sync that asks the machine."""
    return datetime.now(UTC)


@dataclass
class SyncRun:
    """What a sync works with while it runs.

    Attributes:
        settings: The program's settings.
        connection: To the warehouse; it holds the locks, so losing it ends the run.
        client: To the source.
        run_id: The run's number in `ops.sync_run`.
        clock: Gives the time in UTC.
        accept_implausible: Whether a person has looked at a held read and wants it written.
        started_at: When it began, UTC.
        counts: What happened so far, per table.
        on_finished: Called with each asset whose tables were read to the end.
    """

    settings: "Settings"
    connection: Connection
    client: FinaleClient
    run_id: int
    clock: Clock
    started_at: datetime
    accept_implausible: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    on_finished: Callable[["SyncRun", str], object] | None = None
    on_progress: Callable[[str, float | None], object] | None = None

    @property
    def how_to_accept(self) -> str:
        """What a person does who has looked at a held read and believes it."""
        return (
            "Look at Finale. If it is true: finale sync STRATEGY --accept-implausible;"
            f" the numbers are in ops.sync_run where run_id = {self.run_id}."
        )

    def take(self, table_set: str) -> None:
        """Lock one more table set for the rest of the run.

        Raises:
            SkippedError: Another sync works on it.
        """
        leases.lock(self.connection, table_set)
        leases.note_lock(self.connection, self.run_id, table_set)

    def finish(self, asset: str) -> None:
        """Tell that the tables of an asset were read to the end."""
        if self.on_finished is not None:
            self.on_finished(self, asset)

    def add(self, table: str, counts: Counts) -> None:
        """Add to what happened to a table; call it after its transaction."""
        self.counts[table] = self.counts.get(table, Counts()) + counts

    @contextmanager
    def batch(self, step: str, progress: float | None = None) -> Iterator[None]:
        """One transaction of work: commits with a sign of life, or not at all.

        Args:
            step: What is being done, such as `products 3 of 38`.
            progress: Share of the run's work that is done with it, 0 to 1, where known.

        Raises:
            InterruptedSync: Someone closed this run.
            LocalError: The database failed; nothing of the batch stays.
        """
        with database_errors(step), self.connection.transaction():
            leases.beat(
                self.connection, self.run_id, now=self.clock(), step=step, progress=progress
            )
            _adopt(self)
            yield
        if self.on_progress is not None:
            self.on_progress(step, progress)

    def keep_rejects(self, table: str, rejects: "Sequence[Reject]") -> None:
        """Write rejected rows with their reasons, in the open transaction."""
        if not rejects:
            return
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ops.sync_reject (run_id, table_name, record_key, reason, sample,"
                " rejected_at) VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (self.run_id, table, r.key, r.reason, r.sample, self.clock())
                    for r in rejects[:KEPT_REJECTS]
                ],
            )

    def refuse_if_unreadable(
        self, table: str, rejects: "Sequence[Reject]", *, read: int, so_far: Counts
    ) -> None:
        """Stop before writing when too many rows of a table are unreadable.

        Args:
            table: The table.
            rejects: Of the answer at hand.
            read: Rows of the answer at hand.
            so_far: The same table's counts before it, in this run.

        Raises:
            DriftError: More than the allowed share is unreadable; the reasons are kept.
        """
        rejected = so_far.rejected + len(rejects)
        limit = self.settings.reject_limit
        if not rejects or not too_many_rejects(
            rejected=rejected, read=so_far.read + read, limit=limit
        ):
            return
        with self.batch(f"keeping the unreadable rows of {table}"):
            self.keep_rejects(table, rejects)
        self.add(table, Counts(read=len(rejects), rejected=len(rejects)))
        raise DriftError(
            f"{rejected} of {so_far.read + read} rows for {table} are unreadable, more than"
            f" {limit * 100:g} %; the first: {rejects[0].reason}.",
            data=f"{table} stays as it was before this answer.",
            step=f"Look at ops.sync_reject where run_id = {self.run_id}.",
        )


@contextmanager
def open_sync(
    settings: "Settings",
    *,
    strategy: str,
    trigger: str,
    table_sets: Sequence[str],
    dagster_run_id: str | None = None,
    accept_implausible: bool = False,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    on_progress: Callable[[str, float | None], object] | None = None,
    on_finished: Callable[[SyncRun, str], object] | None = None,
) -> Iterator[SyncRun]:
    """Open a run: connect, check the schema and the account, take the locks, write the row.

    However the body ends, the row gets its final state.

    Raises:
        SkippedError: Another sync works on one of the table sets; nothing is written.
        SchemaMismatch: The database is not at this program's schema.
        ConfigError: No account is configured, or the database holds another account's data.
    """
    source = source_of(settings)
    url = database_url(settings)
    with connect(url, name=f"finale {strategy}") as connection:
        schema.require_current(connection)
        leases.bury_dead(connection, now=clock())
        for table_set in table_sets:
            leases.lock(connection, table_set)
        _refuse_another_account(connection, source)
        run_id = leases.open_run(
            connection, strategy=strategy, trigger=trigger, table_sets=table_sets,
            dagster_run_id=dagster_run_id, now=clock(),
        )  # fmt: skip
        with new_client(settings, source, clock=clock, sleep=sleep) as client:
            run = SyncRun(
                settings, connection, client, run_id, clock, clock(),
                accept_implausible=accept_implausible, on_progress=on_progress,
                on_finished=on_finished,
            )  # fmt: skip
            with _closing(run, url):
                yield run


def source_of(settings: "Settings") -> Source:
    """Return the account to read.

    Raises:
        ConfigError: None is configured.
    """
    if settings.account is None or settings.api_key is None or settings.api_secret is None:
        raise ConfigError(
            "No account is configured.",
            step="Set FINALE_ACCOUNT, FINALE_API_KEY and FINALE_API_SECRET; or `finale dev`,"
            " which brings a sandbox.",
        )
    return Source(
        base_url=settings.base_url,
        account=settings.account,
        key=settings.api_key.get_secret_value(),
        secret=settings.api_secret.get_secret_value(),
    )


def new_client(
    settings: "Settings",
    source: Source,
    *,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> FinaleClient:
    """Return a client of an account, within the budgets of the settings."""
    budget = Budget(
        get_per_minute=settings.get_per_minute,
        collections_per_hour=settings.collections_per_hour,
        clock=clock,
        sleep=sleep,
    )
    return FinaleClient(source, budget=budget, clock=clock, sleep=sleep, compress=settings.compress)


def _refuse_another_account(connection: Connection, source: Source) -> None:
    row = connection.execute("SELECT account_name FROM ops.account").fetchone()
    if row is not None and row[0] != source.account:
        raise ConfigError(
            f"This database holds the account {row[0]}, and the settings name {source.account}.",
            step="Use a database of its own for each account: another FINALE_DATABASE_URL or,"
            " with the embedded server, another FINALE_HOME.",
        )


def _adopt(run: SyncRun) -> None:
    """Remember whose data these are, in the transaction that writes the first of them.

    Not before: a misspelt account must not own the database that it could not fill.
    """
    run.connection.execute(
        "INSERT INTO ops.account (only_row, base_url, account_name, adopted_at)"
        " VALUES (true, %s, %s, %s) ON CONFLICT (only_row) DO NOTHING",
        (run.settings.base_url, run.settings.account, run.clock()),
    )


@contextmanager
def _closing(run: SyncRun, url: str) -> Iterator[None]:
    """Write the run's ending, whatever it is."""
    try:
        yield
    except SkippedError as error:
        _end(run, url, Ending("skipped", error.kind, str(error)))
        raise
    except PipelineError as error:
        _end(run, url, Ending(_status(error), error.kind, str(error)))
        raise
    except psycopg.Error as error:
        lost = LocalError(
            f"The database failed: {' '.join(str(error).split())}.",
            step="Run again; it goes on from the checkpoint.",
        )
        _end(run, url, Ending("failed", lost.kind, str(lost)))
        raise lost from error
    except (KeyboardInterrupt, SystemExit):
        stop = InterruptedSync("The process was asked to stop.")
        _end(run, url, Ending("interrupted", stop.kind, str(stop)))
        raise
    except BaseException as error:
        _end(run, url, Ending("failed", "BUG", f"{type(error).__name__}: {error}"))
        raise
    _end(run, url, Ending("done"))


def _status(error: PipelineError) -> str:
    if isinstance(error, ThrottledError):
        return "throttled"
    if isinstance(error, ImplausibleError):
        return "held"
    return "interrupted" if isinstance(error, InterruptedSync) else "failed"


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
