"""Every advisory lock of the warehouse, by name: no two things share a number.

A lock has two halves, what it is for and which one. It goes with its session or its transaction,
whatever becomes of the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection


class Lock(IntEnum):
    """What a lock is for; its number is the key's first half."""

    TABLE_SET = 7_281
    """One sync works on a set of tables; which: `leases.TABLE_SETS`."""
    RUN = 7_282
    """A sync run is alive; which: its number."""
    REQUEST_BUDGET = 7_283
    """One request is counted at a time; taken by the function `ops.take_request`."""
    SMART_TICK = 7_284
    """A due time is decided once."""
    START = 7_285
    """The API starts one run at a time."""
    UPGRADE = 7_286
    """One program changes the schema."""
    PLANNING = 7_287
    """One plan is written at a time."""
    SYNC_WATCH = 7_288
    """One process turns the ledger of syncs into incidents."""
    DRAFTING = 7_289
    """One process drafts or checks purchase orders."""
    DEADMAN = 7_290
    """One watch opens or closes an outage."""
    MAIL = 7_291
    """A mail is being sent; which: its outbox_id."""


HOLDERS = """
SELECT objid::bigint, pid FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Which numbers of a lock are held, and by which process of the server; to be bound: the lock."""


STRANGERS = """
SELECT l.classid::bigint, l.objid::bigint, l.pid,
       format('%%s (%%s)', coalesce(a.usename, 'a user that is gone'),
              coalesce(nullif(a.application_name, ''), 'a program without a name'))
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.classid = ANY (%s) AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (a.usename IS DISTINCT FROM current_user OR a.application_name NOT LIKE 'finale%%')
ORDER BY 1, 2
"""
"""To be bound: our locks."""


def acquire(connection: "Connection", lock: Lock, number: int = 1) -> None:
    """Wait for a lock and keep it until it is released, or the session ends."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (lock, number))


def try_acquire(connection: "Connection", lock: Lock, number: int = 1) -> bool:
    """Take a lock if it is free, and return whether it was."""
    return connection.is_true("SELECT pg_try_advisory_lock(%s, %s)", lock, number)


def release(connection: "Connection", lock: Lock, number: int = 1) -> None:
    """Give a lock back that `acquire` or `try_acquire` took."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (lock, number))


def acquire_until_commit(connection: "Connection", lock: Lock) -> None:
    """Wait for a lock and keep it until the present transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, 1)", (lock,))


@dataclass(frozen=True, slots=True)
class Stranger:
    """A session that is none of ours and holds one of our locks: its server's process, its user."""

    lock: str
    number: int
    pid: int
    holder: str

    @property
    def ending(self) -> str:
        """What ends the session, for an administrator."""
        return f"SELECT pg_terminate_backend({self.pid})"


def strangers(connection: "Connection") -> list[Stranger]:
    """Return who holds our locks and is not us: another user, or another program of our user."""
    names = {lock.value: lock.name.lower() for lock in Lock}
    rows = connection.execute(STRANGERS, ([*names],)).fetchall()
    return [Stranger(names[kind], number, pid, holder) for kind, number, pid, holder in rows]


@contextmanager
def held(connection: "Connection", lock: Lock) -> Iterator[None]:
    """Wait for a lock and keep it for the block."""
    acquire(connection, lock)
    try:
        yield
    finally:
        if not connection.closed:
            release(connection, lock)


def holders(connection: "Connection", lock: Lock) -> dict[int, int]:
    """Return who holds locks of a kind: the second half of each key → the session's process."""
    return connection.mapping(HOLDERS, lock)
