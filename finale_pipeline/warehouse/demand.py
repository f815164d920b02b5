"""Demand per product and business day: summed again for what changed shipments touch."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from finale_pipeline.clock import midnights
from finale_pipeline.warehouse.connect import Connection, trusted
from finale_pipeline.warehouse.store import Counts

TABLE = "core.sales_daily"
COLLECTED = "SELECT shipment_url FROM changed_shipment"
"""Query of the shipments that `begin` collected in this transaction."""


def shipments_of(orders: str) -> str:
    """Return the query of the shipments of orders that another query returns."""
    return f"SELECT shipment_url FROM core.shipment WHERE order_url IN ({orders})"


def begin(connection: Connection, shipments: str, values: Sequence[object] = ()) -> None:
    """Collect shipments that are about to change, and the days on which they count now.

    Args:
        connection: Whose transaction makes the change.
    """
    connection.execute("DROP TABLE IF EXISTS pg_temp.changed_shipment, pg_temp.touched_sale")
    connection.execute(
        trusted(
            "CREATE TEMP TABLE changed_shipment (shipment_url text PRIMARY KEY) ON COMMIT DROP;"
            " CREATE TEMP TABLE touched_sale (product_url text, sold_on date) ON COMMIT DROP"
        )
    )
    connection.execute(
        trusted(f"INSERT INTO changed_shipment SELECT DISTINCT u.* FROM ({shipments}) u"),
        tuple(values),
    )
    connection.execute("ANALYZE changed_shipment")
    connection.execute(TOUCH)


def refresh(connection: Connection, *, now: datetime) -> Counts:
    """Date the collected shipments anew, and sum the days they counted or count on.

    Returns:
        What happened to core.sales_daily.
    """
    connection.execute(DATE)
    connection.execute(TOUCH)
    connection.execute("ANALYZE touched_sale")
    days, inserted, updated, removed = connection.only_row(REFRESH, now=now)
    return Counts(days, inserted, updated, days - inserted - updated, removed)


def redate(connection: Connection, zone: str, *, now: datetime) -> Counts:
    """Reckon every business day anew, in another time zone.

    Returns:
        What happened to core.sales_daily.
    """
    # By our own rules of zones, as days are reckoned when they are read: the server's may differ.
    until = now.date() + timedelta(days=366 * YEARS_AHEAD)
    values = {"first": FIRST_DAY, "midnights": midnights(FIRST_DAY, until, ZoneInfo(zone))}
    for statement in REDATE:
        connection.execute(trusted(statement), values)
    begin(connection, "SELECT shipment_url FROM core.shipment")
    return refresh(connection, now=now)


def net_returns(connection: Connection, *, now: datetime) -> None:
    """Take off each day's sales what of them came back to stock; never more than was sold.

    Args:
        connection: Whose transaction makes the change, after `refresh`.
        now: UTC.
    """
    connection.execute(NET_RETURNS, {"now": now})


# Finale's dropship orders are called after the sales order: 23248727-SF1-DropshipPO.
DROPSHIPPED = """
SELECT DISTINCT o.order_url, l.product_url
FROM core.purchase_order d
JOIN core.purchase_order_line l ON l.order_url = d.order_url
JOIN core.sales_order o
    ON o.order_id = regexp_replace(d.order_id, '(-S[A-Z]*[0-9]*)?-DropshipPO$', '')
