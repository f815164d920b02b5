"""The source's request budgets, kept in the database by all processes of the account."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from finale_pipeline.warehouse.connect import Connection, connect, database_errors

SHARES: Final = {"critical": 1.0, "inventory": 0.95, "backfill": 0.7}
"""Share of each budget that a kind of run may use up; the others leave the last tenth free."""
OTHERS: Final = 0.9


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets of an account: requests in any minute, reads of collections in any hour."""

    get_per_minute: int = 120
    post_per_minute: int = 120
    collections_per_hour: int = 300


class SharedLedger:
    """Counts requests in `ops.request`, over a connection of its own; threads take turns.

    Args:
        share: How much of them this process may use up; the rest is left to more urgent ones.
    """

    def __init__(self, url: str, limits: Limits, *, share: float = OTHERS) -> None:
        self._url = url
        self._limits = limits
        self._share = share
        self._connection: Connection | None = None
        self._mutex = threading.Lock()

    def take(self, *, now: datetime, method: str, is_collection: bool) -> datetime:
        """Count a request if there is room, and return when there is: now, or later.

        Raises:
            LocalError: The database does not answer.
        """
        limits = self._limits
        per_minute = limits.get_per_minute if method == "GET" else limits.post_per_minute
        per_hour = limits.collections_per_hour
        with self._mutex, database_errors("counting a request"):
            values = (now, method, is_collection, self._share, per_minute, per_hour)
            query = "SELECT ops.take_request(%s, %s::text, %s, %s, %s::int, %s::int)"
            free_at: datetime = self._open().only_row(query, *values)[0]
        return free_at

    def block(self, until: datetime) -> None:
        """Let no request of any process out before a moment that the source named."""
        with self._mutex, database_errors("noting the source's word on its budget"):
            self._open().execute(
                "INSERT INTO ops.request_block (only_row, blocked_until) VALUES (true, %s)"
                " ON CONFLICT (only_row) DO UPDATE SET blocked_until = excluded.blocked_until"
                " WHERE ops.request_block.blocked_until < excluded.blocked_until",
                (until,),
            )

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, name="finale requests")
        return self._connection


def used(connection: Connection, *, now: datetime) -> dict[str, int]:
    """Return how many requests count against each of the source's budgets now."""
    gets, posts, collections = connection.only_row(
        "SELECT count(*) FILTER (WHERE method = 'GET' AND sent_at > %(minute)s),"
        " count(*) FILTER (WHERE method = 'POST' AND sent_at > %(minute)s),"
        " count(*) FILTER (WHERE is_collection AND sent_at > %(hour)s) FROM ops.request",
        minute=now - timedelta(minutes=1),
        hour=now - timedelta(hours=1),
    )
    return {"get": gets, "post": posts, "collection": collections}


def lift_block(connection: Connection) -> None:
    """Let requests out again before the moment that the source named."""
    connection.execute("DELETE FROM ops.request_block")


def blocked_until(connection: Connection, *, now: datetime) -> datetime | None:
    """Return until when the source wants no requests; None = they may go out.

    No pause is longer than an hour: what lies further was noted by a clock that was ahead.
    """
    return connection.scalar(
        datetime,
        "SELECT blocked_until FROM ops.request_block"
        " WHERE blocked_until > %(now)s"
        " AND blocked_until <= %(now)s::timestamptz + interval '61 minutes'",
        now=now,
    )
