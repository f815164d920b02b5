"""What a materialization says: numbers of its own partition, and of the run that made it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from finale_pipeline.assets.entries import CHANGED, Entry
from finale_pipeline.warehouse.tables import metadata as schema

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection

ROWS = "dagster/partition_row_count"
"""Dagster's own name for the rows of one partition."""


def of_run(run: "SyncRun", entry: Entry) -> dict[str, Any]:
    """Return what the run did for an asset so far: rows, calls, bytes, seconds."""
    counts = run.counts.get(entry.counts)
    said: dict[str, Any] = {
        "dagster/row_count": row_count(run.connection, entry.table),
        "sync_run": run.run_id,
        "seconds": round((run.clock() - run.started_at).total_seconds(), 3),
    }
    if entry.source != "warehouse":
        said |= {"api_calls": run.client.usage.api_calls, "bytes": run.client.usage.bytes}
    if counts is not None:
        said |= {f"rows_{name}": count for name, count in counts.as_dict().items()}
    newest = watermark(run.connection, entry)
    return said | ({"watermark": dg.MetadataValue.timestamp(newest)} if newest else {})


def of_days(
    connection: "Connection", entry: Entry, days: Sequence[date], zone: ZoneInfo
) -> dict[date, dict[str, Any]]:
    """Return what there is to say of each of some business days."""
    said: dict[date, dict[str, Any]] = {day: {} for day in days}
    if not entry.is_partitioned or not days:
        return said
    if entry.day is None:
        return {day: {ROWS: row_count(connection, entry.table)} for day in days}
    rows = rows_by_day(connection, entry, days, zone)
    said = {day: {ROWS: rows.get(day, 0)} for day in days}
    if entry.name == "critical_items":
        for day, numbers in _shortages(connection, days).items():
            said[day] |= numbers
    return said


def rows_by_day(
    connection: "Connection", entry: Entry, days: Sequence[date], zone: ZoneInfo
) -> dict[date, int]:
    """Return how many live rows of its table belong to each business day from first to last."""
    from finale_pipeline.sync.strategies import span_of  # noqa: PLC0415 - nothing at import

    since, until = span_of(days, zone)
    values = {"zone": str(zone), "since": since, "until": until, "first": min(days),
              "last": max(days)}  # fmt: skip
    within = "updated_at >= %(since)s AND updated_at < %(until)s"
    if entry.day != CHANGED:
        within = f"{entry.day} BETWEEN %(first)s AND %(last)s"
    rows: list[Any] = connection.execute(
        f"SELECT {entry.day}, count(*) FROM {entry.table}"  # noqa: S608 - ours
        f" WHERE {within}{_live(entry.table)} GROUP BY 1",
        values,
    ).fetchall()
    return dict(rows)


def _shortages(connection: "Connection", days: Sequence[date]) -> dict[date, dict[str, Any]]:
    rows: list[Any] = connection.execute(
        "SELECT d, count(*) FILTER (WHERE c.level = 'out'),"
        " count(*) FILTER (WHERE c.level = 'low'),"
        " coalesce(sum(c.money_at_risk), 0)::float8 FROM unnest(%s::date[]) d"
        " LEFT JOIN plan.critical_item c ON c.snapshot_on = d GROUP BY 1",
        (list(days),),
    ).fetchall()
    return {day: {"out": out, "low": low, "money_at_risk": money} for day, out, low, money in rows}


def row_count(connection: "Connection", table: str) -> int:
    """Return how many rows a table has now, removed records left out."""
    row = connection.execute(
        f"SELECT count(*) FROM {table} WHERE true{_live(table)}"  # noqa: S608 - ours
    ).fetchone()
    return int(str(row[0])) if row else 0


def watermark(connection: "Connection", entry: Entry) -> datetime | None:
    """Return the newest change of a record that Finale knows of; for stock, when it was read."""
    query = "SELECT max(read_at) FROM ops.feed"
    if "updated_at" in schema.tables[entry.table].columns:
        query = f"SELECT max(updated_at) FROM {entry.table}"  # noqa: S608 - ours
    row = connection.execute(query).fetchone()
    return row[0] if row and isinstance(row[0], datetime) else None


def _live(table: str) -> str:
    return " AND removed_at IS NULL" if "removed_at" in schema.tables[table].columns else ""
