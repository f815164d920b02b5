"""Writes a window that was read: its rows, what it misses, its checkpoint, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.sync import emptied
from finale_pipeline.sync.catalog import Catalogue, ChildRows, Loaded, write, write_siblings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.source import second_read_seconds
from finale_pipeline.warehouse import scans
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.scans import Stored
from finale_pipeline.warehouse.store import HASH, Counts, only_unknown, read_hashes

if TYPE_CHECKING:
    from finale_pipeline.finale.wire import Reject


SOON = 5.0
"""Seconds before an odd answer is asked for again."""
Keep = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A window that was read.

    Attributes:
        frame: Its records with their hashes; None when the answer is the one of last time.
        rows: Records of the answer, those included that belong to no table.
        others: Its records for the catalogue's siblings, one frame each.
        child_rows: Of its nested lists, where all of them will probably be written.
        again: Reads it anew; None = nobody can.
        notes: What of its nested lists cannot be read, where that is known already.
    """

    window: Window
    digest: int
    frame: pl.DataFrame | None
    rejects: "list[Reject]"
    rows: int = 0
    others: tuple[pl.DataFrame, ...] = ()
    child_rows: ChildRows | None = None
    again: "Callable[[], Fetched] | None" = None
    notes: "Sequence[Reject]" = ()


def row_count(fetched: Fetched, stored_windows: dict[Window, Stored]) -> int:
    """Return how many records a window has, those included that belong to no table."""
    if fetched.frame is None:
        return stored_windows[fetched.window].rows
    return fetched.rows


def commit(
    run: SyncRun,
    catalogue: Catalogue,
    scan: scans.Scan,
    fetched: Fetched,
    far: dict[str, Any],
) -> None:
    """Write a window with its checkpoint, in one transaction.

    Args:
        scan: The scan it is part of.
        far: How far the run is, as `SyncRun.batch` takes it.

    Raises:
        DriftError: Too much of it is unreadable.
        ImplausibleError: Fields that were filled are empty, twice in a row; it is held.
    """
    until = min(fetched.window.hi, scan.until)
    step = f"{catalogue.resource.path} changed until {until:%Y-%m-%d %H:%M}"
    if fetched.frame is None:
        with run.batch(step, **far):
            _commit_without_waiting(run.connection)
            scans.keep_unchanged(run.connection, catalogue.table, scan, fetched.window)
        rows = scan.windows[fetched.window].rows
        run.add(catalogue.table, Counts(read=rows, unchanged=rows))
        return
    _refuse(run, catalogue, fetched)
    stored = scans.stored_hashes(run.connection, catalogue.table, fetched.window)
    if not scan.is_first:
        fetched = _believed(run, catalogue, fetched, stored)
    if fetched.frame is None:
        commit(run, catalogue, scan, fetched, far)
        return
    scan.records += fetched.rows
    with run.batch(step, **far):
        _commit_without_waiting(run.connection)
        loaded = write(
            run,
            catalogue,
            fetched.frame,
            stored.clear() if scan.mends else stored,
            rejected=len(fetched.rejects),
            child_rows=fetched.child_rows,
        )
        siblings = write_siblings(run, catalogue, fetched.others)
        notes = _keep_unreadable(run, catalogue, fetched, loaded)
        gone = stored.filter(~stored.is_in(fetched.frame[HASH].implode()))
        rejected = [r.key for r in fetched.rejects if r.key]
        scans.note_absent(
            run.connection,
            catalogue.table,
            catalogue.key,
            scan,
            fetched.window,
            gone=gone,
            rejected=rejected,
        )
        scans.note_present(run.connection, scan, loaded.older)
        digest = 0 if fetched.rejects or notes else fetched.digest
        scans.keep(
            run.connection,
            catalogue.table,
            scan,
            fetched.window,
            digest=digest,
            now=run.clock(),
            shown=_shown(catalogue, fetched, stored, loaded),
        )
    for table, counts in (*loaded.counts.items(), *siblings.items()):
        run.add(table, counts)


