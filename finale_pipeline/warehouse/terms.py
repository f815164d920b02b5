"""What buyers fix for products and vendors: written with its history, read with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from finale_pipeline.warehouse.connect import Connection, Row

FIELDS = {
    "product": (
        "vendor_url",
        "is_never_ordered",
        "reorder_point_units",
        "maximum_units",
        "minimum_order_units",
        "pack_units",
    ),
    "vendor": ("minimum_order_value", "lead_time_days", "review_period_days", "cover_days"),
}
TABLE = {
    "product": ("plan.product_term", "product_url"),
    "vendor": ("plan.vendor_term", "vendor_url"),
}


def of(connection: Connection, scope: str, key: str) -> Row:
    """Return what is fixed for a product or a vendor; what is not is None."""
    table, name = TABLE[scope]
    names = ", ".join(FIELDS[scope])
    row = connection.row(f"SELECT {names} FROM {table} WHERE {name} = %s", key)
    return row or dict.fromkeys(FIELDS[scope]) | (
        {"is_never_ordered": False} if scope == "product" else {}
    )


def fix(
    connection: Connection,
    scope: str,
    key: str,
    terms: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    note: str | None = None,
) -> dict[str, Any]:
    """Fix terms of a product or a vendor, in a transaction; note and return what moved.

    Args:
        terms: Of `FIELDS`; None = not fixed any more.
    """
    table, name = TABLE[scope]
    names = [field for field in FIELDS[scope] if field in terms]
    connection.execute(f"INSERT INTO {table} ({name}) VALUES (%s) ON CONFLICT DO NOTHING", (key,))
    connection.execute(f"SELECT FROM {table} WHERE {name} = %s FOR UPDATE", (key,))
    before = of(connection, scope, key)
    moved = {field: terms[field] for field in names if terms[field] != before[field]}
    if not moved:
        return {}
    sets = ", ".join(f"{field} = %({field})s" for field in moved)
    connection.execute(f"UPDATE {table} SET {sets} WHERE {name} = %(key)s", {**moved, "key": key})
    values = [_json({field: row[field] for field in moved}) for row in (before, moved)]
    connection.execute(
        "INSERT INTO plan.term_change (scope, scope_key, before, after, changed_by, changed_at,"
        " note) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (scope, key, *values, actor, now, note),
    )
    return moved


def history(connection: Connection, scope: str, key: str) -> list[Row]:
    """Return what was changed of the terms of a product or vendor, the newest first."""
    return connection.rows(
        "SELECT before, after, changed_by, changed_at, note FROM plan.term_change"
        " WHERE scope = %s AND scope_key = %s ORDER BY change_id DESC LIMIT 50",
        scope,
        key,
    )


def vendor_called(connection: Connection, name: str) -> list[Row]:
    """Return the vendors of a name, partyId or address that orders can go to."""
    return connection.rows(
        "SELECT vendor_url, name FROM core.vendor WHERE removed_at IS NULL"
        " AND coalesce(status, 'PARTY_ENABLED') = 'PARTY_ENABLED'"
        " AND (vendor_url = %(name)s OR vendor_id = %(name)s OR lower(name) = lower(%(name)s))",
        name=name,
    )


def _json(values: Mapping[str, Any]) -> str:
    return msgspec.json.encode(values, enc_hook=str).decode()
