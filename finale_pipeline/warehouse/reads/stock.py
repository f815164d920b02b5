"""When stock was read."""

from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, scalar


def stock_read_at(connection: Connection) -> datetime | None:
    """Return when stock was last read and believed, by the source's clock; None = never."""
    return scalar(connection, datetime, "SELECT read_at FROM ops.feed WHERE feed_name = 'stock'")


def last_day(connection: Connection) -> date | None:
    """Return the last business day on which stock was read completely; None = never."""
    return scalar(connection, date, "SELECT max(snapshot_on) FROM core.stock_day")
