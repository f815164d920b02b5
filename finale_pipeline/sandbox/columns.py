"""Records kept column by column as JSON text, so that a window of them is cut, not encoded."""

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

NULL = b"null"
Cells = Mapping[str, bytes]
"""One record: field → its cell as JSON text."""


@dataclass(frozen=True, slots=True)
class Column:
    """All cells of one field, joined by commas in a file that is mapped, not loaded.

    Attributes:
        blob: The joined cells.
        offsets: Where each cell begins; one more than there are cells.
        filled: How many cells before each are not null.
    """

    blob: memoryview
    offsets: NDArray[np.int64]
    filled: NDArray[np.int64]

    def cut(self, start: int, stop: int) -> memoryview:
        """Return the cells from `start` to before `stop`, joined by commas."""
        return self.blob[int(self.offsets[start]) : int(self.offsets[stop]) - 1]

    def has_values(self, start: int, stop: int) -> bool:
        """Whether one of the cells is not null."""
        return bool(self.filled[stop] > self.filled[start])


def stored(cells: Sequence[bytes]) -> Column:
    """Write a column's cells to an unnamed file and map it."""
    lengths = np.fromiter(map(len, cells), np.int64, len(cells)) + 1
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    is_filled = np.fromiter((cell != NULL for cell in cells), np.int64, len(cells))
    filled = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_filled)])
    with tempfile.TemporaryFile() as file:
        file.write(b",".join(cells) + b",")
        file.flush()
        blob = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return Column(blob, offsets, filled)


class Table:
    """A collection: an unchanging base, ordered by stamp, and what changed since.

    Args:
        columns: The base's cells by field.
        stamps: The base's `lastUpdatedDate`, Unix seconds, ascending.
    """

    def __init__(self, columns: Mapping[str, Sequence[bytes]], stamps: Sequence[int]) -> None:
        self._base = {name: stored(cells) for name, cells in columns.items()} if stamps else {}
        self._stamps = np.asarray(stamps, np.int64)
        self._gone: set[int] = set()
        self._later: dict[str, tuple[int, dict[str, bytes]]] = {}

    def __len__(self) -> int:
        return len(self._stamps) - len(self._gone) + len(self._later)

    def rows(self) -> Iterator[tuple[int | None, dict[str, bytes]]]:
        """Yield every record that is there, with its place in the base, None for later ones."""
        for index in range(len(self._stamps)):
            if index not in self._gone:
                yield index, self.row(index)
        for _, cells in self._later.values():
            yield None, cells

    def row(self, index: int) -> dict[str, bytes]:
        """Return a record of the base."""
        return {name: bytes(c.cut(index, index + 1)) for name, c in self._base.items()}

    def replace(self, index: int | None, key: str, stamp: int, cells: dict[str, bytes]) -> None:
        """Put a record after all others; `index` is the place it had in the base, if any."""
        if index is not None:
            self._gone.add(index)
        self._later.pop(key, None)
        self._later[key] = (stamp, cells)

    def remove(self, index: int | None, key: str) -> None:
        """Take a record away."""
        if index is not None:
            self._gone.add(index)
        self._later.pop(key, None)

    def answer(self, lo: int | None, hi: int | None, *, cap: int) -> list[bytes | memoryview]:
        """Return the JSON text of the records stamped from `lo` to `hi`, oldest first.

        Args:
            lo: Unix seconds, included; None = from the beginning.
            hi: Unix seconds, included; None = to the end.
            cap: At most so many records; the rest is cut off without a sign, as Finale does.
        """
        start = 0 if lo is None else int(np.searchsorted(self._stamps, lo, "left"))
        stop = len(self._stamps) if hi is None else int(np.searchsorted(self._stamps, hi, "right"))
        runs = list(_runs(start, stop, sorted(g for g in self._gone if start <= g < stop), cap))
        room = cap - sum(j - i for i, j in runs)
        later = sorted(
            (stamp, key)
            for key, (stamp, _) in self._later.items()
            if (lo is None or stamp >= lo) and (hi is None or stamp <= hi)
        )[:room]
        return _json(self._base, runs, [self._later[key][1] for _, key in later])


def _runs(start: int, stop: int, gone: Sequence[int], cap: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of the base between records that are gone, up to the cap."""
    for before, after in pairwise([start - 1, *gone, stop]):
        first, last = before + 1, min(after, before + 1 + cap)
        if last > first:
            yield first, last
            cap -= last - first


def _json(
    base: Mapping[str, Column], runs: Sequence[tuple[int, int]], later: Sequence[Cells]
) -> list[bytes | memoryview]:
    parts: list[bytes | memoryview] = [b"{"]
    names = list(base) or sorted({name for cells in later for name in cells})
    for name in names:
        values: list[bytes | memoryview] = []
        is_filled = any(cells.get(name, NULL) != NULL for cells in later)
        if name in base:
            is_filled = is_filled or any(base[name].has_values(i, j) for i, j in runs)
            values += [base[name].cut(i, j) for i, j in runs]
        if not is_filled:
            continue  # a field that no returned record has is not a key
        values += [cells.get(name, NULL) for cells in later]
        parts += [b"," if len(parts) > 1 else b"", msgspec.json.encode(name), b":["]
        parts += _joined(values)
        parts.append(b"]")
    return [*parts, b"}"]


def _joined(values: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    for index, value in enumerate(values):
        if index:
            yield b","
        yield value
