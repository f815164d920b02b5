"""Demand of products and days, from the database's byte strings to one frame in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import Days, Floats, Ints, place
from finale_pipeline.warehouse.frames import Schema

SALES: Schema = {"product_url": pl.Int64, "sold_on": pl.Int32, "units": pl.Float64}
SALE = np.dtype([("number", ">i8"), ("day", ">i4"), ("units", ">f8")])
SOLD = np.dtype([("day", ">i4"), ("units", ">f8")])
"""Demand of a day as the database packs it, with the number of the product and without."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Days of products, a piece after the other; in a piece they ascend.

    Attributes:
        numbers: Of each piece's product.
        counts: How many days each piece has; at least one.
    """

    numbers: Ints
    counts: Ints
    days: Days
    units: Floats


def of_months(numbers: bytes, sizes: bytes, sold: bytes) -> Pieces:
    """Return packed months: numbers, bytes of each one's days, and these days."""
    rows = np.frombuffer(sold, SOLD)
    return Pieces(
        np.frombuffer(numbers, ">i8").astype(np.int64),
        np.frombuffer(sizes, ">i4").astype(np.int64) // SOLD.itemsize,
        rows["day"].astype(np.int32),
        rows["units"].astype(np.float64),
    )


def of_days(sales: bytes) -> Pieces:
    """Return single days, which come in any order."""
    rows = np.frombuffer(sales, SALE)
    numbers, days = rows["number"].astype(np.int64), rows["day"].astype(np.int32)
    order = np.argsort(place(numbers, days), kind="stable")
    numbers = numbers[order]
    begins = np.flatnonzero(np.diff(numbers, prepend=-1))
    counts = np.diff(begins, append=len(numbers))
    return Pieces(numbers[begins], counts, days[order], rows["units"].astype(np.float64)[order])


def joined(pieces: Sequence[Pieces]) -> pl.DataFrame:
    """Return all days, by product and the first day of their piece.

    They are in order where no two pieces of a product overlap, which saves sorting the days.
    """
    numbers = np.concatenate([p.numbers for p in pieces])
    counts = np.concatenate([p.counts for p in pieces])
    days = np.concatenate([p.days for p in pieces])
    units = np.concatenate([p.units for p in pieces])
    starts = np.cumsum(counts) - counts
    order = np.lexsort((days[starts], numbers))
    numbers, counts, starts = numbers[order], counts[order], starts[order]
    ends = np.cumsum(counts)
    moved = np.arange(len(days)) + np.repeat(starts - (ends - counts), counts)
    columns = (np.repeat(numbers, counts), days[moved], units[moved])
    return pl.DataFrame(dict(zip(SALES, columns, strict=True)), schema=dict(SALES))
