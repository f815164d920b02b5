"""What an order for a vendor says: as it was drafted, or as the plan has it."""

from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row

PACK = "coalesce(t.pack_units, p.pack_units)"

DRAFTED = """
SELECT w.order_id, w.plan_on, w.intended_at, w.vendor_url, f.name AS place, w.lines
FROM ops.purchase_order_write w LEFT JOIN core.facility f USING (facility_url)
WHERE w.reference = %s
"""
DRAFTED_LINES = f"""
SELECT coalesce(nullif(s.vendor_sku, ''), '') AS vendor_sku, p.sku, coalesce(p.name, '') AS name,
       l.quantity_units AS units, l.unit_price, l.currency, {PACK} AS pack_units
FROM ops.purchase_order_write w
CROSS JOIN LATERAL jsonb_to_recordset(w.lines)
    AS l(product_url text, quantity_units numeric, unit_price numeric, currency text)
JOIN core.product p USING (product_url)
LEFT JOIN core.product_supplier s
    ON s.product_url = l.product_url AND s.vendor_url = w.vendor_url
LEFT JOIN plan.product_term t ON t.product_url = l.product_url
WHERE w.reference = %s ORDER BY p.sku, p.product_url
"""
PLANNED_LINES = """
SELECT coalesce(vendor_sku, '') AS vendor_sku, sku, coalesce(name, '') AS name,
       quantity_units AS units, unit_cost AS unit_price, currency, pack_units
FROM mart.purchase_plan_line
WHERE snapshot_on = %s AND vendor_url = %s AND quantity_units > 0 ORDER BY sku, product_url
"""
VENDOR = "SELECT vendor_url, name FROM core.vendor WHERE vendor_url = %s OR name = %s LIMIT 2"
CONTACTS = (
    "SELECT kind, value, address1, address2, city, state, postal_code, country"
    " FROM core.vendor_contact WHERE vendor_url = %s ORDER BY position"
)


def drafted(connection: Connection, reference: str) -> tuple[Row, list[Row]] | None:
    """Return an order that was drafted in Finale, and its lines; None = there is none."""
    order = connection.row(DRAFTED, reference)
    return (order, connection.rows(DRAFTED_LINES, reference)) if order else None


def planned(connection: Connection, day: date, vendor_url: str) -> list[Row]:
    """Return what a day's plan orders from a vendor, as buyers left it."""
    return connection.rows(PLANNED_LINES, day, vendor_url)


def vendors(connection: Connection, name: str) -> list[Row]:
    """Return the vendors of a name or url, two at most."""
    return connection.rows(VENDOR, name, name)


def contacts(connection: Connection, vendor_url: str) -> list[Row]:
    """Return how to reach a vendor, as Finale has it."""
    return connection.rows(CONTACTS, vendor_url)
