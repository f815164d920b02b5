"""Writes the data dictionary, lineage.json and columns.json from a new database."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from finale_pipeline.warehouse import embedded, lineage, schema, table_columns
from finale_pipeline.warehouse.connect import Connection, connect

FILE = Path("docs/data-dictionary.md")
HEAD = """# Data dictionary

Written by `make dictionary` from the comments of the tables and views; do not edit.

Ask `mart`: its views are the promised ones, and the role `finale_reader` may read them. `core`
holds what was read from Finale, `ops` what the syncs did. Times are UTC; **bold** columns are the
key.
"""
SPACES = ("mart", "core", "plan", "ops")

FUNCTIONS = """
SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)),
       obj_description(p.oid, 'pg_proc'), pg_get_function_result(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'mart' ORDER BY 1
"""


def render(connection: Connection) -> str:
    """Return the dictionary of a database as Markdown."""
    rows = connection.execute(table_columns.COLUMNS).fetchall()
    rows.sort(key=lambda row: SPACES.index(row[0]))
    tables = groupby(rows, key=lambda row: row[:3])
    parts = [_table(f"{space}.{name}", about, [*rest]) for (space, name, about), rest in tables]
    functions = [_function(*function) for function in connection.execute(FUNCTIONS)]
    return "".join([HEAD, *functions, *parts])


def _function(name: str, about: str | None, result: str) -> str:
    return f"\n## {name}\n\n{about or ''}\n\nA function; returns `{result}`.\n"


def _table(name: str, about: str | None, rows: list[tuple[Any, ...]]) -> str:
    columns = "".join(
        f"| {f'**{column}**' if is_key else column} | {kind} | {_cell(meaning)} |\n"
        for *_, column, kind, meaning, _, _, is_key in rows
    )
    return (
        f"\n## {name}\n\n{about or ''}\n\n"
        f"| column | type | meaning |\n| --- | --- | --- |\n{columns}"
    )


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


@contextmanager
def _fresh_database() -> Iterator[str]:
    """Yield the URL of a new database at the newest schema, on a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="finale"))
    folder.chmod(0o755)  # the server's own user must pass
    try:
        url = embedded.start(folder / "pg")
        schema.upgrade(url)
        yield url
    finally:
        embedded.stop(folder / "pg")
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Write the files."""
    with _fresh_database() as url, connect(url, name="finale dictionary") as connection:
        FILE.write_text(render(connection), encoding="utf-8")
        table_columns.FILE.write_text(table_columns.render(connection), encoding="utf-8")
        lineage.FILE.write_text(lineage.render(connection), encoding="utf-8")


if __name__ == "__main__":
    main()
