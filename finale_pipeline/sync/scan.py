"""Reads a table window by window: fetched ahead in lanes, committed one by one, resumed."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Condition, Lock
from typing import Any, cast

import polars as pl

from finale_pipeline.domain.syncs import windows
from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.errors import ConfigError, MalformedError
from finale_pipeline.finale.client import Body
from finale_pipeline.finale.transport import AnswerTooLarge
from finale_pipeline.finale.wire import decode
from finale_pipeline.sync import checkpoints
from finale_pipeline.sync.catalog import Catalogue
from finale_pipeline.sync.commits import Fetched, Keep, commit, commit_rows, row_count
from finale_pipeline.sync.memory import give_back_large_blocks
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import scans
from finale_pipeline.warehouse.scans import BEGINNING, Stored

MEGABYTE = 1 << 20
WHOLE_BYTES = 24 * MEGABYTE
"""An account whose answer is smaller is read in one request."""
WHOLE_ROWS = 13_000
"""An account that was read by windows is asked for in one request again below this."""
WINDOW_BYTES = 24 * MEGABYTE
"""A larger window is cut in two; this, the row count and the lanes bound the memory."""
WINDOW_ROWS = 8_000
"""Rows that a window is meant to have, where Finale does not cut its answers earlier."""
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=windows.MAX_DAYS)
ALL_TIME = Window(BEGINNING, datetime(2100, 1, 1, tzinfo=UTC))
AHEAD = timedelta(hours=1)
"""How far past the source's time the last window reaches, for what changes meanwhile."""
OVERLAP = timedelta(minutes=2)
DECODING = Lock()
"""One answer is decoded at a time: it takes several times its size, and lanes gain nothing."""
DECODED_AHEAD = 1
"""Windows decoded while one is written; later ones wait as they were sent, a third as large."""


def sync_catalogue(run: SyncRun, catalogue: Catalogue, *, mends: bool = False) -> None:
    """Bring a table to what the source has: changes in, vanished records marked removed.

    Args:
        mends: Whether to write nested lists of records, too, that look unchanged themselves, where
            an answer is not that of the last time.

    Raises:
        ImplausibleError: So many records vanished that a person should look.
    """
    give_back_large_blocks()
    until = run.client.source_now()
    if until <= _since(run):
        raise ConfigError(
            f"It is {until:%Y-%m-%d} by the clocks of the source and of this machine, and the"
            f" account begins on {run.settings.since}: nothing could be read.",
            step="Set this machine's clock, or FINALE_SINCE.",
        )
    scan = scans.open_scan(
        run.connection, catalogue.table, until=until, since=_since(run), now=run.clock()
    )
    scan.mends = mends
    if not _read_whole(run, catalogue, scan):
        _ScanReader(run, catalogue, scan).read()
        _read_tail(run, catalogue, scan)
    checkpoints.finish(run, catalogue, scan)


def backfill(
    run: SyncRun,
    catalogue: Catalogue,
    since: datetime,
    until: datetime,
    *,
    keep: Keep | None = None,
    mends: bool = False,
) -> None:
    """Read the records last changed in [since, until) again; nothing is removed.

    Args:
        until: After the last.
        keep: Which records to write; the others count as unchanged.
        mends: Whether to write nested lists of records, too, that look unchanged themselves.
    """
    step = f"{catalogue.resource.path} of {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    spans = list(windows.cut(since, until, span=LONGEST))
    for number, window in enumerate(spans, 1):
        for fetched in fetch(run, catalogue, window, {}):
            far: dict[str, Any] = {"progress": number / len(spans), "number": number}
            commit_rows(run, catalogue, fetched, step, keep=keep, mends=mends, of=len(spans), **far)


def _since(run: SyncRun) -> datetime:
    return datetime.combine(run.settings.since, datetime.min.time(), UTC)


