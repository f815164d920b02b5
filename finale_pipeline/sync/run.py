"""One execution of a sync: its row in the ledger, its locks, its connection, its progress."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from finale_pipeline.clock import Clock
from finale_pipeline.domain.syncs.catalog import too_many_rejects
from finale_pipeline.errors import DriftError
from finale_pipeline.finale.client import FinaleClient
from finale_pipeline.sync.stopping import StopRequest
from finale_pipeline.warehouse import accounts, leases
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.leases import Progress
from finale_pipeline.warehouse.store import Counts

if TYPE_CHECKING:
    from finale_pipeline.finale.wire import Reject
    from finale_pipeline.settings import Settings

KEPT_REJECTS = 1_000
"""Rejected rows of one answer that are kept with their reason; the rest is counted."""
FEW = 0.02
"""Below this share of the work the pace says nothing yet."""


@dataclass
class SyncRun:
    """What a sync works with while it runs.

    Attributes:
        connection: To the warehouse; it holds the locks, so losing it ends the run.
        run_id: The run's number in `ops.sync_run`.
        accept_implausible: Whether a person has looked at a held read and wants it written.
        started_at: When it began, UTC.
        counts: What happened so far, per table.
        on_progress: Called after each batch.
        stop: The request to stop, which batches obey.
        last: How far it was at the last batch.
    """

    settings: "Settings"
    connection: Connection
    client: FinaleClient
    run_id: int
    strategy: str
    clock: Clock
    started_at: datetime
    sleep: Callable[[float], None] = time.sleep
    accept_implausible: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    on_progress: Callable[[Progress], object] | None = None
    stop: StopRequest = field(default_factory=StopRequest)
    last: Progress = field(default_factory=lambda: Progress(""))
    _part: tuple[float, float] = (0.0, 1.0)

    def acquire(self, table_set: str) -> None:
        """Lock one more table set for the rest of the run.

        Raises:
            SkippedError: Another sync works on it.
        """
        leases.lock(self.connection, table_set)
        leases.note_lock(self.connection, self.run_id, table_set)

    def release(self, table_set: str) -> None:
        """Give a table set back before the run's end; one that is not held stays as it is."""
        if leases.is_mine(self.connection, table_set):
            leases.unlock(self.connection, table_set)

    def release_all(self) -> None:
        """Give every table set back: what is left to do needs no lock."""
        for table_set in leases.TABLE_SETS:
            self.release(table_set)

    @contextmanager
    def holding(self, table_set: str) -> Iterator[None]:
        """Lock a table set for the body alone.

        Raises:
            SkippedError: Another sync works on it.
        """
        leases.lock(self.connection, table_set)
        try:
            yield
        finally:
            self.release(table_set)

    def add(self, table: str, counts: Counts) -> None:
        """Add to what happened to a table; call it after its transaction."""
        self.counts[table] = self.counts.get(table, Counts()) + counts

    def part(self, begins: float, ends: float) -> None:
        """Begin a part of the work: its progress counts between two shares of the whole."""
        self._part = (begins, ends)

    @contextmanager
    def batch(
        self, step: str, progress: float | None = None, *, number: int = 0, of: int = 0
    ) -> Iterator[None]:
        """One transaction of work: commits with a sign of life, or not at all.

        Args:
            step: What is being done, such as `product changed until 2026-03-01`.
            progress: Share of the part's work that is done with it, 0 to 1, where known.
            number: Which batch of the part it is, from 1; 0 = they are not counted.
            of: How many batches the part is expected to take.

        Raises:
            InterruptedSync: Someone closed this run, or asked it to stop.
            LocalError: The database failed; nothing of the batch stays.
        """
        with self.stop.held_back():
            with database_errors(step), self.connection.transaction():
                self.last = self._progress(step, progress, number, of)
                leases.heartbeat(self.connection, self.run_id, self.last, now=self.clock())
                _adopt(self)
                yield
            if self.on_progress is not None:
                self.on_progress(self.last)

    def _progress(self, step: str, share: float | None, number: int, of: int) -> Progress:
        begins, ends = self._part
        whole = self.last.share if share is None else begins + (ends - begins) * share
        now, eta = self.clock(), None
        if whole is not None and whole > FEW:
            eta = now + (now - self.started_at) * (1 - whole) / whole
        rows = sum(counts.read for counts in self.counts.values())
        return Progress(step, whole, number or None, max(number, of) or None, rows, eta)

    def keep_rejects(self, table: str, rejects: "Sequence[Reject]") -> None:
        """Write rejected rows with their reasons, in the open transaction."""
        if not rejects:
            return
        kept = [(r.key, r.reason, r.sample) for r in rejects[:KEPT_REJECTS]]
        leases.keep_rejects(self.connection, self.run_id, table, kept, now=self.clock())

    def refuse_if_unreadable(
        self, table: str, rejects: "Sequence[Reject]", *, read: int, so_far: Counts
    ) -> None:
        """Stop before writing when too many rows of a table are unreadable.

        Args:
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


def _adopt(run: SyncRun) -> None:
    """Remember whose data these are, in the transaction that writes the first of them.

    Not before: a misspelt account must not own the database that it could not fill.
    """
    settings = run.settings
    accounts.adopt(run.connection, settings.base_url, settings.account, now=run.clock())
