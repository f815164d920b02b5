"""From where on a table's next read begins."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


def seen_at(connection: Connection, table: str) -> datetime | None:
    """Return up to where a table's changes were read; None before its first complete read."""
    return connection.scalar(
        datetime, "SELECT seen_at FROM ops.watermark WHERE table_name = %s", table
    )


def advance(
    connection: Connection,
    table: str,
    *,
    until: datetime,
    at_least: datetime,
    zone: str,
    now: datetime,
) -> None:
    """Move a table's mark to the newest stamp of its rows; never back.

    Args:
        until: Stamps after it do not count: from there on nothing was read.
        at_least: Where the mark moves to when no row is newer.
    """
    connection.execute(
        "INSERT INTO ops.watermark AS w (table_name, seen_at, zone, committed_at)"
        f" SELECT %s, greatest(max(updated_at), %s), %s, %s FROM {table}"
        " WHERE updated_at <= %s ON CONFLICT (table_name) DO UPDATE SET"
        " seen_at = greatest(w.seen_at, excluded.seen_at), committed_at = excluded.committed_at",
        (table, at_least, zone, now, until),
    )


def take_back(connection: Connection, table: str, moment: datetime) -> None:
    """Move a mark back that lies in the future, so that what was missed is read."""
    connection.execute(
        "UPDATE ops.watermark SET seen_at = %s WHERE table_name = %s", (moment, table)
    )


def has_other_zone(connection: Connection, zone: str) -> bool:
    """Whether business days of some table were reckoned in another zone."""
    return connection.is_true("SELECT count(*) FROM ops.watermark WHERE zone <> %s", zone)


def set_zone(connection: Connection, zone: str) -> None:
    """Note that all business days are reckoned in a zone."""
    connection.execute("UPDATE ops.watermark SET zone = %s", (zone,))
