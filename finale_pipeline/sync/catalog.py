"""Which tables are read from which collection, with the tables of their nested lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl
from psycopg.errors import UniqueViolation

from finale_pipeline.domain.syncs.catalog import implausible_removal
from finale_pipeline.finale import nested
from finale_pipeline.finale.lists import Note
from finale_pipeline.finale.quantities import with_pack
from finale_pipeline.finale.records import FACILITY, PARTY, PRODUCT, Resource
from finale_pipeline.finale.wire import Answer, Reject, decode, decode_records, noted
from finale_pipeline.sync.absence import MOST, confirmed, read_singly
from finale_pipeline.sync.plausibility import hold_unless_accepted, settle, vanished
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import facilities, levels, scans
from finale_pipeline.warehouse.store import (
    HASH,
    Counts,
    TableWriter,
    hashed,
    only_unknown,
    read_hashes,
)


@dataclass(frozen=True, slots=True)
class Child:
    """A table with the rows of a nested list.

    Attributes:
        table: Its name; its key begins with the key of the record.
        rows: Makes its rows from records with their helper columns, and notes what it cannot read.
        helper: The helper column with the list.
    """

    table: str
    rows: Callable[[pl.DataFrame, list[Note]], pl.DataFrame]
    helper: str


@dataclass(frozen=True, slots=True)
class ChildRows:
    """Rows of the children's tables with their hashes, one frame each.

    Attributes:
        notes: What of the nested lists cannot be read.
    """

    frames: Sequence[pl.DataFrame]
    notes: Sequence[Reject]


class Derivation(Protocol):
    """Keeps tables that are computed from a catalogue's; both calls are in the transaction."""

    def before(self, run: SyncRun, records: str, values: Sequence[object] = ()) -> None:
        """Be told of records that are about to change: a query of their keys, its parameters."""
        ...

    def after(self, run: SyncRun) -> dict[str, Counts]:
        """Bring the computed tables up to date; return what happened to them."""
        ...


