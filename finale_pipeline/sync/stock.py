"""Reads all stock at once, believes it or holds it, and brings levels and history up to date."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl
import xxhash

from finale_pipeline.clock import business_day
from finale_pipeline.domain.packing import Reading
from finale_pipeline.domain.syncs.stock import FEW, SMALL, StockSummary, doubts
from finale_pipeline.errors import MalformedError, PastDay
from finale_pipeline.finale.quantities import in_units
from finale_pipeline.finale.records import STOCK
from finale_pipeline.finale.wire import Reject, decode
from finale_pipeline.planning.decisions import decide_again
from finale_pipeline.sync.memory import give_back_large_blocks
from finale_pipeline.sync.movements import follow_builds
from finale_pipeline.sync.plausibility import SAMPLE, hold_unless_accepted, settle
from finale_pipeline.sync.quantities import current_reading, follow_setting, learn
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.source import second_read_seconds
from finale_pipeline.warehouse import facilities, feeds, future, levels, stocking
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.holds import Difference
from finale_pipeline.warehouse.store import (
    HASH,
    Counts,
    Merged,
    TableWriter,
    hashed,
    only_unknown,
    read_hashes,
)

log = logging.getLogger(__name__)

ENTRY = "core.stock_entry"
LEVEL = "core.stock_level"
KEY = list(STOCK.key)
SOON = 5.0
"""Seconds before a read with missing rows is read again: an answer that lost some has them then."""
TURNOVER = 2
"""So many times the account's busiest day may be emptied at once."""
AT_ONCE = 20_000
"""Rows of which all texts are in memory."""
GROUPS = 4
"""Of a read's products, whose sums are taken one after the other."""
QUANTITIES = {
    "on_hand_quantity": "on_hand_units",
    "on_order_quantity": "on_order_units",
    "reserved_quantity": "reserved_units",
}
# A row that names no place but its parent lies at the parent.
PLACE = (
    pl.when(pl.col("facility_url") == "")
    .then("parent_facility_url")
    .otherwise("facility_url")
    .fill_null("")
)


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer.

    Attributes:
        digest: Of its content, and of what decides how that is read.
        is_stored: Whether it is what is stored already; then there is nothing else.
        entries: Rows of core.stock_entry with hashes; keys and places but the product's as
            `pl.Categorical`.
        rejects: The rows that cannot be read.
        summary: What it says in sum.
    """

    digest: int
    is_stored: bool = True
    entries: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejects: Sequence[Reject] = ()
    summary: StockSummary = field(default_factory=StockSummary)


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
    read = _read(run, places, trusts_stored=not mends)
    read_at = run.client.source_now()
    day = business_day(read_at, run.settings.zone)
    _refuse_other_days(day, only_on)
    _forget_future(run, read_at, day)
    gone, kept = absent(run.connection, read), dict[str, str]()
    before = None if read.is_stored else _stored(run.connection)
    reasons = _doubts(run, read, before)
    # Where few had a quantity that nothing has now, a column may be missing: once is no proof.
    if reasons or len(gone) or _doubts(run, read, before, few=0):
        pause = second_read_seconds(run.settings)
        del read  # two of a large account would not fit
        run.sleep(pause if reasons else min(pause, SOON))
        read = _read(run, places, trusts_stored=not mends)
        still = absent(run.connection, read)
        agree = set(still.rows()) <= set(gone.rows())
        reasons = _doubts(run, read, before) + (_too_many_gone(run, read, still) if agree else [])
        if reasons:
            hold_unless_accepted(
                run, "stock", _difference(run, read, reasons), data="Stock stays as it was."
            )
        if not agree:  # it lacks rows that the first had: what is missing need not be gone
            unsure = still["product_url"].unique()
            kept = dict.fromkeys(unsure, "two reads in a row lacked different rows")
    follow_builds(run)
    if read.is_stored:
        _keep_unchanged(run, read_at)
    else:
        _write(run, read, read_at, kept=kept, mends=mends)


def absent(connection: Connection, read: _Read) -> pl.DataFrame:
    """Return the keys of stored entries with any units that a read has no row of.

    Finale may leave out what is zero, and an answer may have lost rows: both look alike.
    """
    schema = dict.fromkeys(KEY, pl.String)
    if read.is_stored:
        return pl.DataFrame(schema=schema)
    filled = read_hashes(connection, levels.FILLED_HASHES, ())
    changed = _without(filled, read.entries[HASH]).to_list()
    stored = pl.DataFrame(levels.keys_of(connection, changed), schema=schema, orient="row")
    return _not_in(stored, read.entries)


def _without(hashes: pl.Series, others: pl.Series) -> pl.Series:
    """Return the hashes that are none of the others."""
    return hashes.to_frame().join(others.to_frame(), on=HASH, how="anti")[HASH]


def _not_in(stored: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Return the stored keys that no entry of a read has."""
    alike = entries.filter(pl.col("product_url").is_in(stored["product_url"].unique().implode()))
    return stored.join(alike.select(pl.col(KEY).cast(pl.String)), on=KEY, how="anti")


