"""Views and functions, each in one SQL file here, and what the reader's role may see.

Their files are the only place where they are declared: whoever changes one needs no migration. A
database keeps the digest of the files that it was made from.
"""

import re
from collections.abc import Sequence
from functools import cache
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from finale_pipeline.domain.syncs.freshness import ALLOWED_HOURS, CLOCKS_APART
from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.warehouse import ownership

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

SCHEMAS = ("core", "plan", "ops", "mart")
FOLDER = Path(__file__).parent
GRANTS = "grants.sql"

_KIND = re.compile(r"^CREATE OR REPLACE (VIEW|FUNCTION) ", re.MULTILINE)
_LIMITS = {
    **{f"{{ALLOWED_HOURS.{asset}}}": str(hours) for asset, hours in ALLOWED_HOURS.items()},
    "{CLOCKS_APART}": str(CLOCKS_APART),
}
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+\.\w+)")

# Without its digest a database was made before definitions were kept apart.
DIGEST = "SELECT to_jsonb(v) ->> 'definitions' FROM ops.schema_version v"

# Columns of a view without a comment of their own: what all columns of that name say that it reads.
INHERIT = """
SELECT format('COMMENT ON COLUMN %%s.%%I IS %%L', own.attrelid::regclass, own.attname,
              min(behind.description))
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.refobjid <> r.ev_class
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_attribute own ON own.attrelid = r.ev_class AND own.attname = a.attname
JOIN pg_description behind ON behind.classoid = 'pg_class'::regclass
    AND behind.objoid = d.refobjid AND behind.objsubid = d.refobjsubid
WHERE r.ev_class = to_regclass(%s) AND col_description(r.ev_class, own.attnum) IS NULL
GROUP BY own.attrelid, own.attname HAVING count(DISTINCT behind.description) = 1
"""
FORGET = """
SELECT format('COMMENT ON COLUMN %%s.%%I IS NULL', attrelid::regclass, attname)
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0
"""
DEPENDENTS = """
SELECT DISTINCT r.ev_class::regclass::text
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid = %s::regclass AND r.ev_class <> d.refobjid
"""
GRANTED = """
SELECT c.oid::regclass::text,
       format('GRANT %%s ON %%s TO %%s%%s', x.privilege_type, c.oid::regclass,
              CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
              CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
WHERE c.relkind = 'v' AND c.relnamespace::regnamespace::text = ANY (%s) AND x.grantee <> c.relowner
"""
DESCRIBED = """
SELECT c.oid::regclass::text, coalesce(a.attname::text, ''), d.description
FROM pg_class c
JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text = ANY (%s)
"""


@cache
def files() -> dict[str, str]:
    """Return the text of each view and function by name, each after those that it reads."""
    texts = {
        path.stem: _text(path)
        for path in FOLDER.glob("*.sql")
        if path.name not in {GRANTS, ownership.CLOSED}
    }
    # Comments name other views too, so only what stands before them counts.
    graph = {
        name: _READ.findall(text.partition("\nCOMMENT ON ")[0]) for name, text in texts.items()
    }
    return {name: texts[name] for name in TopologicalSorter(graph).static_order() if name in texts}


@cache
def digest() -> str:
    """Return the digest of all files here."""
    texts = [path.name + _text(path) for path in sorted(FOLDER.glob("*.sql"))]
    return sha256("".join(texts).encode()).hexdigest()


def _text(path: Path) -> str:
    """Return a file's text; limits that stand elsewhere are in it by their names."""
    text = path.read_text(encoding="utf-8")
    for name, value in _LIMITS.items():
        text = text.replace(name, value)
    return text


def are_current(connection: "Connection") -> bool:
    """Return whether the database's views and functions are those of the files."""
    return connection.execute(DIGEST).fetchone() == (digest(),)


def grants(connection: "Connection") -> list[tuple[str, str]]:
    """Return what others may do with our views: each view's name and the statement that grants it.

    An administrator may have granted it by hand; a view that must be dropped would lose it.
    """
    rows = connection.execute(GRANTED, ([*SCHEMAS],)).fetchall()
    return [(str(view), str(statement)) for view, statement in rows]


def apply(connection: "Connection", *, grants: Sequence[tuple[str, str]] = ()) -> None:
    """Create views and functions anew where their files changed; bring all comments up to date.

    Args:
        connection: In a transaction, at the newest tables.
        grants: What `grants` returned before anything was changed.

    Raises:
        SchemaMismatch: A view changed its columns, and views of others read it.
    """
    _describe_tables(connection)
    connection.execute("ALTER TABLE ops.schema_version ADD COLUMN IF NOT EXISTS definitions text")
    if are_current(connection):
        return
    for name, text in files().items():
        _create(connection, name, text)
    for view, statement in grants:
        if view in files():
            connection.execute(statement)
    grant(connection)
    connection.execute("UPDATE ops.schema_version SET definitions = %s", (digest(),))


def grant(connection: "Connection") -> None:
    """Give readers their rights, and take those that are everybody's; may be repeated.

    Neither a copy of a database nor a restored one has the rights on the database itself.
    """
    connection.execute((FOLDER / GRANTS).read_bytes())
    ownership.close(connection)


def _create(connection: "Connection", name: str, text: str) -> None:
    from psycopg import errors

    _execute_all(connection, FORGET, name)  # else it would keep what it no longer inherits
    try:
        with connection.transaction():
            connection.execute(text)
    except (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition):
        _drop(connection, name, text)  # replacing cannot take columns away
        connection.execute(text)
    _execute_all(connection, INHERIT, name)


def _execute_all(connection: "Connection", query: str, name: str) -> None:
    for (statement,) in connection.execute(query, (name,)).fetchall():
        connection.execute(str(statement))


def _drop(connection: "Connection", name: str, text: str) -> None:
    if "VIEW" in _KIND.findall(text):
        drop_views_on(connection, name)
        connection.execute(f"DROP VIEW {name}")
    else:
        connection.execute(f"DROP FUNCTION {name}")


def drop_views_on(connection: "Connection", relation: str) -> None:
    """Drop our views that read a table or view; `apply` creates them again.

    For migrations that drop a column, or change its type.

    Raises:
        SchemaMismatch: Views of others read it.
    """
    for (name,) in connection.execute(DEPENDENTS, (relation,)).fetchall():
        if str(name) not in files():
            raise SchemaMismatch(
                f"{relation} changes its columns, and the view {name} reads it.",
                data="Nothing was changed.",
                step=f"Keep its text, drop it (DROP VIEW {name}), run: finale db upgrade; then"
                " create it again.",
            )
        drop_views_on(connection, str(name))
        connection.execute(f"DROP VIEW IF EXISTS {name}")


def _describe_tables(connection: "Connection") -> None:
    """Give tables and columns the comments that are declared, where they have others."""
    from psycopg import sql

    from finale_pipeline.warehouse.tables import metadata

    rows = connection.execute(DESCRIBED, ([*SCHEMAS],)).fetchall()
    present = {(str(table), str(column)): str(comment) for table, column, comment in rows}
    for table in metadata.tables.values():
        name = sql.Identifier(str(table.schema), table.name)
        if present.get((table.fullname, "")) != table.comment:
            statement = sql.SQL("COMMENT ON TABLE {} IS {}")
            connection.execute(statement.format(name, table.comment))
        for column in table.columns:
            if present.get((table.fullname, column.name)) != column.comment:
                statement = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
                connection.execute(
                    statement.format(name, sql.Identifier(column.name), column.comment)
                )
