"""Places: which are there, where each belongs, and those that are gone."""

from collections.abc import Sequence
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection

LIVE_HASHES = "SELECT row_hash FROM core.facility WHERE removed_at IS NULL"


def parents(connection: Connection) -> dict[str, str | None]:
    """Return each place's parent."""
    rows = connection.execute("SELECT facility_url, parent_url FROM core.facility ORDER BY 1")
    return dict(rows.fetchall())


def live(connection: Connection) -> list[str]:
    """Return the places that are there."""
    return connection.texts("SELECT facility_url FROM core.facility WHERE removed_at IS NULL")


def remove(connection: Connection, urls: Sequence[str], *, now: datetime) -> None:
    """Mark places as removed."""
    connection.execute(
        "UPDATE core.facility SET removed_at = %s, changed_at = %s WHERE facility_url = ANY (%s)",
        (now, now, list(urls)),
    )