def _shown(
    catalogue: Catalogue, fetched: Fetched, stored: pl.Series, loaded: Loaded
) -> pl.Series | None:
    """Return the hashes of what the table shows in a window now; None = it has to be asked."""
    if fetched.window.lo <= scans.BEGINNING or fetched.frame is None:
        return None  # records without a time of change are in no count of a window
    if loaded.wrote_nothing:
        return stored
    inserted = loaded.counts[catalogue.table].inserted
    return fetched.frame[HASH] if stored.is_empty() and inserted == len(fetched.frame) else None


def _commit_without_waiting(connection: Connection) -> None:
    """Let the open transaction commit before its log is on the disk.

    A machine that goes down loses whole windows, each with its checkpoint, and the next sync reads
    them again; the scan's end waits for all of them.
    """
    connection.execute("SET LOCAL synchronous_commit = off")


def commit_rows(
    run: SyncRun,
    catalogue: Catalogue,
    fetched: Fetched,
    step: str,
    *,
    keep: Keep | None = None,
    mends: bool = False,
    with_rows: Callable[[], object] = lambda: None,
    **far: Any,
) -> None:
    """Write a window's records alone: no checkpoint, nothing is looked for that is gone.

    Args:
        keep: Which records to write; the others count as unchanged.
        mends: Whether to write nested lists of records, too, that look unchanged themselves.
        with_rows: Called at the end of the transaction.
        **far: How far the run is, as `SyncRun.batch` takes it.
    """
    if fetched.frame is None:
        return
    _refuse(run, catalogue, fetched)
    stored = read_hashes(
        run.connection,
        f"SELECT row_hash FROM {catalogue.table} WHERE removed_at IS NULL"
        " AND updated_at >= %s AND updated_at <= %s",
        (fetched.window.lo, fetched.window.hi),
    )
    fetched = _believed(run, catalogue, fetched, stored)
    if fetched.frame is None:
        return
    frame = keep(fetched.frame) if keep else fetched.frame
    with run.batch(step, **far):
        stored = stored.clear() if mends else stored
        loaded = write(run, catalogue, frame, stored, rejected=len(fetched.rejects))
        siblings = write_siblings(run, catalogue, fetched.others)
        _keep_unreadable(run, catalogue, fetched, loaded)
        with_rows()
    left_out = len(fetched.frame) - len(frame)
    run.add(catalogue.table, Counts(read=left_out, unchanged=left_out))
    for table, counts in (*loaded.counts.items(), *siblings.items()):
        run.add(table, counts)


def _keep_unreadable(
    run: SyncRun, catalogue: Catalogue, fetched: Fetched, loaded: Loaded
) -> Sequence["Reject"]:
    """Keep what could not be read of an answer; return what of that was in nested lists."""
    notes = list(dict.fromkeys([*fetched.notes, *loaded.notes]))
    run.keep_rejects(catalogue.table, [*fetched.rejects, *notes])
    return notes


def _believed(run: SyncRun, catalogue: Catalogue, fetched: Fetched, stored: pl.Series) -> Fetched:
    """Return an answer that can be written: this one, or a second one where this is odd.

    Args:
        stored: Hashes of the rows that the table shows in its window.

    Raises:
        ImplausibleError: Fields that were filled are empty in both; it is held.
    """
    if not _doubts(run, catalogue, fetched, stored):
        return fetched
    if fetched.again is not None:
        run.sleep(min(SOON, second_read_seconds(run.settings)))
        fetched = fetched.again()
        _refuse(run, catalogue, fetched)
    reasons = _doubts(run, catalogue, fetched, stored)
    if reasons:
        emptied.hold(run, catalogue, reasons)
    return fetched


def _doubts(run: SyncRun, catalogue: Catalogue, fetched: Fetched, stored: pl.Series) -> list[str]:
    if fetched.frame is None:
        return []
    reasons = emptied.doubts(run, catalogue, fetched.frame, only_unknown(fetched.frame, stored))
    for sibling, frame in zip(catalogue.siblings, fetched.others, strict=True):
        reasons += emptied.doubts(run, sibling, frame, frame)
    return reasons


def _refuse(run: SyncRun, catalogue: Catalogue, fetched: Fetched) -> None:
    run.refuse_if_unreadable(
        catalogue.table,
        fetched.rejects,
        read=row_count(fetched, {}),
        so_far=run.counts.get(catalogue.table, Counts()),
    )
