"""Vendors, with their measured lead times."""

from finale_pipeline.warehouse.connect import Connection, Row
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
    return connection.scalar(str, query, vendor_url)


def enabled(connection: Connection) -> list[str]:
    """Return the names of the vendors that can be ordered from."""
    return connection.texts(
        "SELECT DISTINCT name FROM core.vendor WHERE removed_at IS NULL"
        " AND coalesce(status, 'PARTY_ENABLED') = 'PARTY_ENABLED' ORDER BY name"
    )


def scorecards(connection: Connection) -> list[Row]:
    """Return how each vendor does, those that most is bought from first."""
    return connection.rows(
        "SELECT * FROM mart.vendor_scorecard WHERE products > 0 OR open_orders > 0 OR spend > 0"
        " ORDER BY spend DESC, lower(vendor) LIMIT 1000"
    )


def scorecard(connection: Connection, name: str) -> Row | None:
    """Return how a vendor does; named by address, partyId or name."""
    url = connection.scalar(
        str,
        "SELECT vendor_url FROM core.vendor WHERE removed_at IS NULL"
        " AND %(name)s IN (vendor_url, vendor_id, name)"
        " ORDER BY vendor_url = %(name)s DESC, vendor_url LIMIT 1",
        name=name,
    )
    # By its key alone: then nothing is computed of the others.
    return connection.row("SELECT * FROM mart.vendor_scorecard WHERE vendor_url = %s", url)


PRICES = """
SELECT * FROM (
    SELECT DISTINCT ON (l.product_url) l.product_url, p.sku, p.name, o.ordered_on, o.order_id,
           l.unit_price, lead(l.unit_price) OVER newest AS price_before,
           lead(o.ordered_on) OVER newest AS before_on
    FROM core.purchase_order o
    JOIN core.purchase_order_line l USING (order_url)
    JOIN core.product p USING (product_url)
    WHERE o.vendor_url = %s AND o.removed_at IS NULL AND l.unit_price > 0
      AND o.status NOT IN ('ORDER_CREATED', 'ORDER_CANCELLED')
    WINDOW newest AS (PARTITION BY l.product_url ORDER BY o.ordered_on DESC, o.order_url DESC)
    ORDER BY l.product_url, o.ordered_on DESC, o.order_url DESC
) t WHERE price_before <> unit_price ORDER BY ordered_on DESC, sku LIMIT 50
"""


def details(connection: Connection, vendor_url: str) -> dict[str, list[Row]]:
    """Return a vendor's contacts, open orders, newest deliveries and changes of price."""
    return {
        "contacts": connection.rows(
            "SELECT kind, purpose, value, address1, address2, city, state, postal_code, country"
            " FROM core.vendor_contact WHERE vendor_url = %s ORDER BY position LIMIT 20",
            vendor_url,
        ),
        "open_orders": connection.rows(
            "SELECT o.*, t.today_on - o.due_on AS days_late FROM mart.purchase_order o"
            " CROSS JOIN core.today t WHERE o.vendor_url = %s AND o.is_open"
            " ORDER BY o.due_on NULLS LAST, o.order_id LIMIT 100",
            vendor_url,
        ),
        "deliveries": connection.rows(
            "SELECT * FROM mart.vendor_delivery WHERE vendor_url = %s"
            " ORDER BY last_received_on DESC, order_id LIMIT 20",
            vendor_url,
        ),
        "prices": connection.rows(PRICES, vendor_url),
    }
