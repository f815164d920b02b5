"""A few connections to the warehouse, shared by all requests; none is made before it is needed."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import TransactionStatus

from finale_pipeline.api.problems import Problem
from finale_pipeline.errors import PipelineError, SchemaMismatch
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

MOST_CONNECTIONS = 8
WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 10


class Pool:
    """Connections for requests.

    Args:
        settings: Which warehouse.

    Attributes:
        read_at: When stock was last read, as the last answer knew it; kept for when the
            database is down.
    """

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._idle: deque[Connection] = deque()
        self.read_at: datetime | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection at this program's schema.

        Raises:
            Problem: 503: the database is down, is being upgraded, or all connections are in use.
        """
        if not self._room.acquire(timeout=WAIT_SECONDS):
            raise Problem(
                503, "Too many requests are under way.", code="busy", headers={"Retry-After": "2"}
            )
        try:
            lent = self._checked()
            try:
                yield lent
            finally:
                self._take_back(lent)
        finally:
            self._room.release()

    def close(self) -> None:
        """Close what is not in use."""
        while self._idle:
            self._idle.pop().close()

    def _checked(self) -> Connection:
        """Return a connection that works; idle ones may have died with a restarted server."""
        while True:
            is_new = not self._idle
            try:
                lent = self._idle.pop() if self._idle else self._new()
            except IndexError:  # another thread took the last one
                continue
            except PipelineError as error:
                raise self._down() from error
            try:
                schema.require_current(lent)
            except SchemaMismatch as error:
                lent.close()
                raise Problem(
                    503, "The database's schema is not this program's; an upgrade may be under"
                    " way.", code="schema_mismatch", headers={"Retry-After": "30"},
                ) from error  # fmt: skip
            except psycopg.Error as error:
                lent.close()
                if is_new:
                    raise self._down() from error
                continue
            return lent

    def _new(self) -> Connection:
        made = connect(database_url(self._settings), name="finale api")
        made.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
        return made

    def _down(self) -> Problem:
        known = {"data_as_of": self.read_at.isoformat()} if self.read_at else {}
        return Problem(
            503, "The database does not answer.", code="database_unavailable",
            headers={"Retry-After": "5"}, **known,
        )  # fmt: skip

    def _take_back(self, lent: Connection) -> None:
        with suppress(psycopg.Error):
            if lent.info.transaction_status != TransactionStatus.IDLE:
                lent.rollback()
        if lent.info.transaction_status == TransactionStatus.IDLE:
            self._idle.append(lent)
        else:
            lent.close()
