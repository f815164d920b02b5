"""How much of Finale's catalogue and stock is here."""

from finale_pipeline.warehouse.connect import Connection, count_of

LIVE = {
    "core.product": "removed_at IS NULL",
    "core.vendor": "removed_at IS NULL",
    "core.facility": "removed_at IS NULL",
    "core.stock_level": "true",
}


def live_rows(connection: Connection, table: str) -> int:
    """Return how many rows of a table are there now, those that Finale removed left out."""
    return count_of(connection, f"SELECT count(*) FROM {table} WHERE {LIVE[table]}")