def _too_many_gone(run: SyncRun, read: _Read, gone: pl.DataFrame) -> list[str]:
    """Say why so many products cannot have lost all their rows since the last read."""
    if read.is_stored:
        return []
    there = read.entries.select("product_url").unique()
    lost = gone.select("product_url").unique().join(there, on="product_url", how="anti")
    if len(lost) <= SMALL:
        return []
    usual = levels.most_emptied_in_a_day(run.connection)
    if len(lost) <= max(SMALL, TURNOVER * usual):
        return []
    return [
        f"{len(lost)} products that had units are in no row any more; at most {usual} were"
        " emptied on any day of the last four weeks"
    ]


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


def _read(run: SyncRun, places: dict[str, str | None], *, trusts_stored: bool) -> _Read:
    give_back_large_blocks()
    pages, sent = run.client.pages(STOCK)
    dropship = stocking.dropship_orders(run.connection)
    digest = _digest(sent, places, dropship, current_reading(run))
    if trusts_stored and digest == feeds.stock_digest(run.connection):
        return _Read(digest)
    answer = decode(pages, STOCK)
    if answer.rows == run.settings.row_cap:
        raise MalformedError(
            f"inventoryitem/ answered {answer.rows} rows; at {run.settings.row_cap} Finale cuts"
            " an answer without saying so, and the rest would look like zero.",
            step="If the account really has so many, set FINALE_ROW_CAP higher.",
        )
    run.refuse_if_unreadable(
        ENTRY,
        answer.rejects,
        read=len(answer.frame) + len(answer.rejects),
        so_far=run.counts.get(ENTRY, Counts()),
    )
    packed = _of_parts(
        answer.frame.select("on_hand_quantity", "packing"),
        lambda part: part.filter(pl.col("packing") != ""),
    )
    learn(run, packed["on_hand_quantity"], packed["packing"].cast(pl.String))
    reading = current_reading(run)
    entries, rejects = _entries(answer.frame, places, dropship, reading), answer.rejects
    del answer, packed  # what is as it was sent, before sums are taken
    return _Read(
        digest=_digest(sent, places, dropship, reading),
        is_stored=False,
        entries=entries,
        rejects=rejects,
        summary=summarise(entries),
    )


def _digest(
    body: int, places: dict[str, str | None], dropship: Sequence[str], reading: Reading
) -> int:
    """Where a sublocation belongs, what never comes and what is counted decide about sums too."""
    question = f"{body} {sorted(places.items())} {dropship} {reading}"
    return xxhash.xxh3_64_intdigest(question.encode()) >> 1


def _coming(frame: pl.DataFrame, dropship: Sequence[str]) -> pl.DataFrame:
    """Return rows in which nothing is on order that vendors ship to customers themselves."""
    quantity = pl.when(pl.col("order_url").is_in(list(dropship))).then(0.0)
    return frame.with_columns(quantity.otherwise("on_order_quantity").alias("on_order_quantity"))


def _entries(
    frame: pl.DataFrame,
    places: dict[str, str | None],
    dropship: Sequence[str],
    reading: Reading,
) -> pl.DataFrame:
    """Return rows of core.stock_entry in units, with each place's location, and hashes.

    A row without a place is at its parent's location, or at none. Rows are made in parts, and
    what many of them share is kept once: a large account has 1.5 million.
    """
    locations = _locations(frame, places)

    def made(part: pl.DataFrame) -> pl.DataFrame:
        rows = part.with_columns(pl.col(pl.Categorical).cast(pl.String))
        rows = hashed(
            in_units(_coming(rows, dropship), QUANTITIES, reading).select(
                *STOCK.key,
                PLACE.replace_strict(locations, return_dtype=pl.String).alias("location_url"),
                "sku",
                pl.col("expires_at").dt.date().alias("expires_on"),
                *QUANTITIES.values(),
            )
        )
        rows = rows.drop(*STOCK.key, "sku")
        return rows.with_columns(pl.col("location_url").cast(pl.Categorical))

    return frame.select(*STOCK.key, "sku").hstack(_of_parts(frame, made))


def _of_parts(
    frame: pl.DataFrame, made: Callable[[pl.DataFrame], pl.DataFrame], rows: int = AT_ONCE
) -> pl.DataFrame:
    """Return what is made of a frame, so many rows at a time."""
    return pl.concat([made(part) for part in frame.iter_slices(rows)] or [made(frame)])


