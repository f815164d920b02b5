"""A read of stock beside what is stored: what it lacks, and why it cannot be believed."""

from dataclasses import asdict, dataclass

import polars as pl

from finale_pipeline.domain.syncs.stock import FEW, SMALL, StockSummary, doubts
from finale_pipeline.finale.records import STOCK
from finale_pipeline.sync.plausibility import SAMPLE
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.stock_read import StockRead
from finale_pipeline.warehouse import levels
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.holds import Difference
from finale_pipeline.warehouse.store import HASH, read_hashes

KEY = list(STOCK.key)
TURNOVER = 2
"""So many times the account's busiest day may be emptied at once."""


@dataclass(frozen=True, slots=True)
class StoredStock:
    """What is stored before a read is written: its sums, and how many products are active."""

    summary: StockSummary
    products: int


def stored_stock(connection: Connection) -> StoredStock:
    """Return what is stored of stock."""
    return StoredStock(levels.summary(connection), levels.active_products(connection))


def doubts_of(run: SyncRun, read: StockRead, before: StoredStock, *, few: int = FEW) -> list[str]:
    """Return why a read cannot be believed; `few` as of `doubts`."""
    if read.is_stored:
        return []
    return doubts(
        before=before.summary,
        now=read.summary,
        entries=len(read.entries),
        products=before.products,
        limit=run.settings.shrink_limit,
        few=few,
    )


def difference(
    run: SyncRun, read: StockRead, stored: StoredStock, reasons: list[str]
) -> Difference:
    """Return what a read would change, with the products that would lose most."""
    now = read.entries.group_by("product_url").agg(pl.col("on_hand_units").sum().alias("now"))
    schema = {"product_url": pl.String, "sku": pl.String, "name": pl.String, "before": pl.Float64}
    before = pl.DataFrame(levels.in_stock(run.connection), schema=schema, orient="row")
    both = before.join(now, on="product_url", how="left").with_columns(pl.col("now").fill_null(0))
    losers = both.filter(pl.col("now") <= 0).sort("before", "sku", descending=[True, False])
    sample = losers.head(SAMPLE).select("sku", "name", "before", "now").to_dicts()
    after = asdict(read.summary) | {"lost": len(losers)}
    return Difference(reasons, asdict(stored.summary), after, sample)


def absent(connection: Connection, read: StockRead) -> pl.DataFrame:
    """Return the keys of stored entries with any units that a read has no row of.

    Finale may leave out what is zero, and an answer may have lost rows: both look alike.
    """
    schema = dict.fromkeys(KEY, pl.String)
    if read.is_stored:
        return pl.DataFrame(schema=schema)
    filled = read_hashes(connection, levels.FILLED_HASHES, ())
    changed = without(filled, read.entries[HASH]).to_list()
    stored = pl.DataFrame(levels.keys_of(connection, changed), schema=schema, orient="row")
    return not_in(stored, read.entries)


def without(hashes: pl.Series, others: pl.Series) -> pl.Series:
    """Return the hashes that are none of the others."""
    if hashes.is_empty():  # the others would be put into a table all the same
        return hashes
    return hashes.to_frame().join(others.to_frame(), on=HASH, how="anti")[HASH]


def not_in(stored: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Return the stored keys that no entry of a read has."""
    alike = entries.filter(pl.col("product_url").is_in(stored["product_url"].unique().implode()))
    return stored.join(alike.select(pl.col(KEY).cast(pl.String)), on=KEY, how="anti")


def too_many_gone(run: SyncRun, read: StockRead, gone: pl.DataFrame) -> list[str]:
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
