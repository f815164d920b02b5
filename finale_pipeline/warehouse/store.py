"""The one write path: frames in, only the rows that differ written, in the caller's transaction.

Each row has a 64-bit hash of its content. Rows whose hash the table holds already are left out
before anything is sent; the others go by COPY into a staging table and from there, in one
statement, into the target. Staging tables are temporary: never logged, gone with the connection.
"""

import io
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from finale_pipeline.warehouse.connect import Connection, database_errors

if TYPE_CHECKING:
    from datetime import datetime

HASH = "row_hash"
HASH_SEED = 20_260_101
"""Changing it, or a polars release that hashes otherwise, rewrites every row once; a test with a
known hash tells before it lands."""

SENT_ROWS = 20_000
"""Rows that are put into text at a time: a large answer is sent in pieces."""
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to the rows of one table; read = inserted + updated + unchanged + rejected."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        added = other.as_dict()
        return Counts(**{name: count + added[name] for name, count in self.as_dict().items()})

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `row_hash`, a hash over all its columns, in their order."""
    hashes = frame.hash_rows(HASH_SEED).reinterpret(signed=True).alias(HASH)
    return frame.with_columns(hashes)


def read_hashes(connection: Connection, query: str, parameters: Iterable[object]) -> pl.Series:
    """Return a query's only column, 64-bit integers, as a series; fast for large results.

    The server joins them, 8 bytes each: rows that come one by one cost a Python call each.
    """
    joined = f"SELECT string_agg(int8send(h), '') FROM ({query}) AS stored (h)"
    row = connection.execute(joined, tuple(parameters), binary=True).fetchone()
    hashes = array("q", row[0] if row and row[0] else b"")
    if sys.byteorder == "little":
        hashes.byteswap()
    return pl.Series(HASH, hashes, dtype=pl.Int64)


def only_unknown(frame: pl.DataFrame, stored: pl.Series) -> pl.DataFrame:
    """Return the rows of a hashed frame whose hash is not stored."""
    if stored.is_empty():
        return frame
    return frame.join(stored.to_frame(), on=HASH, how="anti", maintain_order="left")


def _copy_text(frame: pl.DataFrame) -> memoryview:
    """Return rows in COPY's text format, which the server reads faster than csv with its quotes."""
    frame = frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
    texts = pl.col(pl.String)
    odd = frame.select(texts.str.contains(r"[\\\t\n\r]").any())
    for name in [column.name for column in odd if column.item()]:
        cell = pl.col(name)
        for character, written in ESCAPES.items():
            cell = cell.str.replace_all(character, written, literal=True)
        frame = frame.with_columns(cell)
    buffer = io.BytesIO()
    frame.write_csv(
        buffer,
        include_header=False,
        separator="\t",
        quote_style="never",
        null_value="\\N",
        datetime_format="%Y-%m-%d %H:%M:%S%.6f+00",
    )
    return buffer.getbuffer()


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows that one merge inserted and updated; the rest of the staged rows was left alone."""

    inserted: int
    updated: int


class TableWriter:
    """Writes frames into one table; learns the table's key and columns from the database.

    Args:
        connection: Of the caller, whose transaction everything belongs to.
        table: Schema and name, such as `core.product`.
    """

    def __init__(self, connection: Connection, table: str) -> None:
        self.connection = connection
        self.table = table
        self.stage = "stage_" + table.replace(".", "_")
        self._staged: tuple[str, ...] = ()

    @cached_property
    def _columns(self) -> dict[str, bool]:
        """Name of each writable column → whether it is part of the key."""
        return self.connection.mapping(
            "SELECT a.attname, coalesce(a.attnum = ANY (i.indkey), false)"
            " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid"
            " AND i.indisprimary WHERE a.attrelid = %s::regclass AND a.attnum > 0"
            " AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
            self.table,
        )

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns."""
        return tuple(name for name, is_key in self._columns.items() if is_key)

    def copy(self, frame: pl.DataFrame) -> None:
        """Fill the staging table with the frame's rows, and only with them.

        Args:
            frame: Columns named as the table's; nulls, and times in UTC, as they are.
        """
        self._prepare_stage(tuple(frame.columns))
        if not frame.is_empty():
            self._send(frame, self.stage)

    def insert(self, frame: pl.DataFrame, *, now: "datetime") -> None:
        """Add rows that are new, straight into the table: a third of the work of a merge.

        Args:
            frame: As for `copy`.
            now: UTC; becomes `changed_at` and `first_seen_at`.

        Raises:
            UniqueViolation: The table has one of them; undo to a savepoint, then merge.
        """
        if frame.is_empty():
            return
        written = pl.lit(now.isoformat())  # once as text: each row would be formatted anew
        self._send(frame.with_columns(written.alias(name) for name in self._ours), self.table)

    def has_any(self, keys: Sequence[str]) -> bool:
        """Whether the table has a row with one of these first key columns; for a few keys."""
        query = f"SELECT FROM {self.table} WHERE {self.key[0]} = ANY (%s) LIMIT 1"
        return self.connection.execute(query, (list(keys),)).rowcount > 0

    def _send(self, frame: pl.DataFrame, target: str) -> None:
        statement = f"COPY {target} ({', '.join(frame.columns)}) FROM STDIN"
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for start in range(0, len(frame), SENT_ROWS):
                copy.write(_copy_text(frame.slice(start, SENT_ROWS)))

    @property
    def _same_key(self) -> str:
        """Whether the row `o` of the table and the staged row `s` are of one key."""
        return " AND ".join(f"o.{name} = s.{name}" for name in self.key)

    @property
    def _ours(self) -> list[str]:
        """Times of writing that the table has."""
        return [name for name in ("first_seen_at", "changed_at") if name in self._columns]

    def _prepare_stage(self, columns: tuple[str, ...]) -> None:
        if self._staged == columns:
            self.connection.execute(f"TRUNCATE {self.stage}")
            return
        self.connection.execute(f"DROP TABLE IF EXISTS pg_temp.{self.stage}")
        query = f"SELECT {', '.join(columns)} FROM {self.table} WITH NO DATA"
        self.connection.execute(f"CREATE TEMP TABLE {self.stage} AS {query}")
        self._staged = columns

    def merge(self, *, now: "datetime") -> Merged:
        """Bring the staged rows into the table: new ones in, differing ones over the old.

        A staged row with an older `updated_at` than the stored row never replaces it.

        Args:
            now: UTC; becomes `changed_at`, and `first_seen_at` of new rows.
        """
        with database_errors(f"writing {self.table}"):
            inserted, updated = self.connection.only_row(self._merge_statement, now=now)
        return Merged(inserted=inserted, updated=updated)

    @property
    def _merge_statement(self) -> str:
        names = ", ".join([*self._staged, *self._ours])
        values = ", ".join(
            [*(f"s.{name}" for name in self._staged), *("%(now)s" for _ in self._ours)]
        )
        overwritten = [name for name in (*self._staged, "changed_at") if name not in self.key]
        sets = [f"{name} = excluded.{name}" for name in overwritten]
        differs = f"o.{HASH} <> s.{HASH}"
        if "updated_at" in self._staged:
            # A stamp that was in the future when it was written is no newer than that moment.
            differs += (
                " AND (s.updated_at < CASE WHEN o.updated_at > o.changed_at + interval '1 hour'"
                " THEN o.changed_at - interval '1 hour' ELSE o.updated_at END) IS NOT TRUE"
            )
        if "removed_at" in self._columns:
            differs = f"({differs}) OR o.removed_at IS NOT NULL"
            sets.append("removed_at = NULL")
        return (
            f"WITH merged AS (INSERT INTO {self.table} ({names}) SELECT {values}"
            f" FROM {self.stage} s LEFT JOIN {self.table} o ON {self._same_key}"
            f" WHERE o.{self.key[0]} IS NULL OR {differs}"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {', '.join(sets)}"
            " RETURNING xmax = 0 AS is_new)"
            " SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged"
        )

    def left_alone(self) -> list[str]:
        """Return the first key column of staged rows that the merge did not take: older ones."""
        return self.connection.texts(
            f"SELECT s.{self.key[0]} FROM {self.stage} s JOIN {self.table} o ON {self._same_key}"
            f" WHERE o.{HASH} <> s.{HASH}"
        )

    def unstage(self, keys: Sequence[str]) -> None:
        """Take rows out of the staging table, by the first column of the key."""
        if keys:
            self.connection.execute(
                f"DELETE FROM {self.stage} WHERE {self.key[0]} = ANY (%s)",
                (list(keys),),
            )

    def delete_others_of(self, owner: "TableWriter") -> int:
        """Delete rows of the owner's staged records that are not staged here themselves.

        Args:
            owner: Writer of the table whose key is the first column of this one's key.

        Returns:
            How many were deleted.
        """
        first = self.key[0]
        cursor = self.connection.execute(
            f"DELETE FROM {self.table} o WHERE o.{first} IN (SELECT {first} FROM {owner.stage})"
            f" AND NOT EXISTS (SELECT FROM {self.stage} s WHERE {self._same_key})"
        )
        return cursor.rowcount
