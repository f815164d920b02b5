"""Orders that were drafted in Finale: of a plan, and those to look at."""

from datetime import date, datetime, timedelta

from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads.listing import Listing

COLUMNS = (
    "reference, order_id, state, plan_on, vendor_url, vendor, place, lines, units, total, link,"
    " finale_status, differences, error, created_by, intended_at"
)
SLOW = timedelta(minutes=10)
"""A drafting that takes longer was ended before its end was noted."""
SHOWN = 20

ORDERS = Listing(
    "purchase_orders",
    "SELECT reference, order_id, state, plan_on, vendor, vendor_url, place, facility_url, sequence,"
    " lines, units, total, attempts, created_by, intended_at, sent_at, settled_at, order_url,"
    " finale_status, is_open, link, differences, warnings, error FROM mart.purchase_order_sent",
    ("reference", "text"),
    {
        "intended_at": "timestamptz",
        "plan_on": "date",
        "vendor": "text",
        "state": "text",
        "total": "numeric",
    },
    "-intended_at",
    {
        "state": "state = %(state)s",
        "vendor": "vendor = %(vendor)s",
        "plan_on": "plan_on = %(plan_on)s",
    },
)


def of_plan(connection: Connection, day: date | None) -> dict[str, list[Row]]:
    """Return the orders that were drafted of a day's plan, by vendor_url, the oldest first."""
    by_vendor: dict[str, list[Row]] = {}
    query = (
        f"SELECT {COLUMNS} FROM mart.purchase_order_sent WHERE plan_on = %(day)s"
        " ORDER BY vendor, intended_at, reference"
    )
    for row in connection.rows(query, day=day):
        by_vendor.setdefault(row["vendor_url"], []).append(row)
    return by_vendor


def lines(connection: Connection, day: date | None) -> dict[tuple[str, str], Row]:
    """Return the lines of a day's plan that are in drafts, by vendor and product, as drafted.

    Drafts that were cancelled in Finale do not count. Where several have a product, units are
    summed; the price is that of the dearest.
    """
    rows = connection.rows(
        "SELECT w.vendor_url, l.product_url, sum(l.quantity_units) AS quantity_units,"
        " max(l.unit_price) AS unit_price, array_agg(DISTINCT w.order_id) AS order_ids"
        " FROM ops.purchase_order_write w JOIN mart.purchase_order_sent s USING (reference)"
        " CROSS JOIN LATERAL jsonb_to_recordset(w.lines)"
        " AS l(product_url text, quantity_units numeric, unit_price numeric)"
        " WHERE w.plan_on = %(day)s AND w.state IN ('created', 'differs', 'unverified')"
        " AND s.finale_status IS DISTINCT FROM 'ORDER_CANCELLED' GROUP BY 1, 2",
        day=day,
    )
    return {(row["vendor_url"], row["product_url"]): row for row in rows}


def to_look_at(connection: Connection, now: datetime) -> list[Row]:
    """Return drafts whose end is not known, or that are not what was meant, the newest first.

    One that a person committed or cancelled in Finale was looked at.
    """
    return connection.rows(
        f"SELECT {COLUMNS} FROM mart.purchase_order_sent WHERE state IN ('unknown', 'unverified')"
        " OR state = 'differs' AND coalesce(finale_status, 'ORDER_CREATED') = 'ORDER_CREATED'"
        " OR state IN ('intended', 'sent') AND coalesce(sent_at, intended_at) < %(since)s"
        f" ORDER BY intended_at DESC, reference LIMIT {SHOWN}",
        since=now - SLOW,
    )
