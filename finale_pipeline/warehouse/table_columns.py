"""The columns of tables, known without a database: columns.json, written by `make dictionary`.

Dagster shows them whenever definitions are loaded, in every run's process anew; SQLAlchemy, in
which they are declared, would take longer to import than all the rest of ours. A test holds the
file against the newest schema.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

FILE = Path(__file__).with_name("columns.json")
COLUMNS = """
SELECT n.nspname::text, c.relname::text, obj_description(c.oid, 'pg_class'), a.attname::text,
       format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), ''),
       NOT a.attnotnull, c.relkind = 'r', EXISTS (SELECT FROM pg_index i
           WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('mart', 'core', 'plan', 'ops') AND c.relkind IN ('r', 'v')
  AND c.relname <> 'schema_version'
ORDER BY 1, 2, a.attnum
"""
"""Schema, table or view, its comment, column, type, comment; nullable, of a table, of the key."""


class TableColumn(TypedDict):
    """A column: its type as PostgreSQL names it, whether it may be null, and its meaning."""

    type: str
    nullable: bool
    about: str


@cache
def stored_columns() -> dict[str, dict[str, TableColumn]]:
    """Return table → column → what is known of it, in the order of the table."""
    stored: dict[str, dict[str, TableColumn]] = json.loads(FILE.read_text(encoding="utf-8"))
    return stored


def render(connection: "Connection") -> str:
    """Return the columns of a database as JSON, a line per column."""
    rows = connection.execute(COLUMNS)
    tables: dict[str, list[str]] = {}
    for space, table, _, name, kind, about, nullable, is_table, _ in rows:
        if is_table:
            column = TableColumn(type=kind, nullable=nullable, about=about)
            line = f"  {json.dumps(name)}: {json.dumps(column)}"
            tables.setdefault(f"{space}.{table}", []).append(line)
    parts = [
        f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }" for name, lines in tables.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"