def _read_whole(run: SyncRun, catalogue: Catalogue, scan: scans.Scan) -> bool:
    """Read a small account in one request; False when it is not small."""
    rows = sum(window.rows for window in scan.windows.values())
    was_whole = not scan.windows or ALL_TIME in scan.windows
    if not scan.is_fresh or not (was_whole or rows <= WHOLE_ROWS):
        return False
    try:
        body = run.client.body(catalogue.resource, max_bytes=WHOLE_BYTES)
    except AnswerTooLarge:
        return False
    fetched = _decoded(run, catalogue, ALL_TIME, body, scan.windows, is_first=scan.is_first)
    if row_count(fetched, scan.windows) >= run.settings.row_cap:
        return False
    commit(run, catalogue, scan, fetched, {"progress": 1.0})
    return True


def _read_tail(run: SyncRun, catalogue: Catalogue, scan: scans.Scan) -> None:
    """Read again what changed since the scan began; it may have slipped between windows."""
    window = Window(scan.until - OVERLAP, run.client.source_now() + AHEAD)
    for fetched in fetch(run, catalogue, window, {}):
        commit_rows(run, catalogue, fetched, f"{catalogue.resource.path}: its last changes")


class _ScanReader:
    """One scan over the windows of a table."""

    def __init__(self, run: SyncRun, catalogue: Catalogue, scan: scans.Scan) -> None:
        self._run = run
        self._catalogue = catalogue
        self._scan = scan
        mine = [s for s in scan.windows.values() if s.scan_id == scan.scan_id]
        self._batch, self._rows = len(mine), sum(s.rows for s in mine)
        others = [s.rows for s in scan.windows.values() if s.scan_id != scan.scan_id]
        self._expected = sum(others) + self._rows if others else 0
        self._upper = scan.until + AHEAD
        self._span = LONGEST
        self._window_rows = min(WINDOW_ROWS, run.settings.row_cap * 2 // 3)
        self._stored = [
            w for w in sorted(scan.windows) if w.lo >= scan.since and w.hi - w.lo <= LONGEST
        ]
        self._turn = Condition()
        self._taken = 0.0

    def read(self) -> None:
        """Read and commit every window that this scan has not committed yet."""
        lanes = self._run.settings.lanes
        ahead: deque[tuple[Window, Future[list[Fetched]]]] = deque()
        plan = enumerate(self._plan())
        with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
            try:
                while True:
                    while len(ahead) < lanes and (planned := next(plan, None)):
                        number, window = planned
                        ahead.append((window, pool.submit(self._fetch, window, number)))
                    if not ahead:
                        return
                    window, future = ahead.popleft()
                    self._take(window, future.result())
                    del future
                    self._let_go_on(self._taken + 1)
            finally:
                self._let_go_on(math.inf)
                pool.shutdown(wait=False, cancel_futures=True)

    def _plan(self) -> Iterator[Window]:
        cursor = self._scan.since
        while cursor < self._upper:
            window = windows.following(
                cursor, self._stored, self._upper, span=self._span, extend=self._may_extend()
            )
            cursor = window.hi
            if not self._is_done(window):
                self._recognise(window)
                yield window

    def _recognise(self, window: Window) -> None:
        """Know the newest window again though it reaches further now.

        Where the table has nothing in its new part, the answer of the last time stands for all of
        it: what was edited last is not decoded again by every sync until so much was edited that
        the window is full.
        """
        before = next((w for w in self._stored if w.lo == window.lo and w.hi < window.hi), None)
        if before is not None and scans.is_empty(
            self._run.connection, self._catalogue.table, Window(before.hi, window.hi)
        ):
            self._scan.windows[window] = replace(self._scan.windows[before], has_grown=True)

    def _may_extend(self) -> bool:
        if not self._stored:
            return False
        return self._scan.windows[self._stored[-1]].rows < self._window_rows

    def _is_done(self, window: Window) -> bool:
        stored = self._scan.windows.get(window)
        return stored is not None and stored.scan_id == self._scan.scan_id

    def _fetch(self, window: Window, number: int) -> list[Fetched]:
        return list(
            fetch(
                self._run,
                self._catalogue,
                window,
                self._scan.windows,
                is_first=self._scan.is_first,
                wait=partial(self._wait, number),
            )
        )

    def _wait(self, number: int) -> None:
        """Wait until all windows but a few before this one, the `number`-th, are written."""
        with self._turn:
            self._turn.wait_for(lambda: number - self._taken <= DECODED_AHEAD)

    def _let_go_on(self, taken: float) -> None:
        """Let lanes decode that waited until so many windows were written."""
        with self._turn:
            self._taken = taken
            self._turn.notify_all()

    def _take(self, window: Window, answers: list[Fetched]) -> None:
        rows = 0
        for fetched in answers:
            rows += row_count(fetched, self._scan.windows)
            commit(self._run, self._catalogue, self._scan, fetched, self._far(window, rows))
        self._rows += rows
        next_span = (window.hi - window.lo) * self._window_rows / max(rows, 1)
        self._span = min(
            LONGEST, max(SHORTEST, timedelta(seconds=next_span // timedelta(seconds=1)))
        )

    def _far(self, window: Window, rows: int) -> dict[str, Any]:
        """How far the scan is: by the rows of the last one where there was one, else by time."""
        self._batch += 1
        progress = (window.hi - self._scan.since) / (self._upper - self._scan.since)
        left = (self._upper - window.hi) // max(self._span, SHORTEST)
        if self._expected:
            progress = min(1.0, (self._rows + rows) / self._expected)
            left = sum(1 for w in self._stored if w.lo >= window.hi)
        return {"progress": progress, "number": self._batch, "of": self._batch + left}


def fetch(
    run: SyncRun,
    catalogue: Catalogue,
    window: Window,
    windows: dict[Window, Stored],
    *,
    is_first: bool = False,
    wait: Callable[[], None] = lambda: None,
) -> Iterator[Fetched]:
    """Read a window, in halves when it is too large or was cut off at the cap.

    Args:
        windows: As they were last read.
        is_first: Whether the table is filled for the first time.
        wait: Called before an answer is decoded.
    """
    is_second = window.hi - window.lo <= timedelta(seconds=1)
    stored = windows.get(window)
    is_known = stored is not None and not stored.has_grown
    limit = None if is_known or is_second else WINDOW_BYTES
    try:
        body = run.client.body(catalogue.resource, window, max_bytes=limit)
        wait()
        with DECODING:
            fetched = _decoded(run, catalogue, window, body, windows, is_first=is_first)
        del body
        if row_count(fetched, windows) < run.settings.row_cap:
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
        yield from fetch(run, catalogue, half, windows, is_first=is_first, wait=wait)


def _read_again(
    run: SyncRun, catalogue: Catalogue, window: Window, windows: dict[Window, Stored]
) -> Fetched:
    body = run.client.body(catalogue.resource, None if window == ALL_TIME else window)
    with DECODING:
        return _decoded(run, catalogue, window, body, windows)


def _decoded(
    run: SyncRun,
    catalogue: Catalogue,
    window: Window,
    body: Body,
    windows: dict[Window, Stored],
    *,
    is_first: bool = False,
) -> Fetched:
    """Decode an answer, unless it is the one that the table shows already."""
    stored = windows.get(window)
    if stored is not None and stored.is_same(body.digest):
        return Fetched(window, body.digest, None, [])
    # Lists are read of the records that are written. Where the table may show some that were
    # unreadable, all are looked at, so that they are named again.
    is_clean = is_first or (stored is not None and stored.is_clean)
    answer = decode(
        body.take(), catalogue.resource, lists_later=is_clean and bool(catalogue.children)
    )
    if catalogue.completed is not None:
        answer = catalogue.completed(run, answer)
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
    others = tuple(sibling.prepared(frame) for sibling in catalogue.siblings)
    # Two seconds that share an answer cannot be told apart by a shorter window; the first is whole.
    is_shortest = window.hi - window.lo <= noise
    rows = len(frame) + len(answer.rejects) if is_shortest else answer.rows
    prepared = catalogue.prepared(frame)
    # On a first load everything is new: the lane makes it ready while the database is at work.
    child_rows = catalogue.child_rows(prepared) if is_first else None
    again = partial(_read_again, run, catalogue, window, windows)
    return Fetched(
        window, body.digest, prepared, answer.rejects, rows, others, child_rows, again, answer.notes
    )
