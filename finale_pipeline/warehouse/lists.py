"""The rows of a statement that have long lists, as arrays, by binary COPY."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from finale_pipeline.warehouse.connect import Connection, trusted
from finale_pipeline.warehouse.frames import bound

BEFORE_ROWS, BEFORE_ITEMS = 19, 20
"""Bytes that the copy begins with, and those of a list before its first item."""
END = b"\xff\xff"
DAY = np.dtype([("size", ">i4"), ("value", ">i4")])
UNITS = np.dtype([("size", ">i4"), ("value", ">f8")])
"""Items as PostgreSQL sends them: `integer`, `double precision`."""


def copied_lists(
    connection: Connection, query: str, values: Mapping[str, object]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return rows of a text, a list of `integer` and an equally long one of `double precision`.

    Each row that is received costs as much as a hundred items of a list. There are no nulls.

    Returns:
        The texts, how long the lists of each are, and the items of all lists, one after the other.
    """
    statement = trusted(f"COPY ({bound(connection, query, values)}) TO STDOUT (FORMAT binary)")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(copy)
    texts, days, units = [], [np.zeros(0, DAY)], [np.zeros(0, UNITS)]
    at = BEFORE_ROWS
    while data[at : at + 2] != END:  # else the number of fields
        size, at = _size(data, at + 2)
        texts.append(data[at : at + size].decode())
        for items, kind in ((days, DAY), (units, UNITS)):
            size, at = _size(data, at + size)
            count = (size - BEFORE_ITEMS) // kind.itemsize
            items.append(np.frombuffer(data, kind, count, at + BEFORE_ITEMS))
        at += size
    counts = np.array([len(part) for part in days[1:]], np.int64)
    return (
        texts,
        counts,
        np.concatenate(days)["value"].astype(np.int32),
        np.concatenate(units)["value"].astype(np.float64),
    )


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Return how many bytes a field has, and where they begin."""
    return int.from_bytes(data[at : at + 4], signed=True), at + 4