WHERE d.is_dropship AND d.removed_at IS NULL AND d.status <> 'ORDER_CANCELLED'
"""
TOUCH = (
    "INSERT INTO touched_sale SELECT DISTINCT l.product_url, s.sold_on FROM changed_shipment c"
    " JOIN core.shipment s USING (shipment_url) JOIN core.shipment_line l USING (shipment_url)"
    " WHERE s.sold_on IS NOT NULL AND l.product_url IS NOT NULL"
)
# Goods that left count even when someone put the order back to draft; goods that did not leave yet
# count once their order is committed, for customers asked for them. A cancelled order never does.
DATE = (
    "UPDATE core.shipment s SET sold_on = n.sold_on, dated_by = n.dated_by FROM"
    " (SELECT shipment_url, CASE WHEN counts THEN coalesce(ordered_on, shipped_on) END AS sold_on,"
    " CASE WHEN counts AND ordered_on IS NOT NULL THEN 'order'"
    " WHEN counts AND shipped_on IS NOT NULL THEN 'shipment' END AS dated_by"
    " FROM (SELECT s.shipment_url, s.shipped_on, o.ordered_on,"
    " s.removed_at IS NULL AND s.shipment_type IN ('SALES_SHIPMENT', 'SALES_ORDER_LINES')"
    " AND s.return_url IS NULL"
    " AND s.status <> 'SHIPMENT_CANCELLED' AND o.status IS DISTINCT FROM 'ORDER_CANCELLED'"
    " AND (s.status IN ('SHIPMENT_SHIPPED', 'SHIPMENT_DELIVERED')"
    " OR coalesce(o.status IN ('ORDER_LOCKED', 'ORDER_COMPLETED'), false)) AS counts"
    " FROM changed_shipment c JOIN core.shipment s USING (shipment_url)"
    " LEFT JOIN core.sales_order o ON o.order_url = s.order_url AND o.removed_at IS NULL) f) n"
    " WHERE n.shipment_url = s.shipment_url"
    " AND (s.sold_on, s.dated_by) IS DISTINCT FROM (n.sold_on, n.dated_by)"
)
# Corrections lower what the same order asked for, down to nothing; never another order's.
REFRESH = (
    "WITH pair AS (SELECT DISTINCT product_url, sold_on FROM touched_sale),"
    f" dropshipped AS MATERIALIZED ({DROPSHIPPED}),"
    " asked AS (SELECT l.product_url, s.sold_on, s.dated_by,"
    " coalesce(s.order_url, s.shipment_url) AS document, greatest(sum(l.units), 0) AS units"
    " FROM core.shipment s JOIN core.shipment_line l USING (shipment_url)"
    " JOIN pair p ON p.product_url = l.product_url AND p.sold_on = s.sold_on"
    " WHERE s.sold_on IN (SELECT sold_on FROM pair)"
    " AND NOT EXISTS (SELECT FROM dropshipped v"
    " WHERE v.order_url = s.order_url AND v.product_url = l.product_url)"
    " GROUP BY 1, 2, 3, 4),"
    " day AS (SELECT product_url, sold_on, sum(units) AS units,"
    " count(*) FILTER (WHERE units > 0) AS orders,"
    " CASE WHEN count(DISTINCT dated_by) = 1 THEN min(dated_by) ELSE 'both' END AS dated_by,"
    " coalesce(sum(units) FILTER (WHERE dated_by = 'shipment'), 0) AS units_by_ship_date"
    " FROM asked WHERE units > 0 GROUP BY 1, 2),"
    " written AS (INSERT INTO core.sales_daily AS d"
    " (product_url, sold_on, units, orders, dated_by, units_by_ship_date, changed_at)"
    " SELECT *, %(now)s FROM day ON CONFLICT (product_url, sold_on) DO UPDATE SET"
    " units = excluded.units, orders = excluded.orders, dated_by = excluded.dated_by,"
    " units_by_ship_date = excluded.units_by_ship_date, changed_at = excluded.changed_at"
    " WHERE (d.units, d.orders, d.dated_by, d.units_by_ship_date) IS DISTINCT FROM"
    " (excluded.units, excluded.orders, excluded.dated_by, excluded.units_by_ship_date)"
    " RETURNING xmax = 0 AS is_new),"
    " gone AS (DELETE FROM core.sales_daily d USING pair p"
    " WHERE d.product_url = p.product_url AND d.sold_on = p.sold_on AND NOT EXISTS"
    " (SELECT FROM day n WHERE n.product_url = d.product_url AND n.sold_on = d.sold_on)"
    " RETURNING 1)"
    " SELECT (SELECT count(*) FROM day), count(*) FILTER (WHERE is_new),"
    " count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM gone) FROM written"
)
NET_RETURNS = """
WITH back AS (
    SELECT product_url, counts_on AS sold_on, sum(units) AS units
    FROM core.sales_return GROUP BY 1, 2
), known AS (  -- found by keys and by a partial index: sales of years are not looked through
    SELECT product_url, sold_on FROM back
    UNION SELECT product_url, sold_on FROM core.sales_daily WHERE returned_units <> 0
)
UPDATE core.sales_daily d SET returned_units = n.units, changed_at = %(now)s
FROM (
    SELECT d.product_url, d.sold_on, least(coalesce(b.units, 0), d.units) AS units
    FROM known JOIN core.sales_daily d USING (product_url, sold_on)
    LEFT JOIN back b USING (product_url, sold_on)
) n
WHERE n.product_url = d.product_url AND n.sold_on = d.sold_on AND n.units <> d.returned_units
"""
FIRST_DAY = date(1990, 1, 1)
YEARS_AHEAD = 30
"""Days between are reckoned; what is stamped outside of them counts on the first or the last."""


def _day(stamp: str) -> str:
    return f"%(first)s::date + width_bucket({stamp}, %(midnights)s::timestamptz[]) - 1"


REDATE = (
    f"UPDATE core.sales_order SET ordered_on = {_day('ordered_at')}",
    f"UPDATE core.shipment SET shipped_on = {_day('coalesce(shipped_at, created_at)')},"
    f" received_on = {_day('received_at')}",
    f"UPDATE core.purchase_order SET ordered_on = {_day('ordered_at')}, due_on = {_day('due_at')}",
)
