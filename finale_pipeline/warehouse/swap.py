"""A database beside another one, which takes its name when it is ready: all or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.warehouse.connect import Connection, connect, trusted

ATTEMPTS = 3
NAME_BYTES = 40
"""Longest part of a name that is kept; PostgreSQL cuts names at 63 bytes."""


def name_of(url: str) -> str:
    """Return the name of a URL's database."""
    return unquote(urlsplit(url).path.lstrip("/"))


def renamed(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def names(url: str, *, now: datetime) -> tuple[str, str]:
    """Return names for the database to come and for the one that was, both with the time."""
    base = name_of(url)[:NAME_BYTES]
    stamp = f"{now:%Y%m%d_%H%M%S}"
    return f"{base}_restoring_{stamp}", f"{base}_before_{stamp}"


@contextmanager
def create_sibling_database(url: str, name: str) -> Iterator[str]:
    """Create an empty database like another one, and yield its URL; it goes when that fails.

    Raises:
        ConfigError: The user may not create databases.
    """
    with maintenance(url) as server:
        _drop_unfinished(server, name)
        try:
            server.execute(_creation(server, name_of(url), name))
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"The user of {name_of(url)} may not create databases: {error}.",
                step="Run as an administrator: ALTER ROLE … CREATEDB; then run again.",
            ) from error
        try:
            yield renamed(url, name)
        except BaseException:
            with suppress(psycopg.Error):
                drop(server, name)
            raise


def _drop_unfinished(server: Connection, name: str) -> None:
    """Drop what killed restores left behind: as `name`, of another time, with nobody on it."""
    names = server.texts(
        "SELECT datname FROM pg_database"
        " WHERE starts_with(datname, %(base)s) AND datname ~ '_restoring_[0-9]{8}_[0-9]{6}$'"
        " AND length(datname) = length(%(name)s)",
        base=name[: -len("YYYYMMDD_HHMMSS")],
        name=name,
    )
    for unfinished in names:
        with suppress(psycopg.errors.ObjectInUse):
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(unfinished)))


def _creation(server: Connection, like: str, name: str) -> sql.Composed:
    """Return the statement that creates a database with another one's language."""
    row = server.execute(
        "SELECT datcollate, datctype, datlocprovider,"
        " coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale')"
        " FROM pg_database d WHERE datname = %s",
        (like,),
    ).fetchone()
    collate, ctype, provider, locale = row or ("C", "C.UTF-8", "c", None)
    statement = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {}"
    if provider == "i":
        statement += " LOCALE_PROVIDER icu ICU_LOCALE {}"
    if provider == "b":
        statement += " LOCALE_PROVIDER builtin BUILTIN_LOCALE {}"
    return sql.SQL(trusted(statement)).format(sql.Identifier(name), collate, ctype, locale)


def swap(url: str, *, new: str, previous: str) -> None:
    """Give a new database the name of an old one, which gets another; sessions on both are ended.

    One transaction: whatever happens, the name leads to one of them.

    Raises:
        LocalError: Sessions of others do not leave the old one.
    """
    old = name_of(url)
    with maintenance(url) as server:
        for _ in range(ATTEMPTS):
            try:
                with server.transaction():
                    _end_sessions(server, [old, new])
                    _rename(server, old, previous)
                    _rename(server, new, old)
            except psycopg.errors.ObjectInUse:
                continue
            return
        rows = server.execute(
            "SELECT DISTINCT usename, application_name FROM pg_stat_activity WHERE datname = %s",
            (old,),
        ).fetchall()
    sessions = ", ".join(f"{user} ({program})" for user, program in rows) or "somebody"
    raise LocalError(
        f"The database {old} cannot be replaced while it is in use: {sessions}.",
        data="It is as it was.",
        step="Have them leave, then run again.",
    )


def _end_sessions(server: Connection, databases: list[str]) -> None:
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s)"
        " AND pid <> pg_backend_pid() AND (pg_has_role(usesysid, 'USAGE')"
        " OR pg_has_role('pg_signal_backend', 'USAGE')"
        " AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = usesysid))",
        (databases,),
    )


def _rename(server: Connection, name: str, to: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    server.execute(statement.format(sql.Identifier(name), sql.Identifier(to)))


def drop(server: Connection, name: str) -> None:
    """Drop a database, and end the sessions on it."""
    _end_sessions(server, [name])
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@contextmanager
def maintenance(url: str) -> Iterator[Connection]:
    """Connect to a database of the server that is none of ours."""
    try:
        opened = connect(renamed(url, "postgres"), name="finale restore")
    except ConfigError:
        opened = connect(renamed(url, "template1"), name="finale restore")
    with opened as connection:
        yield connection
