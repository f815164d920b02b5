"""A read of stock: Finale's answer in units, with each place's location, and in sum."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import xxhash

from finale_pipeline.domain.packing import Reading
from finale_pipeline.domain.syncs.stock import StockSummary
from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.quantities import in_units
from finale_pipeline.finale.records import STOCK
from finale_pipeline.finale.wire import Reject, decode
from finale_pipeline.sync.memory import give_back_large_blocks
from finale_pipeline.sync.quantities import current_reading, learn
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import feeds, stocking
from finale_pipeline.warehouse.store import Counts, hashed

ENTRY = "core.stock_entry"
AT_ONCE = 20_000
"""Rows of which all texts are in memory."""
SUMMED = 5 * AT_ONCE
"""Rows of which sums are taken at a time: it needs less than a quarter of what all would."""
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
class StockRead:
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


def read_stock(run: SyncRun, places: dict[str, str | None], *, trusts_stored: bool) -> StockRead:
    """Read all stock.

    Args:
        places: Each sublocation's parent.
        trusts_stored: Whether an answer like the last is taken to be what is stored.

    Raises:
        MalformedError: The answer was cut off at Finale's cap, or names a key twice.
        DriftError: Too many of its rows are unreadable.
    """
    give_back_large_blocks()
    pages, sent = run.client.pages(STOCK)
    dropship = stocking.dropship_orders(run.connection)
    digest = _digest(sent, places, dropship, current_reading(run))
    if trusts_stored and digest == feeds.stock_digest(run.connection):
        return StockRead(digest)
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
    _make_whole(entries)
    return StockRead(
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


def _make_whole(frame: pl.DataFrame) -> None:
    """Join the pieces of each column, one after the other.

    Of columns cut in different places polars makes copies, all at once, wherever it plans.
    """
    for index, column in enumerate(frame.columns):
        frame.replace_column(index, frame[column].rechunk())


def _locations(frame: pl.DataFrame, places: dict[str, str | None]) -> dict[str, str]:
    """Return the location of each place that rows name, and of none."""
    pairs = frame.select("facility_url", "parent_facility_url")
    pairs = _of_parts(pairs, lambda part: part.unique()).unique()
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


def summarise(entries: pl.DataFrame, rows: int = SUMMED) -> StockSummary:
    """Return what a read says in sum.

    Args:
        entries: product_url, location_url and the three quantities.
        rows: Of which sums are taken at a time, about.
    """
    # By hashes of keys, one quantity and some products at a time: that takes the least memory.
    product, place = pl.col("product_url").hash(), pl.col("location_url").hash()
    groups = 1 + len(entries) // rows

    def above_zero(name: str, key: pl.Expr, *more: str) -> Iterator[pl.DataFrame]:
        keyed = _of_parts(entries, lambda part: part.select(*more, key=key, units=name), rows)
        for group in range(groups):
            alike = keyed.filter(pl.col("units") != 0, pl.col("key") % groups == group)
            sums = alike.group_by("key").agg(pl.col("units").sum(), pl.col(more).first())
            yield sums.filter(pl.col("units") > 0)

    there = above_zero("on_hand_units", product ^ place, "location_url")
    by_place = pl.concat(part.group_by("location_url").len() for part in there)
    by_place = by_place.with_columns(pl.col("location_url").cast(pl.String))
    by_place = by_place.group_by("location_url").sum()
    in_stock, on_order, reserved = (
        sum(map(len, above_zero(name, product))) for name in QUANTITIES.values()
    )
    return StockSummary(in_stock, dict(by_place.iter_rows()), on_order, reserved)