def _all(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A table of records that carry the time of their last change.

    Attributes:
        resource: The collection it is read from.
        children: Tables of its nested lists.
        chosen: Which of the collection's records belong here, with which columns.
        siblings: Further tables fed from the same answers, with other records of them.
        derived: Tables computed from this one and its children.
        completed: Brings what an answer should have and lacks, as far as it can be had.
        empty_means: What it would mean that no record of many belongs here; None = nothing.
    """

    resource: Resource
    table: str
    children: tuple[Child, ...] = ()
    chosen: Callable[[pl.DataFrame], pl.DataFrame] = _all
    active_status: str | None = None
    siblings: "tuple[Catalogue, ...]" = ()
    derived: Derivation | None = None
    empty_means: str | None = None
    completed: Callable[[SyncRun, Answer], Answer] | None = None

    @property
    def children_helpers(self) -> list[str]:
        """The helper column that each child's rows are made of."""
        return [child.helper for child in self.children]

    @property
    def key(self) -> str:
        """The key's column."""
        return self.resource.key[0]

    @property
    def helpers(self) -> list[str]:
        """Columns that serve only to make the children."""
        return [helper for _, helper in self.resource.helpers]

    def child_rows(self, frame: pl.DataFrame) -> ChildRows:
        """Return the rows of each child's table, and what cannot be read of the lists."""
        notes: list[Note] = []
        rows = [hashed(child.rows(frame, notes)) for child in self.children]
        return ChildRows(rows, noted(notes))

    def prepared(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the records that belong here, each with its hash."""
        frame = self.chosen(frame)
        hashes = hashed(frame.drop(self.helpers))[HASH]
        return frame.with_columns(hashes)


PRODUCTS = Catalogue(
    PRODUCT,
    "core.product",
    (
        Child("core.product_supplier", nested.supplier_rows, "suppliers"),
        Child("core.reorder_rule", nested.rule_rows, "guidelines"),
    ),
    with_pack,
    active_status="PRODUCT_ACTIVE",
)
VENDORS = Catalogue(
    PARTY,
    "core.vendor",
    (Child("core.vendor_contact", nested.contact_rows, "contacts"),),
    nested.suppliers_only,
    empty_means="none of Finale's parties has the role SUPPLIER, so there would be no vendor",
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What writing some records did.

    Attributes:
        older: Keys of records that are stored in a newer version.
        notes: What of the nested lists of written records cannot be read.
    """

    counts: dict[str, Counts]
    older: list[str]
    notes: Sequence[Reject]

    @property
    def wrote_nothing(self) -> bool:
        """Whether all records were stored as they are."""
        return not any(c.inserted + c.updated for c in self.counts.values())


def write(
    run: SyncRun,
    catalogue: Catalogue,
    frame: pl.DataFrame,
    stored: pl.Series,
    *,
    rejected: int,
    child_rows: ChildRows | None = None,
) -> Loaded:
    """Write the records that differ, and their nested lists, in the open transaction.

    Args:
        frame: Records as `Catalogue.prepared` returns them.
        stored: Hashes of live rows that need not be sent.
        rejected: Records of the same answer that were unreadable.
        child_rows: All records' nested lists, where they were made ahead.
    """
    read = len(frame) + rejected
    counts = {child.table: Counts() for child in catalogue.children}
    fresh = only_unknown(frame, stored)
    if fresh.is_empty():  # as in most windows of a scan: not even a staging table is made
        counts[catalogue.table] = Counts(read, unchanged=len(frame), rejected=rejected)
        return Loaded(counts, [], ())
    if stored.is_empty() and catalogue.derived is None:
        child_rows = child_rows or catalogue.child_rows(fresh)
        inserted = _insert(run, catalogue, fresh, child_rows.frames)
        if inserted is not None:
            inserted[catalogue.table] = Counts(read, len(fresh), rejected=rejected)
            return Loaded(inserted, [], child_rows.notes)
    owner = TableWriter(run.connection, catalogue.table)
    owner.copy(fresh.drop(catalogue.helpers))
    if catalogue.derived:
        catalogue.derived.before(run, f"SELECT {catalogue.key} FROM {owner.stage}")
    merged = owner.merge(now=run.clock())
    older = owner.left_alone() if merged.inserted + merged.updated < len(fresh) else []
    written = fresh.filter(~pl.col(catalogue.key).is_in(older)) if older else fresh
    owner.unstage(older)
    unchanged = len(frame) - merged.inserted - merged.updated
    counts[catalogue.table] = Counts(read, merged.inserted, merged.updated, unchanged, 0, rejected)
    notes: Sequence[Reject] = ()
    if len(written):
        lists = catalogue.child_rows(written)
        notes = lists.notes
        for child, rows in zip(catalogue.children, lists.frames, strict=True):
            may_have_rows = merged.updated > 0
            counts[child.table] = _write_child(
                run, child.table, rows, owner, may_have_rows=may_have_rows
            )
    if catalogue.derived:
        counts |= catalogue.derived.after(run)
    return Loaded(counts, older, notes)


def write_siblings(
    run: SyncRun, catalogue: Catalogue, frames: Sequence[pl.DataFrame]
) -> dict[str, Counts]:
    """Write what the same answer holds for the catalogue's siblings, in the open transaction.

    Args:
        catalogue: The one whose answer it is.
        frames: Per sibling its records as `Catalogue.prepared` returns them.

    Returns:
        What happened, per table.
    """
    counts: dict[str, Counts] = {}
    for sibling, frame in zip(catalogue.siblings, frames, strict=True):
        query = f"SELECT row_hash FROM {sibling.table} WHERE {sibling.key} = ANY (%s)"
        stored = read_hashes(run.connection, query, (frame[sibling.key].to_list(),))
        counts |= write(run, sibling, frame, stored, rejected=0).counts
    return counts


def _insert(
    run: SyncRun, catalogue: Catalogue, fresh: pl.DataFrame, child_rows: Sequence[pl.DataFrame]
) -> dict[str, Counts] | None:
    """Add records that are all new, which is what a first load is; None = some are not."""
    owner = TableWriter(run.connection, catalogue.table)
    keys = fresh[catalogue.key]
    if owner.has_any([*keys.head(3), *keys.tail(3)]):
        return None
    counts: dict[str, Counts] = {}
    try:
        with run.connection.transaction():
            owner.insert(fresh.drop(catalogue.helpers), now=run.clock())
            for child, rows in zip(catalogue.children, child_rows, strict=True):
                TableWriter(run.connection, child.table).insert(rows, now=run.clock())
                counts[child.table] = Counts(len(rows), len(rows))
    except UniqueViolation:
        return None
    return counts


def _write_child(
    run: SyncRun, table: str, rows: pl.DataFrame, owner: TableWriter, *, may_have_rows: bool
) -> Counts:
    writer = TableWriter(run.connection, table)
    writer.copy(rows)
    removed = writer.delete_others_of(owner) if may_have_rows else 0
    merged = writer.merge(now=run.clock())
    unchanged = len(rows) - merged.inserted - merged.updated
    return Counts(len(rows), merged.inserted, merged.updated, unchanged, removed)


def write_shown(run: SyncRun, catalogue: Catalogue, shown: Sequence[bytes]) -> None:
    """Write records that were read singly: no window had them, as if stamped in the future."""
    if not shown:
        return
    frame = catalogue.prepared(decode_records(shown, catalogue.resource).frame)
    with run.batch(f"{catalogue.resource.path}: what no window had"):
        loaded = write(run, catalogue, frame, pl.Series(HASH, [], dtype=pl.Int64), rejected=0)
    for table, counts in loaded.counts.items():
        run.add(table, counts)


def sync_named(run: SyncRun) -> None:
    """Read products singly that stock names and the catalogue lacks, if they are few.

    Where they are many the account is older than FINALE_SINCE says.
    """
    urls = levels.products_unknown(run.connection, most=MOST + 1)
    if len(urls) > MOST:
        return
    shown, _ = read_singly(run, PRODUCT, urls, PRODUCTS.chosen)
    write_shown(run, PRODUCTS, shown)


def sync_facilities(run: SyncRun) -> None:
    """Read all places, in one answer.

    Raises:
        ImplausibleError: Too many of them vanished.
    """
    catalogue = Catalogue(FACILITY, "core.facility")
    answer = decode(run.client.body(FACILITY).data, FACILITY)
    so_far = run.counts.get(catalogue.table, Counts())
    run.refuse_if_unreadable(
        catalogue.table, answer.rejects, read=len(answer.frame) + len(answer.rejects), so_far=so_far
    )
    frame = catalogue.prepared(answer.frame)
    missing = [] if answer.rejects else _missing_facilities(run, frame)
    with run.batch("facilities"):
        run.keep_rejects(catalogue.table, answer.rejects)
        stored = read_hashes(run.connection, facilities.LIVE_HASHES, ())
        loaded = write(run, catalogue, frame, stored, rejected=len(answer.rejects))
        scans.remove(run.connection, "core.facility", "facility_url", missing, now=run.clock())
        settle(run, catalogue.table)
    run.add(catalogue.table, loaded.counts[catalogue.table] + Counts(removed=len(missing)))


def _missing_facilities(run: SyncRun, present: pl.DataFrame) -> list[str]:
    live = facilities.live(run.connection)
    urls = set(present["facility_url"])
    missing = [url for url in live if url not in urls]
    why = implausible_removal(missing=len(missing), live=len(live), limit=run.settings.shrink_limit)
    if why:
        difference = vanished(why, live=len(live), missing=missing)
        hold_unless_accepted(run, "core.facility", difference, data="No place was changed.")
        return missing
    return confirmed(run, FACILITY, missing, _all)[0]
