"""The rows of a statement as a frame, by COPY: far faster than row by row."""

import io
from collections.abc import Mapping

import polars as pl
from psycopg import sql

from finale_pipeline.warehouse.connect import Connection, trusted

Schema = Mapping[str, type[pl.DataType]]
"""Columns of a frame, in the order of the statement's."""


def copied(
    connection: Connection, query: str, values: Mapping[str, object], schema: Schema
) -> pl.DataFrame:
    """Return a query's rows as a frame."""
    buffer = io.BytesIO()
    statement = trusted(f"COPY ({bound(connection, query, values)}) TO STDOUT (FORMAT csv)")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in copy:
            buffer.write(chunk)
    if not buffer.tell():
        return pl.DataFrame(schema=dict(schema))
    flags = {name for name, kind in schema.items() if kind is pl.Boolean}
    as_read = {name: pl.String if name in flags else kind for name, kind in schema.items()}
    buffer.seek(0)
    frame = pl.read_csv(buffer, has_header=False, schema=as_read)
    return frame.with_columns(pl.col(name) == "t" for name in flags)


def bound(connection: Connection, query: str, values: Mapping[str, object]) -> str:
    """Return the statement with the values written into it: COPY and CREATE take no parameters."""
    return sql.SQL(trusted(query)).format(**values).as_string(connection)
