"""Completed sales orders of which no shipment moved: their lines stand in for one."""

from collections.abc import Sequence
from datetime import date, datetime

from finale_pipeline.warehouse import demand
from finale_pipeline.warehouse.connect import Connection

LINES = "SALES_ORDER_LINES"


def orders_to_read(connection: Connection, *, since: date, most: int) -> list[str]:
    """Return completed orders without goods in a shipment, of unread lines, the newest first."""
    return connection.texts(
        f"SELECT o.order_url FROM core.sales_order o WHERE {WITHOUT_GOODS}"
        " AND o.ordered_on >= %s AND o.lines_updated_at IS DISTINCT FROM o.updated_at"
        " ORDER BY o.updated_at DESC, o.order_url LIMIT %s",
        since,
        most,
    )


def note_read(connection: Connection, orders: Sequence[str]) -> None:
    """Note that the present lines of orders were read."""
    connection.execute(
        "UPDATE core.sales_order SET lines_updated_at = updated_at WHERE order_url = ANY (%s)",
        (list(orders),),
    )


def drop_needless(connection: Connection, *, now: datetime) -> None:
    """Take away stand-ins of orders whose goods moved after all, or are not completed now."""
    needless = (
        f"SELECT s.shipment_url FROM core.shipment s WHERE s.shipment_type = '{LINES}'"
        " AND s.removed_at IS NULL AND NOT EXISTS (SELECT FROM core.sales_order o"
        f" WHERE o.order_url = s.order_url AND {WITHOUT_GOODS})"
    )
    demand.begin(connection, needless)
    connection.execute(
        "UPDATE core.shipment SET removed_at = %s, changed_at = %s"
        f" WHERE shipment_url IN ({demand.COLLECTED})",
        (now, now),
    )
    demand.refresh(connection, now=now)


def count(connection: Connection, orders: Sequence[str], *, now: datetime) -> None:
    """Let the demand follow from what stands in for shipments of these orders.

    Lines that a shipment without a known sales order could have brought are not counted: between a
    sales order and its shipments fulfillment orders may stand.
    """
    connection.execute(COVERED, {"orders": list(orders), "now": now})
    demand.begin(
        connection,
        "SELECT shipment_url FROM core.shipment WHERE order_url = ANY (%s)"
        f" AND shipment_type = '{LINES}'",
        (list(orders),),
    )
    demand.refresh(connection, now=now)


WITHOUT_GOODS = """
o.status = 'ORDER_COMPLETED' AND o.removed_at IS NULL AND NOT EXISTS (
    SELECT FROM core.shipment s JOIN core.shipment_line l USING (shipment_url)
    WHERE s.order_url = o.order_url AND s.removed_at IS NULL AND l.units <> 0
      AND s.shipment_type = 'SALES_SHIPMENT' AND s.status <> 'SHIPMENT_CANCELLED')
  AND NOT EXISTS (
    SELECT FROM core.purchase_order d WHERE d.is_dropship
      AND o.order_id = regexp_replace(d.order_id, '(-S[A-Z]*[0-9]*)?-DropshipPO$', ''))
"""
COVERED = """
UPDATE core.shipment s SET removed_at = %(now)s, changed_at = %(now)s
FROM core.sales_order o
WHERE s.order_url = ANY (%(orders)s) AND s.shipment_type = 'SALES_ORDER_LINES'
  AND o.order_url = s.order_url AND EXISTS (
    SELECT FROM core.shipment_line mine
    JOIN core.shipment_line other ON other.product_url = mine.product_url
    JOIN core.shipment t ON t.shipment_url = other.shipment_url
    WHERE mine.shipment_url = s.shipment_url AND t.shipment_type = 'SALES_SHIPMENT'
      AND t.status IN ('SHIPMENT_SHIPPED', 'SHIPMENT_DELIVERED') AND t.removed_at IS NULL
      AND t.shipped_on BETWEEN o.ordered_on AND o.ordered_on + 30
      AND t.order_url IS NOT NULL
      AND NOT EXISTS (SELECT FROM core.sales_order k WHERE k.order_url = t.order_url))
"""
