"""What a materialization says: numbers of its own partition, and of the run that made it."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from finale_pipeline.assets.entries import CHANGED, AssetEntry

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection

ROWS = "dagster/partition_row_count"
"""Dagster's own name for the rows of one partition."""


def of_run(run: "SyncRun", entry: AssetEntry) -> dict[str, Any]:
    """Return what the run did for an asset so far: rows, calls, bytes, seconds."""
    from finale_pipeline.warehouse.reads import catalogue  # nothing at import

    counts = run.counts.get(entry.counts)
    numbers: dict[str, Any] = {
        "dagster/row_count": catalogue.live_rows(run.connection, entry.table),
        "sync_run": run.run_id,
        "seconds": round((run.clock() - run.started_at).total_seconds(), 3),
    }
    if entry.source != "warehouse":
        numbers |= {"api_calls": run.client.usage.api_calls, "bytes": run.client.usage.bytes}
    if counts is not None:
        numbers |= {f"rows_{name}": count for name, count in counts.as_dict().items()}
    newest = catalogue.newest_change(run.connection, entry.table)
    return numbers | ({"watermark": dg.MetadataValue.timestamp(newest)} if newest else {})


def of_days(
    connection: "Connection", entry: AssetEntry, days: Sequence[date], zone: ZoneInfo
) -> dict[date, dict[str, Any]]:
    """Return what there is to say of each of some business days."""
    from finale_pipeline.warehouse.reads import catalogue  # nothing at import

    by_day: dict[date, dict[str, Any]] = {day: {} for day in days}
    if not entry.is_partitioned or not days:
        return by_day
    if entry.day is None:
        return {day: {ROWS: catalogue.live_rows(connection, entry.table)} for day in days}
    rows = rows_by_day(connection, entry, days, zone)
    by_day = {day: {ROWS: rows.get(day, 0)} for day in days}
    if entry.name == "critical_items":
        for day, numbers in catalogue.shortages(connection, days).items():
            by_day[day] |= numbers
    return by_day


def rows_by_day(
    connection: "Connection", entry: AssetEntry, days: Sequence[date], zone: ZoneInfo
) -> dict[date, int]:
    """Return how many live rows of its table belong to each business day from first to last."""
    from finale_pipeline.sync.strategies import span_of  # nothing at import
    from finale_pipeline.warehouse.reads import catalogue

    since, until = span_of(days, zone)
    values = {
        "zone": str(zone),
        "since": since,
        "until": until,
        "first": min(days),
        "last": max(days),
    }
    within = f"{entry.day} BETWEEN %(first)s AND %(last)s"
    if entry.day == CHANGED:
        within = "updated_at >= %(since)s AND updated_at < %(until)s"
    return catalogue.rows_by_day(connection, entry.table, entry.day or "", within, values)