def _locations(frame: pl.DataFrame, places: dict[str, str | None]) -> dict[str, str]:
    """Return the location of each place that rows name, and of none."""
    pairs = frame.select("facility_url", "parent_facility_url").unique()
    pairs = pairs.select(pl.all().cast(pl.String)).select("parent_facility_url", place=PLACE)
    parents = {url: parent for parent, url in pairs.iter_rows() if url and parent}
    parents |= {url: parent for url, parent in places.items() if parent}
    return {url: _location(url, parents) for url in pairs["place"].to_list()}


def _location(url: str, parents: dict[str, str]) -> str:
    seen = {url}
    while (parent := parents.get(url)) is not None and parent not in seen:
        seen.add(parent)
        url = parent
    return url


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored before a read is written: its sums, and how many products are active."""

    summary: StockSummary
    products: int


def _stored(connection: Connection) -> _Stored:
    return _Stored(levels.summary(connection), levels.active_products(connection))


def _doubts(run: SyncRun, read: _Read, before: _Stored | None, *, few: int = FEW) -> list[str]:
    if read.is_stored or before is None:
        return []
    return doubts(
        before=before.summary,
        now=read.summary,
        entries=len(read.entries),
        products=before.products,
        limit=run.settings.shrink_limit,
        few=few,
    )


def _difference(run: SyncRun, read: _Read, reasons: list[str]) -> Difference:
    """Return what a read would change, with the products that would lose most."""
    now = read.entries.group_by("product_url").agg(pl.col("on_hand_units").sum().alias("now"))
    rows = levels.in_stock(run.connection)
    schema = {"product_url": pl.String, "sku": pl.String, "name": pl.String, "before": pl.Float64}
    stored = pl.DataFrame(rows, schema=schema, orient="row")
    both = stored.join(now, on="product_url", how="left").with_columns(pl.col("now").fill_null(0))
    losers = both.filter(pl.col("now") <= 0).sort("before", "sku", descending=[True, False])
    before, after = (_sums(s) for s in (levels.summary(run.connection), read.summary))
    sample = losers.head(SAMPLE).select("sku", "name", "before", "now").to_dicts()
    return Difference(reasons, before, after | {"lost": len(losers)}, sample)


def _sums(summary: StockSummary) -> dict[str, Any]:
    return {
        "products_in_stock": summary.products_in_stock,
        "products_on_order": summary.products_on_order,
        "products_reserved": summary.products_reserved,
        "products_in_stock_by_location": dict(summary.products_in_stock_by_location),
    }


def summarise(entries: pl.DataFrame) -> StockSummary:
    """Return what a read says in sum.

    Args:
        entries: product_url, location_url and the three quantities.
    """
    # By hashes of keys, one quantity and some products at a time: that takes the least memory.
    product, place = pl.col("product_url").hash(), pl.col("location_url").hash()

    def above_zero(name: str, key: pl.Expr, *more: str) -> pl.DataFrame:
        return pl.concat(
            _of_parts(
                entries,
                lambda rows: (
                    rows.filter(pl.col(name) != 0)
                    .select(*more, key=key, units=name)
                    .filter(pl.col("key") % GROUPS == group)  # noqa: B023 - called at once
                ),
                5 * AT_ONCE,
            )
            .group_by("key")
            .agg(pl.col("units").sum(), pl.col(more).first())
            .filter(pl.col("units") > 0)
            for group in range(GROUPS)
        )

    there = above_zero("on_hand_units", product ^ place, "location_url")
    by_place = (
        there.group_by("location_url").len().with_columns(pl.col("location_url").cast(pl.String))
    )
    in_stock, on_order, reserved = (len(above_zero(name, product)) for name in QUANTITIES.values())
    return StockSummary(in_stock, dict(by_place.iter_rows()), on_order, reserved)


def _write(
    run: SyncRun,
    read: _Read,
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
        entries = read.entries
        if kept:
            entries = entries.filter(~pl.col("product_url").is_in(list(kept)))
        stored = read_hashes(run.connection, levels.ENTRY_HASHES, ())
        fresh = only_unknown(entries, stored)
        writer = TableWriter(run.connection, ENTRY)
        if stored.is_empty():
            _insert_sorted(writer, fresh, now=run.clock())
            merged, written = Merged(len(fresh), 0), ENTRY
        else:
            writer.copy(fresh)
            merged, written = writer.merge(now=run.clock()), writer.stage
        gone = _without(stored, entries[HASH])
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
    order = entries["product_url"].arg_sort()
    for start in range(0, len(order), AT_ONCE):
        writer.insert(entries[order.slice(start, AT_ONCE)], now=now)


def _protected(connection: Connection, read: _Read) -> dict[str, str]:
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
        lacking = _not_in(stored, read.entries)["product_url"].unique()
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
