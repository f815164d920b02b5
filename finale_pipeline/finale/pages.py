"""A large answer in memory: what was read of it goes back to the system before the rest is."""

import mmap

FIRST = 16 << 20
STEP = 1 << 20
FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
MARK = b"\xef\xbb\xbf"
SPACE = b" \t\n\r"


class Pages:
    """Bytes in one piece, whose beginning can be given back while views of the rest stay.

    A `bytes` of 100 MB is freed whole or not at all, and joined from what came it is there twice.
    """

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, FIRST, flags=FLAGS)
        self._begin = self._end = self._given = 0

    def __len__(self) -> int:
        return self._end - self._begin

    def extend(self, chunk: bytes) -> None:
        """Add bytes at the end; only while there is no view."""
        end = self._end + len(chunk)
        while end > len(self._map):
            self._grow()
        self._map[self._end : end] = chunk
        self._end = end

    def _grow(self) -> None:
        larger = mmap.mmap(-1, 2 * len(self._map), flags=FLAGS)
        for start in range(0, self._end, STEP):
            stop = min(start + STEP, self._end)
            larger[start:stop] = self._map[start:stop]
            self._map.madvise(mmap.MADV_DONTNEED, start, STEP)
        self._map.close()
        self._map = larger

    def strip(self) -> None:
        """Leave out a byte order mark, and space at both ends."""
        if self._map[self._begin : self._begin + len(MARK)] == MARK:
            self._begin += len(MARK)
        while self._begin < self._end and self._map[self._begin] in SPACE:
            self._begin += 1
        while self._begin < self._end and self._map[self._end - 1] in SPACE:
            self._end -= 1

    def view(self) -> memoryview:
        """Return the bytes; they are not copied."""
        return memoryview(self._map)[self._begin : self._end]

    def has(self, part: bytes) -> bool:
        """Whether some bytes occur."""
        return self._map.find(part, self._begin, self._end) >= 0

    def give_back(self, size: int) -> None:
        """Give so many bytes at the beginning back to the system; who reads them now gets others.

        Args:
            size: Counted from the beginning, what was given back already included.
        """
        until = (self._begin + size) // mmap.PAGESIZE * mmap.PAGESIZE
        if until > self._given:
            self._map.madvise(mmap.MADV_DONTNEED, self._given, until - self._given)
            self._given = until
