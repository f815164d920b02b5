"""Places: which are there, where each belongs, and those that are gone."""

from finale_pipeline.warehouse.connect import Connection

LIVE_HASHES = "SELECT row_hash FROM core.facility WHERE removed_at IS NULL"


def parents(connection: Connection) -> dict[str, str | None]:
    """Return each place's parent."""
    return connection.mapping("SELECT facility_url, parent_url FROM core.facility ORDER BY 1")


def live(connection: Connection) -> list[str]:
    """Return the places that are there."""
    return connection.texts("SELECT facility_url FROM core.facility WHERE removed_at IS NULL")
