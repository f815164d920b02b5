"""What came of purchase orders: received and open units, refreshed for orders that changed."""

from collections.abc import Sequence

from finale_pipeline.warehouse.connect import Connection


def orders_of(shipments: str) -> str:
    """Return the query of the orders of shipments that another query returns."""
    return f"SELECT order_url FROM core.shipment WHERE shipment_url IN ({shipments})"


def begin(connection: Connection, orders: str, values: Sequence[object] = ()) -> None:
    """Collect purchase orders, by a query of urls, whose lines, status or receipts change here."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS touched_order (order_url text) ON COMMIT DROP"
    )
    add(connection, orders, values)


def add(connection: Connection, orders: str, values: Sequence[object] = ()) -> None:
    """Collect some more."""
    connection.execute(
        f"INSERT INTO touched_order SELECT u.* FROM ({orders}) u WHERE u IS NOT NULL",
        tuple(values),
    )


def refresh(connection: Connection) -> None:
    """Bring received and open units of the collected orders up to date, and who their vendor is."""
    connection.execute(LINES)
    connection.execute(HEADERS)


DELIVERED = (
    "s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'"
    " AND s.removed_at IS NULL"
)
IS_COMMITTED = "o.status = 'ORDER_LOCKED' AND o.removed_at IS NULL AND NOT o.is_dropship"
# Receipts name the product, not the line: the first line of a product is filled first, and what
# came beyond the order stands at the last one.
LINES = (
    "WITH receipt AS (SELECT s.order_url, l.product_url, greatest(sum(l.units), 0) AS units"
    " FROM core.shipment s JOIN core.shipment_line l USING (shipment_url)"
    f" WHERE s.order_url IN (SELECT order_url FROM touched_order) AND {DELIVERED} GROUP BY 1, 2),"
    " line AS (SELECT l.order_url, l.position, greatest(l.quantity_units, 0) AS units,"
    f" {IS_COMMITTED} AS is_committed, o.due_on, coalesce(r.units, 0) AS came,"
    " sum(greatest(l.quantity_units, 0)) OVER (PARTITION BY l.order_url, l.product_url"
    " ORDER BY l.position) AS until, row_number() OVER (PARTITION BY l.order_url, l.product_url"
    " ORDER BY l.position DESC) = 1 AS is_last"
    " FROM core.purchase_order_line l JOIN core.purchase_order o USING (order_url)"
    " LEFT JOIN receipt r ON r.order_url = l.order_url AND r.product_url = l.product_url"
    " WHERE l.order_url IN (SELECT order_url FROM touched_order)),"
    " filled AS (SELECT order_url, position, due_on, units, is_committed, CASE WHEN is_last"
    " THEN greatest(came - until + units, 0)"
    " ELSE least(greatest(came - until + units, 0), units) END AS received FROM line),"
    " wanted AS (SELECT order_url, position, due_on, received,"
    " CASE WHEN is_committed THEN greatest(units - received, 0) ELSE 0 END AS open FROM filled)"
    " UPDATE core.purchase_order_line l SET received_units = w.received, open_units = w.open,"
    " due_on = w.due_on FROM wanted w WHERE w.order_url = l.order_url AND w.position = l.position"
    " AND (l.received_units, l.open_units, l.due_on)"
    " IS DISTINCT FROM (w.received, w.open, w.due_on)"
)
# An order whose lines were not read yet is open as long as nothing came.
HEADERS = (
    "UPDATE core.purchase_order o SET is_open = n.is_open, received_on = n.received_on,"
    " vendor_url = n.vendor_url FROM (SELECT o.order_url, r.received_on,"
    f" {IS_COMMITTED} AND CASE WHEN o.lines_updated_at IS NULL THEN r.order_url IS NULL ELSE EXISTS"
    " (SELECT FROM core.purchase_order_line l WHERE l.order_url = o.order_url AND l.open_units > 0)"
    " END AS is_open,"
    " (SELECT min(v.vendor_url) FROM core.vendor v WHERE v.vendor_id = o.vendor_id) AS vendor_url"
    " FROM core.purchase_order o LEFT JOIN (SELECT s.order_url, max(s.received_on) AS received_on"
    f" FROM core.shipment s WHERE s.order_url IN (SELECT order_url FROM touched_order)"
    f" AND {DELIVERED} GROUP BY 1) r USING (order_url)"
    " WHERE o.order_url IN (SELECT order_url FROM touched_order)"
    " OR o.vendor_url IS NULL AND o.vendor_id IS NOT NULL) n WHERE n.order_url = o.order_url"
    " AND (o.is_open, o.received_on, o.vendor_url)"
    " IS DISTINCT FROM (n.is_open, n.received_on, n.vendor_url)"
)
