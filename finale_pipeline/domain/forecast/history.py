"""Demand per product and day, held in as little as it needs: one entry per day with sales.

Products are in the order of their keys, so that what is computed from a history does not depend on
the order of the rows it was made from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.int32]
Flags = NDArray[np.bool_]
DayNumber = int
"""A day, in days since 1970-01-01."""

EPOCH = date(1970, 1, 1).toordinal()
KEY = "product_url"
BLOCK_ROWS = 1_000_000
"""Sales looked at together; bounds the memory of what is computed from them."""


def day_number(day: date) -> DayNumber:
    """Return the days since 1970-01-01.

    >>> day_number(date(1970, 1, 3))
    2
    """
    return day.toordinal() - EPOCH


@dataclass(frozen=True, slots=True)
class Sparse:
    """Days of every product, one product after the other.

    Attributes:
        starts: Where each product's days begin; one more entry than products.
    """

    starts: Ints
    days: Days

    def owners(self) -> Ints:
        """Return the product of each day."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True, slots=True)
class History:
    """Demand of products that sold at least once.

    Attributes:
        keys: Of the products, ascending.
        units: Sold on each of those days; above zero.
        first_day: When each product was first available: its first sale, or an earlier day on
            which it is known to have been there.
        censored: Days that began with no stock, had no receipt and sold nothing; they say nothing
            of demand. A day with a sale is observed: its demand was at least what it sold.
    """

    keys: pl.Series
    sold: Sparse
    units: Floats
    first_day: Days
    censored: Sparse

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def begins(self) -> int:
        """The first day of all; of none, one that never comes."""
        return int(self.first_day.min()) if len(self) else np.iinfo(np.int32).max

    def before(self, day: DayNumber, *, since: DayNumber | None = None) -> "History":
        """Return what was known on the morning of a day: products and sales before it.

        Args:
            since: Nothing before it is kept either; products are then available from there.
        """
        keep = self.sold.days < day
        if since is not None:
            keep &= self.sold.days >= since
        elif keep.all() and (self.censored.days < day).all():
            return self
        first = self.first_day if since is None else np.maximum(self.first_day, np.int32(since))
        return self._of(keep, first, lo=since, hi=day)

    def thinned(self, most: int) -> "History":
        """Return a part of at most so many products, evenly spread over the keys."""
        step = -(-len(self) // most)
        if step <= 1:
            return self
        keep = self.sold.owners() % step == 0
        return self._of(keep, self.first_day, lo=None, hi=np.iinfo(np.int32).max)

    def _of(self, keep: Flags, first_day: Days, *, lo: int | None, hi: int) -> "History":
        """Return the days with sales that are kept, and the products that have any."""
        counts = np.bincount(self.sold.owners()[keep], minlength=len(self))
        stays = counts > 0
        return History(
            self.keys.filter(pl.Series(stays)),
            Sparse(_starts(counts[stays]), self.sold.days[keep]),
            self.units[keep],
            first_day[stays],
            _only(self.censored, stays, lo=lo, hi=hi),
        )

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of products to be looked at together; of none, one empty range."""
        lo = hi = 0
        while lo < len(self):
            limit = self.sold.starts[lo] + BLOCK_ROWS
            hi = max(lo + 1, int(np.searchsorted(self.sold.starts, limit, side="right")) - 1)
            yield lo, hi
            lo = hi
        if not hi:
            yield 0, 0


def _starts(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _only(sparse: Sparse, stays: Flags, *, lo: int | None, hi: int) -> Sparse:
    if not len(sparse.days):
        return Sparse(np.zeros(int(stays.sum()) + 1, np.int64), sparse.days)
    owners = sparse.owners()
    keep = stays[owners] & (sparse.days < hi)
    if lo is not None:
        keep &= sparse.days >= lo
    counts = np.bincount(owners[keep], minlength=len(stays))
    return Sparse(_starts(counts[stays]), sparse.days[keep])


def history(
    sales: pl.DataFrame,
    *,
    first_on: pl.DataFrame | None = None,
    censored: pl.DataFrame | None = None,
) -> History:
    """Return the history of sales, whatever the order of the rows.

    Args:
        sales: `product_url`, `sold_on`, `units`; several rows of a day are added up. Returns and
            corrections (zero or less) are no demand and are left out.
        first_on: `product_url`, `first_on`: day on which it was there, where one is known.
        censored: `product_url`, `from_on`, `until_on`: spans of days, the last one not included,
            that began with no stock and had no receipt.

    >>> result = history(pl.DataFrame({"product_url": ["b", "a", "a"], "units": [1.0, 2.0, 3.0],
    ...     "sold_on": [date(1970, 1, 5), date(1970, 1, 3), date(1970, 1, 3)]}))
    >>> result.keys.to_list(), result.units.tolist(), result.first_day.tolist()
    (['a', 'b'], [5.0, 1.0], [2, 4])
    """
    rows = (
        sales.lazy()
        .filter(pl.col("units") > 0)
        .select(KEY, pl.col("sold_on").cast(pl.Int32), pl.col("units").cast(pl.Float64))
        .collect()
    )
    if not _ascends(rows):
        rows = rows.sort(KEY, "sold_on", "units")
    of_key = rows[KEY].rle_id().to_numpy().astype(np.int64)
    days = rows["sold_on"].to_numpy()
    begins = np.flatnonzero(_differs(of_key) | _differs(days))
    units = np.add.reduceat(rows["units"].to_numpy(), begins) if len(begins) else np.zeros(0)
    owners, days = of_key[begins], days[begins]
    keys = rows[KEY].filter(pl.Series(_differs(of_key)))
    starts = _starts(np.bincount(owners, minlength=len(keys)))
    first_day = _first_days(keys, days[starts[:-1]], first_on)
    sold = Sparse(starts, days)
    left_out = _without(_censored_days(keys, first_day, censored), sold)
    return History(keys, sold, units, first_day, left_out)


def _ascends(rows: pl.DataFrame) -> bool:
    """Whether every row has a later key and day than the one before: a tenth of sorting them."""
    if not rows[KEY].is_sorted():
        return False
    of_key = rows[KEY].rle_id().to_numpy().astype(np.int64)
    return bool(np.all(np.diff(place(of_key, rows["sold_on"].to_numpy())) > 0))


def _without(sparse: Sparse, other: Sparse) -> Sparse:
    """Return the days that are not among the other ones."""
    if not len(sparse.days):
        return sparse
    owners = sparse.owners()
    remaining = ~np.isin(places(sparse), places(other), assume_unique=True)
    counts = np.bincount(owners[remaining], minlength=len(sparse.starts) - 1)
    return Sparse(_starts(counts), sparse.days[remaining])


def place(owners: Ints, days: Days | Ints) -> Ints:
    """Return one ascending number per product and day."""
    return owners * 2**32 + days


def places(sparse: Sparse) -> Ints:
    """Return one ascending number for each day of each product."""
    return place(sparse.owners(), sparse.days)


def _differs(values: NDArray[np.integer]) -> Flags:
    changes = np.ones(len(values), np.bool_)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _first_days(keys: pl.Series, first_sale: Days, first_on: pl.DataFrame | None) -> Days:
    if first_on is None:
        return first_sale
    first = first_on.select(KEY, pl.col("first_on").cast(pl.Int32)).group_by(KEY).min()
    joined = keys.to_frame(KEY).join(first, on=KEY, how="left", maintain_order="left")
    stocked = joined["first_on"].fill_null(np.iinfo(np.int32).max).to_numpy()
    earliest: Days = np.minimum(first_sale, stocked)
    return earliest


def _censored_days(keys: pl.Series, first_day: Days, spans: pl.DataFrame | None) -> Sparse:
    if spans is None or spans.is_empty():
        return Sparse(np.zeros(len(keys) + 1, np.int64), np.zeros(0, np.int32))
    numbered = keys.to_frame(KEY).with_row_index("owner").with_columns(first=first_day)
    days = (
        spans.join(numbered, on=KEY)
        .select(
            "owner",
            "first",
            day=pl.int_ranges(pl.col("from_on").cast(pl.Int32), pl.col("until_on").cast(pl.Int32)),
        )
        .explode("day", empty_as_null=False)
        .filter(pl.col("day") >= pl.col("first"))
        .unique()
        .sort("owner", "day")
    )
    counts = np.bincount(days["owner"].to_numpy(), minlength=len(keys))
    return Sparse(_starts(counts), days["day"].to_numpy().astype(np.int32))
