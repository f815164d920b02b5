"""Whose the embedded server's databases are: a user who is no administrator.

What is restored, and whoever finds a way to have SQL run, may then do what the owner may: neither
files nor programs of the machine.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

OWNER = "finale"
ADMINISTRATOR = "postgres"
CLOSED = "closed.sql"
"""Beside the views, in `definitions/`."""

Connection = psycopg.Connection[tuple[Any, ...]]

NOT_OURS = "^(pg_|information_schema$)"
"""Schemas of PostgreSQL's own objects."""
# Of databases that were made while all was the administrator's; what belongs to another object
# goes with it.
GIVE = f"""
DO $$
DECLARE
    v_statement text;
BEGIN
    FOR v_statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO {OWNER}', n.nspname) FROM pg_namespace n
        WHERE n.nspowner = '{ADMINISTRATOR}'::regrole
          AND n.nspname !~ '{NOT_OURS}'
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO {OWNER}', CASE c.relkind WHEN 'S' THEN 'SEQUENCE'
                      WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                      c.oid::regclass)
        FROM pg_class c WHERE c.relowner = '{ADMINISTRATOR}'::regrole
          AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
          AND c.relnamespace::regnamespace::text !~ '{NOT_OURS}'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                          AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i', 'e'))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO {OWNER}', p.oid::regprocedure)
        FROM pg_proc p WHERE p.proowner = '{ADMINISTRATOR}'::regrole
          AND p.pronamespace::regnamespace::text !~ '{NOT_OURS}'
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO {OWNER}', t.oid::regtype)
        FROM pg_type t WHERE t.typowner = '{ADMINISTRATOR}'::regrole AND t.typtype IN ('d', 'e')
          AND t.typnamespace::regnamespace::text !~ '{NOT_OURS}'
    LOOP
        EXECUTE v_statement;
    END LOOP;
END $$
"""

RIGHTS = (
    # Roles for people, databases to restore into; who holds our locks; the end of sessions that
    # are in the way of a restore.
    "ALTER ROLE {owner} LOGIN NOSUPERUSER CREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS",
    "GRANT pg_read_all_stats, pg_signal_backend TO {owner}",
)


def give_all(url_of: Callable[[str], str], *, databases: Sequence[str]) -> None:
    """Make the owner, and give it all databases; those that are missing are made."""
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        owner = sql.Identifier(OWNER)
        if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            server.execute(sql.SQL("CREATE ROLE {}").format(owner))
        for statement in RIGHTS:
            server.execute(sql.SQL(statement).format(owner=owner))
        _give_roles(server)
        names = _create(server, databases)
    for name in names:
        with psycopg.connect(url_of(name)) as connection:
            connection.execute(GIVE.encode())
            close(connection)


def _give_roles(server: Connection) -> None:
    """Let the owner change the roles of people, as it may those that it makes."""
    rows = server.execute(
        "SELECT rolname::text FROM pg_roles WHERE NOT rolsuper AND rolname <> %s"
        " AND rolname !~ '^pg_'",
        (OWNER,),
    ).fetchall()
    for (name,) in rows:
        grant = sql.SQL("GRANT {} TO {} WITH ADMIN OPTION")
        server.execute(grant.format(sql.Identifier(str(name)), sql.Identifier(OWNER)))


def _create(server: Connection, databases: Sequence[str]) -> set[str]:
    """Create the databases that are missing, and return all; they become the owner's."""
    rows = server.execute(
        "SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
    ).fetchall()
    existing = {str(name) for (name,) in rows}
    for name in {*databases} - existing:
        # Keys are compared byte by byte, whatever the machine's language is.
        server.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
                " LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
            ).format(sql.Identifier(name))
        )
    for name in existing | {*databases}:
        owned = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        server.execute(owned.format(sql.Identifier(name), sql.Identifier(OWNER)))
    return existing | {*databases}


def close(connection: Connection) -> None:
    """Take from everybody what would let readers stop us, where we may; see the file."""
    path = Path(__file__).with_name("definitions") / CLOSED
    connection.execute(path.read_bytes())
