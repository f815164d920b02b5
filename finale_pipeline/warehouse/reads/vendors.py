"""Vendors, with their measured lead times."""

from finale_pipeline.warehouse.connect import Connection, rows_of, scalar
from finale_pipeline.warehouse.reads.listing import Listing

VENDORS = Listing(
    name="vendors",
    query="SELECT v.*, t.orders AS measured_orders, t.median_days AS median_lead_days,"
    " t.p90_days AS p90_lead_days FROM mart.vendor v LEFT JOIN (SELECT DISTINCT ON (vendor_url)"
    " vendor_url, orders, median_days, p90_days FROM mart.vendor_lead_time"
    " ORDER BY vendor_url, orders DESC) t USING (vendor_url)",
    key=("vendor_url", "text"),
    sorts={"name": "text", "median_lead_days": "double precision", "measured_orders": "bigint"},
    order="name",
    filters={
        "q": "strpos(lower(name), lower(%(q)s)) > 0",
        "enabled": "is_enabled = %(enabled)s",
    },
)


def name_of(connection: Connection, vendor_url: str) -> str | None:
    """Return the name of a vendor; None = it is not known."""
    query = "SELECT name FROM core.vendor WHERE vendor_url = %s"
    return scalar(connection, str, query, vendor_url)


def enabled(connection: Connection) -> list[str]:
    """Return the names of the vendors that can be ordered from."""
    rows = rows_of(
        connection,
        "SELECT DISTINCT name FROM core.vendor WHERE removed_at IS NULL"
        " AND coalesce(status, 'PARTY_ENABLED') = 'PARTY_ENABLED' ORDER BY name",
    )
    return [row["name"] for row in rows]
