"""Views of the buyer's list that people keep by name."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


def keep(connection: Connection, actor: str, name: str, query: str, *, now: datetime) -> None:
    """Keep a view; one of the same name is replaced."""
    connection.execute(
        "INSERT INTO ops.saved_view (kept_by, name, query, kept_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (kept_by, name) DO UPDATE SET query = excluded.query,"
        " kept_at = excluded.kept_at",
        (actor, name, query, now),
    )


def forget(connection: Connection, actor: str, name: str) -> None:
    """Keep a view no longer."""
    connection.execute("DELETE FROM ops.saved_view WHERE kept_by = %s AND name = %s", (actor, name))
