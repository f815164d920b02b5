"""What the watch remembers on disk, for the time in which the database cannot be asked."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from finale_pipeline.disk import write_whole
from finale_pipeline.domain.alerts.deadman import Outage

NAME = "watch.json"


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail that the service did not take yet; its repeats are recognisable.

    Attributes:
        is_unknown: Whether the last attempt may have arrived; one repeat is allowed.
    """

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
        stored = json.loads((home / NAME).read_text(encoding="utf-8"))
        return Memory(
            _moment(stored["began_at"]),
            _moment(stored["looked_at"]),
            _outage(stored["outage"]),
            _unsent(stored["unsent"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _outage(stored: dict[str, Any] | None) -> Outage | None:
    return Outage(_moment(stored["opened_at"]), tuple(stored["told"])) if stored else None


def _unsent(stored: dict[str, Any] | None) -> Unsent | None:
    if stored is None:
        return None
    return Unsent(stored["message_id"], _moment(stored["written_at"]), stored["is_unknown"])


def write(home: Path, memory: Memory) -> bool:
    """Remember, whole or not at all; False when the disk takes nothing."""
    text = json.dumps(asdict(memory), default=datetime.isoformat)
    try:
        write_whole(home / NAME, text)
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
        known = read(home) or Memory(now, now)
        yield replace(known, began_at=min(known.began_at, now), looked_at=now)
