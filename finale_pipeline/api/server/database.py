"""A few connections to the warehouse, shared by all requests; none is made before it is needed."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

import psycopg
from psycopg.pq import TransactionStatus

from finale_pipeline.api.server.problems import Problem
from finale_pipeline.errors import PipelineError, SchemaMismatch
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

MOST_CONNECTIONS = 8
WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 10
LOOK = (
    f"SELECT (SELECT version_num FROM ops.{schema.VERSION_TABLE}),"
    " (SELECT max(read_at) FROM ops.feed WHERE feed_name = 'stock'),"
    " (SELECT max(run_id) FROM ops.sync_run WHERE status = 'done')"
)


@dataclass(frozen=True, slots=True)
class Lent:
    """A connection, and what was learnt when it was lent.

    Attributes:
        connection: To the warehouse, at this program's schema.
        read_at: When stock was last read, UTC.
        run_id: The newest good sync run.
    """

    connection: Connection
    read_at: datetime | None
    run_id: int | None


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
        """Lend a connection for the body."""
        lent = self.lend()
        try:
            yield lent.connection
        finally:
            self.take_back(lent.connection)

    def lend(self) -> "Lent":
        """Lend a connection at this program's schema, until it is taken back.

        Raises:
            Problem: 503: the database is down, is being upgraded, or all connections are in use.
        """
        if not self._room.acquire(timeout=WAIT_SECONDS):
            raise Problem(
                503, "Too many requests are under way.", code="busy", headers={"Retry-After": "2"}
            )
        try:
            return self._checked()
        except BaseException:
            self._room.release()
            raise

    def take_back(self, lent: Connection, *, is_spoilt: bool = False) -> None:
        """Keep a connection for the next one, if nothing is left open on it.

        Args:
            lent: The connection.
            is_spoilt: Whether it was told to cancel: that may yet meet its next statement.
        """
        with suppress(psycopg.Error):
            if lent.info.transaction_status != TransactionStatus.IDLE:
                lent.rollback()
        if lent.info.transaction_status == TransactionStatus.IDLE and not is_spoilt:
            self._idle.append(lent)
        else:
            lent.close()
        self._room.release()

    def close(self) -> None:
        """Close what is not in use."""
        while self._idle:
            self._idle.pop().close()

    def _checked(self) -> "Lent":
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
                return self._looked_at(lent)
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

    def _looked_at(self, lent: Connection) -> "Lent":
        """Ask the schema's version and the data's age at once: every request needs both."""
        try:
            row = lent.execute(LOOK).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        version, read_at, run_id = cast("tuple[str, datetime | None, int | None]", row or ("",) * 3)
        if version != schema.HEAD:
            schema.require_current(lent)
        self.read_at = read_at
        return Lent(lent, read_at, run_id)

    def _new(self) -> Connection:
        made = connect(database_url(self._settings), name="finale api")
        made.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
        # A statement asked often is prepared, and a plan for any day and any filter is a bad one:
        # the purchase plan took 150 ms instead of 25.
        made.execute("SET plan_cache_mode = 'force_custom_plan'")
        return made

    def _down(self) -> Problem:
        known = {"data_as_of": self.read_at.isoformat()} if self.read_at else {}
        return Problem(
            503, "The database does not answer.", code="database_unavailable",
            headers={"Retry-After": "5"}, **known,
        )  # fmt: skip
