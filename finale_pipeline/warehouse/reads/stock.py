"""When stock was read."""

from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection

CHANGES = (
    "SELECT snapshot_on, product_url, available_units FROM core.stock_daily"
    " WHERE snapshot_on > %s ORDER BY snapshot_on, product_url"
)
OPENING = (
    "SELECT DISTINCT ON (product_url) product_url, available_units FROM core.stock_daily"
    " WHERE snapshot_on <= %s ORDER BY product_url, snapshot_on DESC"
)

AS_OF = (
    "SELECT (SELECT version_num FROM ops.schema_version),"
    " (SELECT max(read_at) FROM ops.feed WHERE feed_name = 'stock'),"
    " (SELECT max(run_id) FROM ops.sync_run WHERE status = 'done')"
)
"""The schema, when stock was read, and the newest good run: what every answer is as of."""


def stock_read_at(connection: Connection) -> datetime | None:
    """Return when stock was last read and believed, by the source's clock; None = never."""
    return connection.scalar(datetime, "SELECT read_at FROM ops.feed WHERE feed_name = 'stock'")


def last_day(connection: Connection) -> date | None:
    """Return the last business day on which stock was read completely; None = never."""
    return connection.scalar(date, "SELECT max(snapshot_on) FROM core.stock_day")


def first_day(connection: Connection) -> date | None:
    """Return the first business day on which stock was read completely; None = never."""
    return connection.scalar(date, "SELECT min(snapshot_on) FROM core.stock_day")


def last_sold_on(connection: Connection) -> date | None:
    """Return the last business day on which anything was sold; None = nothing ever was."""
    return connection.scalar(date, "SELECT max(sold_on) FROM core.sales_daily")
