"""Poolers between us and the server, such as PgBouncer: recognised, and refused where they harm.

Our locks and settings are a session's. A pooler that gives each transaction whichever session is
free loses them without an error: two syncs would write at a time.
"""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from finale_pipeline.errors import ConfigError

Opened = psycopg.Connection[Any]


def refused(shown: str) -> ConfigError:
    """Return the error for a pooler that does not do, with the URL as it may be shown."""
    return ConfigError(
        f"{shown} is a pooler (such as PgBouncer) that does not keep a session together.",
        step="Name the server itself in FINALE_DATABASE_URL. Or have the pooler use pool_mode ="
        " session for this database, and ignore_startup_parameters = options: then our settings"
        " are made anew for each session.",
    )


def require_session(
    connection: Opened, another: Callable[[], Opened], settings: Mapping[str, str], shown: str
) -> None:
    """Refuse a pooler that shares one session of the server between connections.

    Through one that keeps them together, the session gets its settings. Without a pooler this asks
    one question.

    Raises:
        ConfigError: The pooler shares sessions.
    """
    backend = _session(connection)
    if backend == connection.info.backend_pid:
        return
    try:
        with another() as other, other.transaction():
            is_shared = _session(other) == backend or _session(connection) != backend
    except psycopg.Error:  # one that allows no transaction of several statements
        is_shared = True
    if is_shared:
        connection.close()
        raise refused(shown)
    make(connection, settings)


def make(connection: Opened, settings: Mapping[str, str]) -> None:
    """Give a session that came through a pooler the settings that the pooler left out."""
    if _session(connection) != connection.info.backend_pid:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def _session(connection: Opened) -> int:
    """Return the server's process behind a connection; a pooler tells another when it opens."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if not connection.autocommit:
        connection.rollback()
    return int(row[0]) if row else 0
