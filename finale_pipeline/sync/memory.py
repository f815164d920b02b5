"""Keeps a sync's memory near what it holds at the moment."""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD = -3
LARGE = 1 << 20


def give_back_large_blocks() -> None:
    """Let the C library return blocks of 1 MB and more to the system when they are freed.

    By itself glibc keeps ever larger blocks for later use, in an arena per thread; a sync in lanes
    then holds twice what it needs. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
