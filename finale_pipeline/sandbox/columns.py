"""Records kept column by column as JSON text, so that a window of them is cut, not encoded."""

import mmap
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO

import msgspec
import numpy as np
from numpy.typing import NDArray

NULL = b"null"
PIECE_BYTES = 1 << 18
Cells = Mapping[str, bytes]
"""One record: field → its cell as JSON text."""


@dataclass(frozen=True, slots=True)
class Column:
    """All cells of one field, joined by commas in a file that is mapped, not loaded.

    Attributes:
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


class ColumnWriter:
    """Collects a column's cells; many of them in an unnamed file, so that memory is bounded.

    A mapped file holds a file descriptor for good, and a small account has no need of sixty.

    Args:
        piece_bytes: Bytes up to which a column needs no file.
    """

    def __init__(self, piece_bytes: int = PIECE_BYTES) -> None:
        self._piece_bytes = piece_bytes
        self._file: IO[bytes] | None = None
        self._piece = bytearray()
        self._offsets = array("q", [0])
        self._filled = array("q", [0])

    def add(self, cell: bytes) -> None:
        """Append a cell."""
        self._piece += cell
        self._piece += b","
        self._offsets.append(self._offsets[-1] + len(cell) + 1)
        self._filled.append(self._filled[-1] + (cell != NULL))
        if len(self._piece) > self._piece_bytes:
            self._spill()

    def _spill(self) -> IO[bytes]:
        file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 - it lives until finish
        self._file = file
        file.write(self._piece)
        self._piece.clear()
        return file

    def finish(self) -> Column:
        """Return the column; a file is mapped, not loaded."""
        blob = memoryview(bytes(self._piece))
        if self._file is not None:
            with self._spill() as file:
                file.flush()
                blob = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return Column(blob, np.array(self._offsets), np.array(self._filled))


class Table:
    """A collection: an unchanging base, ordered by stamp, and what changed since.

    A record's place is its index in the base; a number below zero when it came or changed later.

    Args:
        records: The base's records, each with its `lastUpdatedDate` in Unix seconds, ascending.
        hidden: A field that only the single record shows.
    """

    def __init__(
        self, key: str, records: Iterable[tuple[int, Cells]], *, hidden: str | None = None
    ) -> None:
        self.key = key
        self._hidden = hidden
        writers: dict[str, ColumnWriter] = {}
        stamps = array("q")
        for stamp, cells in records:
            stamps.append(stamp)
            for name, cell in cells.items():
                if name not in writers:
                    writers[name] = ColumnWriter()
                writers[name].add(cell)
        self._base = {name: writer.finish() for name, writer in writers.items()}
        self._stamps = np.array(stamps, np.int64)
        self._gone: set[int] = set()
        self._serial = 0
        self._later: dict[int, tuple[int, Cells]] = {}
        self._places: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._stamps) - len(self._gone) + len(self._later)

    def first_stamp(self) -> int:
        """Return the oldest stamp of the base, Unix seconds."""
        return int(self._stamps[0])

    def places(self) -> list[int]:
        """Return where the records are that are there now."""
        base = [i for i in range(len(self._stamps)) if i not in self._gone]
        return base + list(self._later)

    def record(self, place: int) -> Cells:
        """Return a record."""
        if place < 0:
            return self._later[place][1]
        return {name: bytes(c.cut(place, place + 1)) for name, c in self._base.items()}

    def key_of(self, place: int) -> str:
        """Return a record's key."""
        cell = self._base[self.key].cut(place, place + 1) if place >= 0 else None
        return str(msgspec.json.decode(cell or self._later[place][1][self.key]))

    def find(self, key: str) -> int | None:
        """Return where the record with a key is; None = there is none. For keys that stand once."""
        if self._places is None:
            self._places = {self.key_of(place): place for place in self.places()}
        return self._places.get(key)

    def put(self, stamp: int, cells: Cells, *, place: int | None = None) -> int:
        """Add a record, or change the one at a place; returns its place from now on."""
        if place is not None:
            self.drop(place)
        self._serial -= 1
        self._later[self._serial] = (stamp, cells)
        if self._places is not None:
            self._places[self.key_of(self._serial)] = self._serial
        return self._serial

    def drop(self, place: int) -> None:
        """Take a record away."""
        if self._places is not None:
            self._places.pop(self.key_of(place), None)
        if place < 0:
            del self._later[place]
        else:
            self._gone.add(place)

    def answer(
        self, lo: int | None, hi: int | None, *, cap: int, shows_hidden: bool = False
    ) -> list[bytes | memoryview]:
        """Return the JSON text of the records stamped from `lo` to `hi`, oldest first.

        Args:
            lo: Unix seconds, included; None = from the beginning.
            hi: Unix seconds, included; None = to the end.
            cap: At most so many records; the rest is cut off without a sign, as Finale does.
            shows_hidden: With the field that collections lack otherwise.
        """
        start = 0 if lo is None else int(np.searchsorted(self._stamps, lo, "left"))
        stop = len(self._stamps) if hi is None else int(np.searchsorted(self._stamps, hi, "right"))
        runs = list(_runs(start, stop, sorted(g for g in self._gone if start <= g < stop), cap))
        room = cap - sum(j - i for i, j in runs)
        later = sorted(
            (stamp, -place)
            for place, (stamp, _) in self._later.items()
            if (lo is None or stamp >= lo) and (hi is None or stamp <= hi)
        )[:room]
        records = [self._later[-number][1] for _, number in later]
        names = dict.fromkeys([*self._base, *(name for cells in records for name in cells)])
        if self._hidden is not None and not shows_hidden:
            names.pop(self._hidden, None)
        return _json(self._base, runs, records, list(names))


def _runs(start: int, stop: int, gone: Sequence[int], cap: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of the base between records that are gone, up to the cap."""
    for before, after in pairwise([start - 1, *gone, stop]):
        first, last = before + 1, min(after, before + 1 + cap)
        if last > first:
            yield first, last
            cap -= last - first


def _json(
    base: Mapping[str, Column],
    runs: Sequence[tuple[int, int]],
    later: Sequence[Cells],
    names: Sequence[str],
) -> list[bytes | memoryview]:
    parts: list[bytes | memoryview] = [b"{"]
    for name in names:
        values: list[bytes | memoryview] = []
        is_filled = any(cells.get(name, NULL) != NULL for cells in later)
        if name in base:
            is_filled = is_filled or any(base[name].has_values(i, j) for i, j in runs)
            values += [base[name].cut(i, j) for i, j in runs]
        else:
            values += [b",".join([NULL] * (j - i)) for i, j in runs]
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
