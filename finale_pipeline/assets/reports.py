"""What a sync run did → the metadata of a materialization."""

from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection

TABLES = {
    "facilities": "core.facility",
    "vendors": "core.vendor",
    "products": "core.product",
    "inventory_levels": "core.stock_level",
    "purchase_orders": "core.purchase_order",
    "shipments": "core.shipment",
}
"""The table each asset shows its rows and columns of."""

DERIVED = {"critical_items": "plan.critical_item"}
"""The same of assets that are computed here, not read."""

COUNTED = {"inventory_levels": "core.stock_entry"}
"""Where rows are read into another table than the one that is shown."""


LEVELS = {"core.stock_level"}
"""Has no records of Finale, but sums over them."""


def metadata(run: "SyncRun", asset: str) -> dict[str, Any]:
    """Return what a materialization says of its run."""
    table = TABLES.get(asset) or DERIVED[asset]
    counts = run.counts.get(COUNTED.get(asset, table))
    said: dict[str, Any] = {
        "dagster/row_count": row_count(run.connection, table),
        "dagster/table_name": table,
        "dagster/column_schema": column_schema(run.connection, table),
        "sync_run": run.run_id,
        "api_calls": run.client.usage.api_calls,
        "bytes": run.client.usage.bytes,
        "seconds": round((run.clock() - run.started_at).total_seconds(), 3),
    }
    if counts is not None:
        said["rows_of"] = COUNTED.get(asset, table)
        said |= {f"rows_{name}": count for name, count in counts.as_dict().items()}
    newest = watermark(run.connection, table)
    return said | ({"watermark": newest} if newest else {})


def row_count(connection: "Connection", table: str) -> int:
    """Return how many rows a table has now, removed records left out."""
    live = " WHERE removed_at IS NULL" if table in set(TABLES.values()) - LEVELS else ""
    row = connection.execute(f"SELECT count(*) FROM {table}{live}").fetchone()  # noqa: S608 - ours
    return int(str(row[0])) if row else 0


def watermark(connection: "Connection", table: str) -> str | None:
    """Return the newest change of a record that Finale knows of, as text."""
    if table not in set(TABLES.values()) - LEVELS:
        query = "SELECT to_char(max(read_at), 'YYYY-MM-DD HH24:MI:SS UTC') FROM ops.feed"
    else:
        query = f"SELECT to_char(max(updated_at), 'YYYY-MM-DD HH24:MI:SS UTC') FROM {table}"  # noqa: S608 - ours
    row = connection.execute(query).fetchone()
    return str(row[0]) if row and row[0] else None


def column_schema(connection: "Connection", table: str) -> dg.TableSchema:
    """Return a table's columns with their comments, as the database has them."""
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        (table,),
    ).fetchall()
    return dg.TableSchema(
        [dg.TableColumn(str(n), str(kind), str(comment or "")) for n, kind, comment in rows]
    )
