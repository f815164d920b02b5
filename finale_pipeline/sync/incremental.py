"""Follows a table that only grows and changes: all of it once, then what changed since."""

from datetime import timedelta
from functools import partial

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.sync.catalog import Catalogue
from finale_pipeline.sync.commits import commit_rows
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.scan import AHEAD, LONGEST, fetch, sync_catalogue
from finale_pipeline.warehouse import demand, watermarks

OVERLAP = timedelta(minutes=10)
"""So much is read again: records may become visible a little after the time they carry."""
AGAIN = timedelta(days=60)
"""So much is read again where nobody knows what was missed."""
LAG = timedelta(days=1)
"""Where nothing changed, all is known to have been read up to so long before the present."""


def sync_incrementally(run: SyncRun, catalogue: Catalogue) -> None:
    """Bring a table up to date, from where the last read ended.

    The first time everything is read; interrupted or throttled, it goes on at the next run.
    """
    mark = watermarks.seen_at(run.connection, catalogue.table)
    if mark is not None:
        if mark > run.client.source_now() + AHEAD:  # noted while a clock was ahead
            mark = run.client.source_now() - AGAIN
            with run.batch(f"{catalogue.resource.path}: its mark lay in the future"):
                watermarks.take_back(run.connection, catalogue.table, mark)
        _read_on(run, catalogue, Window(mark - OVERLAP, mark - OVERLAP + LONGEST))
        return
    _learn_clock(run, catalogue)
    sync_catalogue(run, catalogue)
    with run.batch(f"{catalogue.resource.path}: all history is in"):
        _advance(run, catalogue, Window(run.client.source_now(), run.client.source_now()))


def _read_on(run: SyncRun, catalogue: Catalogue, window: Window) -> None:
    """Read window after window up to the source's present; nothing is removed."""
    while True:
        # Asked each time, for an answer tells the source's clock better than ours does.
        window = Window(window.lo, min(window.hi, run.client.source_now() + AHEAD))
        if window.lo >= window.hi:
            return
        step = f"{catalogue.resource.path} changed since {window.lo:%Y-%m-%d %H:%M}"
        for fetched in fetch(run, catalogue, window, {}):
            advance = partial(_advance, run, catalogue, fetched.window)
            commit_rows(run, catalogue, fetched, step, with_rows=advance)
        if window.hi >= run.client.source_now():
            return
        window = Window(window.hi, window.hi + LONGEST)


def _learn_clock(run: SyncRun, catalogue: Catalogue) -> None:
    """Ask for next to nothing, unless an answer of this run told the source's time already."""
    if run.client.usage.api_calls == 0:
        now = run.client.source_now()
        run.client.body(catalogue.resource, Window(now, now + timedelta(seconds=1)))


def _advance(run: SyncRun, catalogue: Catalogue, window: Window) -> None:
    """Move the mark to the newest stamp that the data have up to a window's end."""
    now = min(run.client.source_now(), run.clock()) if run.client.agrees() else None
    until = run.client.source_now() if now is None else now
    watermarks.advance(
        run.connection,
        catalogue.table,
        until=min(window.hi, until),
        # Where the clocks disagree nothing but what was read tells how far the read came.
        at_least=(min(window.hi, until) if now is not None else window.lo) - LAG,
        zone=run.settings.timezone,
        now=run.clock(),
    )


def redate_in_zone(run: SyncRun) -> None:
    """Reckon stored business days anew when the account's time zone was set differently."""
    zone = run.settings.timezone
    if not watermarks.has_other_zone(run.connection, zone):
        return
    with run.batch(f"business days in {zone}"):
        counts = demand.redate(run.connection, zone, now=run.clock())
        watermarks.set_zone(run.connection, zone)
    run.add(demand.TABLE, counts)
