"""Reads all stock at once, believes it or holds it, and brings levels and history up to date."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import polars as pl

from finale_pipeline.clock import business_day
from finale_pipeline.errors import PastDay
from finale_pipeline.finale.records import STOCK
from finale_pipeline.planning.decisions import decide_again
from finale_pipeline.sync.movements import follow_builds
from finale_pipeline.sync.plausibility import hold_unless_accepted, settle
from finale_pipeline.sync.quantities import follow_setting
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.source import second_read_seconds
from finale_pipeline.sync.stock_doubts import (
    StoredStock,
    absent,
    difference,
    doubts_of,
    not_in,
    stored_stock,
    too_many_gone,
    without,
)
from finale_pipeline.sync.stock_read import AT_ONCE, ENTRY, StockRead, read_stock
from finale_pipeline.warehouse import facilities, feeds, future, levels
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.store import (
    HASH,
    Counts,
    Merged,
    TableWriter,
    only_unknown,
    read_hashes,
)

log = logging.getLogger(__name__)

LEVEL = "core.stock_level"
SOON = 5.0
"""Seconds before a read with missing rows is read again: an answer that lost some has them then."""


def sync_stock(run: SyncRun, *, only_on: Sequence[date] = (), mends: bool = False) -> None:
    """Bring stock to what Finale has; explicit zeros for products without an entry.

    Args:
        only_on: Business days that the caller wants the stock of; empty = whatever today is.
        mends: Whether to write levels anew that something other than a sync has changed.

    Raises:
        PastDay: A day is wanted that is not today by Finale's clock.
        ImplausibleError: Two reads in a row would take away more than can be believed.
        MalformedError: The answer was cut off at Finale's cap, or names a key twice.
    """
    follow_setting(run)
    places = facilities.parents(run.connection)
    mends = mends and levels.any_wrong(run.connection)
    read = read_stock(run, places, trusts_stored=not mends)
    read_at = run.client.source_now()
    day = business_day(read_at, run.settings.zone)
    _refuse_other_days(day, only_on)
    _forget_future(run, read_at, day)
    kept = dict[str, str]()
    if not read.is_stored:
        before, gone = stored_stock(run.connection), absent(run.connection, read)
        reasons = doubts_of(run, read, before)
        # Where few had a quantity that nothing has now, a column may be missing: once is no proof.
        if reasons or len(gone) or doubts_of(run, read, before, few=0):
            pause = second_read_seconds(run.settings)
            del read  # two of a large account would not fit
            run.sleep(pause if reasons else min(pause, SOON))
            read = read_stock(run, places, trusts_stored=not mends)
            kept = _hold_or_keep(run, read, before, gone)
    follow_builds(run)
    if read.is_stored:
        _keep_unchanged(run, read_at)
    else:
        _write(run, read, read_at, kept=kept, mends=mends)


def _hold_or_keep(
    run: SyncRun, read: StockRead, before: StoredStock, gone: pl.DataFrame
) -> dict[str, str]:
    """Hold a second read that cannot be believed either; else return what stays, and why.

    Args:
        gone: Keys that the first read lacked.
    """
    still = absent(run.connection, read)
    agree = set(still.rows()) <= set(gone.rows())
    reasons = doubts_of(run, read, before)
    if agree:
        reasons += too_many_gone(run, read, still)
    if reasons:
        change = difference(run, read, before, reasons)
        hold_unless_accepted(run, "stock", change, data="Stock stays as it was.")
    # It lacks rows that the first had: what is missing need not be gone.
    unsure = still.clear() if agree else still
    return dict.fromkeys(unsure["product_url"], "two reads in a row lacked different rows")


def _forget_future(run: SyncRun, now: datetime, day: date) -> None:
    """Forget what was noted while a clock was ahead, once the source and we agree."""
    if not run.client.agrees():
        return
    with run.batch("days that are still to come"):
        days = future.forget(run.connection, now=now, today=day)
    if days:
        log.warning("%s days after %s were forgotten: a clock had been ahead.", days, day)


def _refuse_other_days(day: date, days: Sequence[date]) -> None:
    other = next((d for d in days if d != day), None)
    if other is not None:
        raise PastDay(
            f"Finale shows the stock of the present only; {other} cannot be read any more."
            if other < day
            else f"Finale shows the stock of the present only, and {other} is still to come.",
            step=f"Materialize today's partition, {day}. What was stored of past days is in"
            " mart.stock_daily (core.stock_daily), one row per product and day.",
        )


def _write(
    run: SyncRun,
    read: StockRead,
    read_at: datetime,
    *,
    kept: dict[str, str],
    mends: bool,
) -> None:
    day = business_day(read_at, run.settings.zone)
    with run.batch("stock"):
        kept = kept | _protected(run.connection, read)
        levels.note_kept(run.connection, kept, now=run.clock())
        levels.begin(run.connection)
        if mends:
            levels.distrust_wrong(run.connection)
        stored = read_hashes(run.connection, levels.ENTRY_HASHES, ())
        fresh = only_unknown(read.entries, stored)
        if kept:
            fresh = fresh.filter(~pl.col("product_url").is_in(list(kept)))
        writer = TableWriter(run.connection, ENTRY)
        if stored.is_empty():
            _insert_sorted(writer, fresh, now=run.clock())
            merged, written = Merged(len(fresh), 0), ENTRY
        else:
            writer.copy(fresh)
            merged, written = writer.merge(now=run.clock()), writer.stage
        gone = without(stored, read.entries[HASH])
        levels.add(run.connection, written)
        removed = levels.remove_entries(run.connection, gone.to_list(), list(kept))
        changed = levels.refresh(run.connection, day=day, read_at=read_at, now=run.clock())
        levels.note_day(run.connection, day=day, now=run.clock())
        run.keep_rejects(ENTRY, read.rejects)
        decide_again(run.connection, run.settings, stock_on=day, now=run.clock())
        settle(run, "stock")
        is_whole = not read.rejects and not kept
        feeds.keep_stock(run.connection, read.digest if is_whole else 0, now=run.clock())
    unchanged = len(read.entries) - merged.inserted - merged.updated
    rejected = len(read.rejects)
    run.add(
        ENTRY,
        Counts(
            len(read.entries) + rejected,
            merged.inserted,
            merged.updated,
            unchanged,
            removed,
            rejected,
        ),
    )
    run.add(LEVEL, changed)


def _insert_sorted(writer: TableWriter, entries: pl.DataFrame, *, now: datetime) -> None:
    """Add entries in the order of the table's index, which is built in three quarters of the time.

    The sorted frame is never there as a whole.
    """
    for places in in_order(entries["product_url"]):
        for start in range(0, len(places), AT_ONCE):
            writer.insert(entries[places.slice(start, AT_ONCE)], now=now)


def in_order(keys: pl.Series, rows: int = 5 * AT_ONCE) -> Iterator[pl.Series]:
    """Yield the places of keys in the keys' order, some at a time: sorting takes 48 bytes a key.

    Args:
        rows: How many at a time, about.
    """
    step = max(1, rows // 100)
    bounds = keys.gather_every(step).sort().gather_every(100)
    part = bounds.search_sorted(keys, side="right")
    for number in range(len(bounds) + 1):
        places = (part == number).arg_true()
        yield places.gather(keys.gather(places).arg_sort())


def _protected(connection: Connection, read: StockRead) -> dict[str, str]:
    """Return products whose last good state stays as a whole, each with the reason.

    A product with an unreadable row would be a mixture of old and new. A row that does not say
    whose it is could be anyone's: then whoever lacks an entry that is stored keeps what is stored,
    for an old number is better than a false zero.
    """
    if not read.rejects:
        return {}
    protected = {r.key: r.reason for r in read.rejects if r.key}
    skus = {r.second_key: r.reason for r in read.rejects if not r.key and r.second_key}
    protected |= {url: skus[sku] for url, sku in levels.products_called(connection, list(skus))}
    nameless = next((r.reason for r in read.rejects if not r.key and not r.second_key), None)
    if nameless is not None:
        stored = pl.DataFrame(
            levels.entry_keys(connection), schema=dict.fromkeys(STOCK.key, pl.String), orient="row"
        )
        lacking = not_in(stored, read.entries)["product_url"].unique()
        never = levels.products_without_level(connection)
        protected = (
            dict.fromkeys([*lacking, *never], f"a row names no product: {nameless}") | protected
        )
    return protected


def _keep_unchanged(run: SyncRun, read_at: datetime) -> None:
    """Note that stock was read and is as stored; new products still get their zeros."""
    day = business_day(read_at, run.settings.zone)
    with run.batch("stock, unchanged"):
        settle(run, "stock")
        levels.begin(run.connection)
        changed = levels.refresh(run.connection, day=day, read_at=read_at, now=run.clock())
        levels.note_day(run.connection, day=day, now=run.clock())
        decide_again(run.connection, run.settings, stock_on=day, now=run.clock())
        entries = feeds.keep_unchanged_stock(run.connection, now=run.clock())
    run.add(ENTRY, Counts(read=entries, unchanged=entries))
    run.add(LEVEL, changed)
