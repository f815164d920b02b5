"""The buyer's list: every item that is out or low, with what is planned and decided of it."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, Row, rows_of
from finale_pipeline.warehouse.reads.incidents import MOST_URGENT, WANTS_DECISION

LISTED = f"""
c.product_url, p.sku, p.name, p.category, c.level, c.available_units, c.days_left, c.money_at_risk,
       x.next_due_on AS due_on, d.abc_class || d.xyz_class AS class,
       coalesce(d.demand_flags || x.decision_flags, '{{}}') AS flags,
       CASE WHEN l.vendor_url <> '' THEN l.vendor WHEN x.vendor_url IS NOT NULL THEN v.name
            ELSE c.vendor_name END AS vendor,
       CASE WHEN l.is_dropped THEN 0 ELSE coalesce(l.quantity_units, c.suggested_units) END
           AS order_units,
       CASE WHEN NOT l.is_dropped THEN l.line_total END AS order_total,
       {WANTS_DECISION} AS wants_decision
"""
"""What items are chosen, sorted and counted by: read of all of them."""
SHOWN = """
c.product_url, c.on_order_units, x.next_due_units AS due_units, x.overdue_units,
       d.velocity_units_per_day AS units_per_day,
       coalesce(l.vendor_url, x.vendor_url, c.vendor_url, '') AS vendor_url,
       coalesce(l.suggested_units, c.suggested_units) AS suggested_units, l.currency,
       coalesce(l.is_dropped, false) AS is_dropped, i.incident_id,
       coalesce(i.state, 'open') AS incident_state, i.decided_by, i.decided_at, i.snoozed_until,
       i.note, c.why
"""
"""What else a page shows of an item: read of those on the page."""


def _items(columns: str, line: str = "", item: str = "") -> str:
    """Return the statement of items; `line` and `item` are conditions of a plan's and theirs."""
    return f"""
SELECT {columns} FROM plan.critical_item c
JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
JOIN core.product p USING (product_url)
LEFT JOIN plan.decision x ON x.product_url = c.product_url AND x.snapshot_on = %(day)s
LEFT JOIN plan.demand d ON d.product_url = c.product_url AND d.snapshot_on = %(day)s
LEFT JOIN core.vendor v ON v.vendor_url = x.vendor_url
LEFT JOIN (
    SELECT DISTINCT ON (product_url) * FROM plan.purchase_line WHERE snapshot_on = %(day)s {line}
    ORDER BY product_url, is_dropped, quantity_units DESC
) l ON l.product_url = c.product_url
LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL
{item}"""


ITEMS = (
    f"SELECT * FROM ({_items(LISTED)}) t WHERE wants_decision OR NOT %(only_waiting)s"
    f" ORDER BY {MOST_URGENT}"
)
COUNTS = f"""
SELECT count(*) FILTER (WHERE c.level = 'out') AS out,
       count(*) FILTER (WHERE c.level <> 'out') AS low,
       count(*) FILTER (WHERE NOT ({WANTS_DECISION})) AS decided
FROM plan.critical_item c
JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL
"""
DETAILS = _items(
    SHOWN, "AND product_url = ANY (%(products)s)", "WHERE c.product_url = ANY (%(products)s)"
)
LOCATIONS = """
SELECT f.facility_url, f.name FROM core.facility f
WHERE f.parent_url IS NULL AND f.removed_at IS NULL AND f.name <> '' ORDER BY f.name
"""
AT = """
SELECT product_url FROM plan.forecast_by_location
WHERE snapshot_on = %(day)s AND location_url = %(place)s
UNION SELECT product_url FROM core.stock_level_by_location WHERE location_url = %(place)s
"""
LATE = """
SELECT count(*) AS orders, coalesce(sum(l.open_units), 0) AS units,
       min(o.due_on) AS since_on
FROM core.purchase_order o
LEFT JOIN LATERAL (SELECT sum(open_units) AS open_units FROM core.purchase_order_line l
                   WHERE l.order_url = o.order_url) l ON true
WHERE o.is_open AND o.removed_at IS NULL AND o.due_on < %s
"""


def items(
    connection: Connection, day: date | None, now: datetime, *, only_waiting: bool = False
) -> list[Row]:
    """Return what every item that is out or low is listed by, the most urgent first.

    Args:
        day: Of the newest plan; None = there is none yet.
        now: UTC; a snooze that is over by then is no decision any more.
        only_waiting: Only of those that want a decision.
    """
    return rows_of(connection, ITEMS, day=day, now=now, only_waiting=only_waiting)


def counts(connection: Connection, now: datetime) -> Row:
    """Return how many items are `out` or `low`, and of them `decided`."""
    return rows_of(connection, COUNTS, now=now)[0]


def details(connection: Connection, day: date | None, products: Sequence[str]) -> dict[str, Row]:
    """Return what a page shows of some items beside what they are listed by, by product_url."""
    rows = rows_of(connection, DETAILS, day=day, products=list(products))
    return {row["product_url"]: row for row in rows}


def locations(connection: Connection) -> list[Row]:
    """Return the locations, by name."""
    return rows_of(connection, LOCATIONS)


def products_at(connection: Connection, day: date | None, location: str) -> Collection[str]:
    """Return the products that lie, sell or are reordered at a location, named by its address."""
    return {row["product_url"] for row in rows_of(connection, AT, day=day, place=location)}


def late_orders(connection: Connection, today: date) -> Row:
    """Return how many open orders should have come before today, and their open units."""
    return rows_of(connection, LATE, today)[0]


def account_currency(connection: Connection) -> str | None:
    """Return the currency of all known prices; None = there are several, or none.

    Finale does not say which currency costs are in; where every price has the same one, it is that.
    """
    rows = rows_of(
        connection,
        "SELECT DISTINCT currency FROM core.product_supplier WHERE currency IS NOT NULL LIMIT 2",
    )
    return rows[0]["currency"] if len(rows) == 1 else None


def views(connection: Connection, actor: str) -> list[Row]:
    """Return the views that somebody keeps, by name."""
    return rows_of(
        connection, "SELECT name, query FROM ops.saved_view WHERE kept_by = %s ORDER BY name", actor
    )


ARRIVALS = """
SELECT o.order_url, o.order_id, o.vendor_url, o.vendor, o.destination, o.ordered_on, o.due_on,
       %(today)s - o.due_on AS days_late, o.lines, o.open_units, o.total
FROM mart.purchase_order o
WHERE o.is_open AND (o.due_on < %(today)s OR NOT %(late)s)
ORDER BY o.due_on NULLS LAST, o.order_id LIMIT 500
"""


def open_orders(connection: Connection, today: date, *, only_late: bool) -> list[Row]:
    """Return purchase orders with something still to come, the longest overdue first."""
    return rows_of(connection, ARRIVALS, today=today, late=only_late)
