"""How much of what Finale has is here, and of when."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.tables import metadata


def _live(table: str) -> str:
    return "removed_at IS NULL" if "removed_at" in metadata.tables[table].columns else "true"


def live_rows(connection: Connection, table: str) -> int:
    """Return how many rows of a table are there now, those that Finale removed left out."""
    return connection.count(f"SELECT count(*) FROM {table} WHERE {_live(table)}")


def rows_by_day(
    connection: Connection, table: str, day: str, within: str, values: Mapping[str, object]
) -> dict[date, int]:
    """Return how many live rows of a table belong to each day.

    Args:
        day: The day that a row belongs to, in SQL.
        within: Which rows, in SQL.
    """
    query = f"SELECT {day}, count(*) FROM {table} WHERE {within} AND {_live(table)} GROUP BY 1"
    return connection.mapping(query, **values)


def newest_change(connection: Connection, table: str) -> datetime | None:
    """Return the newest change of a record that Finale knows of; for stock, when it was read."""
    has_stamps = "updated_at" in metadata.tables[table].columns
    newest = f"max(updated_at) FROM {table}" if has_stamps else "max(read_at) FROM ops.feed"
    return connection.scalar(datetime, f"SELECT {newest}")


def shortages(connection: Connection, days: Sequence[date]) -> dict[date, Row]:
    """Return what was out and low on each of some days, and the money at risk."""
    rows = connection.rows(
        "SELECT d, count(*) FILTER (WHERE c.level = 'out') AS out,"
        " count(*) FILTER (WHERE c.level = 'low') AS low,"
        " coalesce(sum(c.money_at_risk), 0)::float8 AS money_at_risk FROM unnest(%s::date[]) d"
        " LEFT JOIN plan.critical_item c ON c.snapshot_on = d GROUP BY 1",
        list(days),
    )
    return {row.pop("d"): row for row in rows}
