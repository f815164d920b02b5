"""What a statement packs into byte strings: as fast as it can be read, whatever its rows."""

from collections.abc import Mapping

from finale_pipeline.warehouse.connect import Connection, trusted
from finale_pipeline.warehouse.frames import bound


def packed(connection: Connection, query: str, values: Mapping[str, object]) -> tuple[bytes, ...]:
    """Return the byte strings of a statement's only row; empty ones for null."""
    with connection.cursor(binary=True) as cursor:
        (row,) = cursor.execute(trusted(bound(connection, query, values))).fetchall()
    return tuple(field or b"" for field in row)
