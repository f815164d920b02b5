"""What the watch remembers on disk, for the time in which the database cannot be asked."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from finale_pipeline.disk import write_whole
from finale_pipeline.domain.alerts.deadman import Outage

NAME = "watch.json"


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail that the service did not take; where it may have, one repeat is allowed."""

    message_id: str
    written_at: datetime
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last look found; times are UTC, and nothing is expected before the first look."""

    began_at: datetime
    looked_at: datetime
    outage: Outage | None = None
    unsent: Unsent | None = None


def read(home: Path) -> Memory | None:
    """Return what is remembered; None when nothing is, or it cannot be read."""
    try:
        return msgspec.json.decode((home / NAME).read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError):
        return None


def write(home: Path, memory: Memory) -> bool:
    """Remember, whole or not at all; False when the disk takes nothing."""
    try:
        write_whole(home / NAME, msgspec.json.encode(memory))
    except OSError:
        return False
    return True


@contextmanager
def recalled(home: Path, *, now: datetime) -> Iterator[Memory]:
    """Yield what is remembered, to the one watch that looks; a second one waits."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / "watch.lock").open("a")
    except OSError:  # a disk that takes nothing is no reason to be silent
        yield Memory(now, now)
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        memory = read(home) or Memory(now, now)
        yield replace(memory, began_at=min(memory.began_at, now), looked_at=now)
