"""The last complete read of a feed that has no windows: Finale's stock."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


def stock_digest(connection: Connection) -> int | None:
    """Return the digest of the last answer, if core.stock_entry still shows exactly that."""
    return connection.scalar(
        int,
        "SELECT body_digest FROM ops.feed WHERE feed_name = 'stock' AND (row_count, fingerprint)"
        " = (SELECT count(*), coalesce(bit_xor(row_hash), 0) FROM core.stock_entry)",
    )


def keep_stock(connection: Connection, digest: int, *, now: datetime) -> None:
    """Note that stock was read and written; a digest of 0 is that of no answer."""
    connection.execute(
        "INSERT INTO ops.feed (feed_name, body_digest, row_count, fingerprint, read_at)"
        " SELECT 'stock', %s, count(*), coalesce(bit_xor(row_hash), 0), %s FROM core.stock_entry"
        " ON CONFLICT (feed_name) DO UPDATE SET body_digest = excluded.body_digest,"
        " row_count = excluded.row_count, fingerprint = excluded.fingerprint,"
        " read_at = excluded.read_at",
        (digest, now),
    )


def keep_unchanged_stock(connection: Connection, *, now: datetime) -> int:
    """Note that stock was read and is as stored; return how many entries that are."""
    query = "UPDATE ops.feed SET read_at = %s WHERE feed_name = 'stock' RETURNING row_count"
    return connection.count(query, now)
