"""Reads a table window by window: fetched ahead in lanes, committed one by one, resumed."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import polars as pl

from finale_pipeline.domain import windows
from finale_pipeline.domain.windows import Window
from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.client import Body
from finale_pipeline.finale.transport import AnswerTooLarge
from finale_pipeline.finale.wire import decode
from finale_pipeline.sync import checkpoints
from finale_pipeline.sync.catalog import Catalogue, write
from finale_pipeline.sync.checkpoints import BEGINNING, Stored
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.store import HASH, Counts, read_hashes

if TYPE_CHECKING:
    from finale_pipeline.finale.wire import Reject

MEGABYTE = 1 << 20
WHOLE_BYTES = 16 * MEGABYTE
"""An account whose answer is smaller is read in one request."""
WHOLE_ROWS = 13_000
WINDOW_BYTES = 24 * MEGABYTE
"""A larger window is cut in two; this, the row count and the lanes bound the memory."""
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=windows.MAX_DAYS)
ALL_TIME = Window(BEGINNING, datetime(2100, 1, 1, tzinfo=UTC))
AHEAD = timedelta(hours=1)
"""How far past the source's time the last window reaches, for what changes meanwhile."""
OVERLAP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A window that was read.

    Attributes:
        window: Its bounds.
        digest: Of the answer.
        frame: Its records with their hashes; None when the answer is the one of last time.
        rejects: Its unreadable records.
    """

    window: Window
    digest: int
    frame: pl.DataFrame | None
    rejects: "list[Reject]"


def sync_catalogue(run: SyncRun, catalogue: Catalogue) -> None:
    """Bring a table to what the source has: changes in, vanished records marked removed.

    Raises:
        ImplausibleError: So many records vanished that a person should look.
    """
    until = run.client.source_now()
    walk = checkpoints.open_walk(
        run.connection, catalogue.table, until=until, since=_since(run), now=run.clock()
    )
    if not _read_whole(run, catalogue, walk):
        _Walk(run, catalogue, walk).read()
        _read_tail(run, catalogue, walk)
    checkpoints.finish(run, catalogue, walk)


def backfill(run: SyncRun, catalogue: Catalogue, since: datetime, until: datetime) -> None:
    """Read the records last changed in [since, until) again; nothing is removed."""
    step = f"{catalogue.resource.path} of {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    for window in windows.cut(since, until, span=LONGEST):
        for fetched in _fetch(run, catalogue, window, {}):
            _commit_rows(run, catalogue, fetched, step)


def _since(run: SyncRun) -> datetime:
    return datetime.combine(run.settings.since, datetime.min.time(), UTC)


def _read_whole(run: SyncRun, catalogue: Catalogue, walk: checkpoints.Walk) -> bool:
    """Read a small account in one request; False when it is not small."""
    if not walk.may_be_whole or checkpoints.live_rows(run.connection, catalogue) > WHOLE_ROWS:
        return False
    try:
        body = run.client.body(catalogue.resource, max_bytes=WHOLE_BYTES)
    except AnswerTooLarge:
        return False
    fetched = _decoded(catalogue, ALL_TIME, body, walk.known)
    if _row_count(fetched, walk.known) >= run.settings.row_cap:
        return False
    _commit(run, catalogue, walk, fetched, 1.0)
    return True


def _read_tail(run: SyncRun, catalogue: Catalogue, walk: checkpoints.Walk) -> None:
    """Read again what changed since the walk began; it may have slipped between windows."""
    window = Window(walk.until - OVERLAP, run.client.source_now() + AHEAD)
    for fetched in _fetch(run, catalogue, window, {}):
        _commit_rows(run, catalogue, fetched, f"{catalogue.resource.path}: its last changes")


class _Walk:
    """One walk over the windows of a table.

    Args:
        run: The run.
        catalogue: What is read.
        walk: Its checkpoint.
    """

    def __init__(self, run: SyncRun, catalogue: Catalogue, walk: checkpoints.Walk) -> None:
        self._run = run
        self._catalogue = catalogue
        self._walk = walk
        self._upper = walk.until + AHEAD
        self._span = LONGEST
        self._stored = [
            w for w in sorted(walk.known) if w.lo >= walk.since and w.hi - w.lo <= LONGEST
        ]

    def read(self) -> None:
        """Read and commit every window that this walk has not committed yet."""
        lanes = self._run.settings.lanes
        ahead: deque[tuple[Window, Future[list[Fetched]]]] = deque()
        plan = self._plan()
        with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
            try:
                while True:
                    while len(ahead) < lanes and (window := next(plan, None)):
                        ahead.append((window, pool.submit(self._fetch, window)))
                    if not ahead:
                        return
                    window, future = ahead.popleft()
                    self._take(window, future.result())
                    del future
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _plan(self) -> Iterator[Window]:
        cursor = self._walk.since
        while cursor < self._upper:
            window = windows.following(
                cursor, self._stored, self._upper, span=self._span, extend=self._may_extend()
            )
            cursor = window.hi
            if not self._is_done(window):
                yield window

    def _may_extend(self) -> bool:
        if not self._stored:
            return False
        return self._walk.known[self._stored[-1]].rows < self._run.settings.window_rows

    def _is_done(self, window: Window) -> bool:
        stored = self._walk.known.get(window)
        return stored is not None and stored.walk_id == self._walk.walk_id

    def _fetch(self, window: Window) -> list[Fetched]:
        return list(_fetch(self._run, self._catalogue, window, self._walk.known))

    def _take(self, window: Window, answers: list[Fetched]) -> None:
        done = (window.hi - self._walk.since) / (self._upper - self._walk.since)
        rows = 0
        for fetched in answers:
            rows += _row_count(fetched, self._walk.known)
            _commit(self._run, self._catalogue, self._walk, fetched, done)
        wanted = (window.hi - window.lo) * self._run.settings.window_rows / max(rows, 1)
        self._span = min(LONGEST, max(SHORTEST, timedelta(seconds=wanted // timedelta(seconds=1))))


def _fetch(
    run: SyncRun, catalogue: Catalogue, window: Window, known: dict[Window, Stored]
) -> Iterator[Fetched]:
    """Read a window, in halves when it is too large or was cut off at the cap."""
    is_second = window.hi - window.lo <= timedelta(seconds=1)
    limit = None if window in known or is_second else WINDOW_BYTES
    try:
        body = run.client.body(catalogue.resource, window, max_bytes=limit)
        fetched = _decoded(catalogue, window, body, known)
        del body
        if _row_count(fetched, known) < run.settings.row_cap:
            yield fetched
            return
    except AnswerTooLarge:
        pass
    if is_second:
        raise MalformedError(
            f"{run.settings.row_cap} or more {catalogue.resource.path} records were changed in the"
            f" same second, {window.lo:%Y-%m-%d %H:%M:%S} UTC; Finale cuts such an answer, and no"
            " filter of its API can divide it.",
            step="Edit some of them in Finale, so that their time of change differs.",
        )
    for half in window.halves():
        yield from _fetch(run, catalogue, half, known)


def _decoded(
    catalogue: Catalogue, window: Window, body: Body, known: dict[Window, Stored]
) -> Fetched:
    """Decode an answer, unless it is the one that the table shows already."""
    stored = known.get(window)
    if stored is not None and stored.is_same(body.digest):
        return Fetched(window, body.digest, None, [])
    answer = decode(body.data, catalogue.resource)
    stamps = answer.frame["updated_at"]
    noise = timedelta(seconds=1)
    if window.lo > BEGINNING and len(stamps.drop_nulls()):
        first, last = cast("datetime", stamps.min()), cast("datetime", stamps.max())
        if first < window.lo - noise or last > window.hi + noise:
            raise MalformedError(
                f"{catalogue.resource.path} answered with records outside the dates asked for"
                f" ({first:%Y-%m-%d} to {last:%Y-%m-%d}): its filter does not work."
            )
    # The end belongs to the next window; what lies on it is there again.
    frame = answer.frame.filter((pl.col("updated_at") < window.hi).fill_null(value=True))
    return Fetched(window, body.digest, catalogue.prepared(frame), answer.rejects)


def _row_count(fetched: Fetched, known: dict[Window, Stored]) -> int:
    if fetched.frame is None:
        return known[fetched.window].rows
    return len(fetched.frame) + len(fetched.rejects)


def _commit(
    run: SyncRun, catalogue: Catalogue, walk: checkpoints.Walk, fetched: Fetched, done: float
) -> None:
    """Write a window with its checkpoint, in one transaction."""
    until = min(fetched.window.hi, walk.until)
    step = f"{catalogue.resource.path} changed until {until:%Y-%m-%d %H:%M}"
    if fetched.frame is None:
        with run.batch(step, done):
            _commit_without_waiting(run.connection)
            checkpoints.keep_unchanged(run.connection, catalogue.table, walk, fetched.window)
        rows = walk.known[fetched.window].rows
        run.add(catalogue.table, Counts(read=rows, unchanged=rows))
        return
    _refuse(run, catalogue, fetched)
    with run.batch(step, done):
        _commit_without_waiting(run.connection)
        stored = checkpoints.stored_hashes(run.connection, catalogue.table, fetched.window)
        loaded = write(run, catalogue, fetched.frame, stored, len(fetched.rejects))
        run.keep_rejects(catalogue.table, fetched.rejects)
        gone = stored.filter(~stored.is_in(fetched.frame[HASH].implode()))
        rejected = [r.key for r in fetched.rejects if r.key]
        checkpoints.note_absent(
            run.connection, catalogue, walk, fetched.window, gone=gone, rejected=rejected
        )
        checkpoints.note_present(run.connection, walk, loaded.older)
        digest = 0 if fetched.rejects else fetched.digest
        checkpoints.keep(
            run.connection, catalogue.table, walk, fetched.window, digest=digest, now=run.clock()
        )
    for table, counts in loaded.counts.items():
        run.add(table, counts)


def _commit_without_waiting(connection: Connection) -> None:
    """Let the open transaction commit before its log is on the disk.

    A machine that goes down loses whole windows, each with its checkpoint, and the next sync reads
    them again; the walk's end waits for all of them.
    """
    connection.execute("SET LOCAL synchronous_commit = off")


def _commit_rows(run: SyncRun, catalogue: Catalogue, fetched: Fetched, step: str) -> None:
    """Write a window's records alone: no checkpoint, nothing is looked for that is gone."""
    if fetched.frame is None:
        return
    _refuse(run, catalogue, fetched)
    with run.batch(step):
        stored = read_hashes(
            run.connection,
            f"SELECT row_hash FROM {catalogue.table} WHERE removed_at IS NULL"
            " AND updated_at >= %s AND updated_at <= %s",
            (fetched.window.lo, fetched.window.hi),
        )
        loaded = write(run, catalogue, fetched.frame, stored, len(fetched.rejects))
        run.keep_rejects(catalogue.table, fetched.rejects)
    for table, counts in loaded.counts.items():
        run.add(table, counts)


def _refuse(run: SyncRun, catalogue: Catalogue, fetched: Fetched) -> None:
    run.refuse_if_unreadable(
        catalogue.table,
        fetched.rejects,
        read=_row_count(fetched, {}),
        so_far=run.counts.get(catalogue.table, Counts()),
    )
