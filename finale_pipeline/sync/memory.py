"""Keeps a sync's memory near what it holds at the moment."""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD = -3
LARGE = 1 << 20


def give_back_large_blocks() -> None:
    """Let the C library return blocks of 1 MB and more to the system when they are freed.

    By itself glibc keeps ever larger blocks for later use, in an arena per thread; a sync in lanes
    then holds twice what it needs. What is free now, in blocks of any size, is returned at once.
    Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        library.malloc_trim(0)
