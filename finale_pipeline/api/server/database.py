"""Connections to the warehouse for requests: a pool, and what every request asks first."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from finale_pipeline.api.server.problems import Problem, later
from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import pooling, schema
from finale_pipeline.warehouse.connect import SESSION as SESSION_DEFAULTS
from finale_pipeline.warehouse.connect import Connection, connection_options, database_url
from finale_pipeline.warehouse.reads import stock as stock_reads

MAX_CONNECTIONS = 8
WAIT_SECONDS = 2.0
"""Longest wait for a connection. Reads wait for their turn before they come here."""
SESSION = {
    "statement_timeout": "10s",
    # A statement asked often is prepared, and a plan for any day and any filter is a bad one:
    # the purchase plan took 150 ms instead of 25.
    "plan_cache_mode": "force_custom_plan",
    # Readers share the cores. Helpers of one statement each build its hash tables again: a search
    # took 100 ms of them instead of 50, and on two cores was no sooner there.
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True, slots=True)
class Acquired:
    """A connection, and what was learnt when it was acquired.

    Attributes:
        read_at: When stock was last read, UTC.
        run_id: The newest good sync run.
    """

    connection: Connection
    read_at: datetime | None
    run_id: int | None


class Pool:
    """Connections for requests; none is made before it is needed.

    Attributes:
        read_at: When stock was last read, as the last answer knew it; kept for when the
            database is down.
    """

    def __init__(self, settings: Settings) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            lambda: database_url(settings),
            connection_class=Connection,
            kwargs=connection_options("finale api", **SESSION),
            configure=partial(pooling.make, settings=SESSION_DEFAULTS | SESSION),
            min_size=0,
            max_size=MAX_CONNECTIONS,
            timeout=WAIT_SECONDS,
            # A database that was down is asked again by the next request, not after a pause.
            reconnect_timeout=WAIT_SECONDS,
            check=ConnectionPool.check_connection,
            open=True,
        )
        self.read_at: datetime | None = None

    def acquire(self) -> Acquired:
        """Return a connection at this program's schema; `release` gives it back.

        Raises:
            Problem: 503: the database is down, is being upgraded, or all connections are in use.
        """
        try:
            connection = self._pool.getconn()
        except PoolTimeout as error:
            raise self._unavailable() from error
        try:
            return self._examined(connection)
        except SchemaMismatch as error:
            self.release(connection)
            text = "The database's schema is not this program's; an upgrade may be under way."
            raise later(text, code="schema_mismatch", seconds=30) from error
        except psycopg.Error as error:
            self.release(connection)
            raise self._unavailable() from error

    def release(self, connection: Connection) -> None:
        """Give a connection back; what is left open on it is rolled back."""
        with suppress(psycopg.Error):
            connection.rollback()
        self._pool.putconn(connection)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close(timeout=WAIT_SECONDS)

    def _examined(self, connection: Connection) -> Acquired:
        """Ask the schema's version and the data's age at once: every request needs both."""
        try:
            row = connection.execute(stock_reads.AS_OF).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        version, read_at, run_id = row or ("", None, None)
        if version != schema.HEAD:
            schema.require_current(connection)
        self.read_at = read_at
        return Acquired(connection, read_at, run_id)

    def _unavailable(self) -> Problem:
        stats = self._pool.get_stats()
        if stats.get("pool_size", 0) >= MAX_CONNECTIONS and not stats.get("pool_available", 0):
            return later("Too many requests are under way.", code="busy", seconds=2)
        facts = {"data_as_of": self.read_at.isoformat()} if self.read_at else {}
        text = "The database does not answer."
        return later(text, code="database_unavailable", seconds=5, **facts)
