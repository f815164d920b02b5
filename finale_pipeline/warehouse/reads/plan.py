"""The purchase plan: orders with their lines, what was dropped, earlier edits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from finale_pipeline.warehouse.connect import Connection, Row

HINT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a day.

    Attributes:
        day: It is of; None = no day was planned yet.
        orders: To place, each with its `order_lines`, the most urgent first; what has no
            supplier comes last.
    """

    day: date | None
    orders: list[Row]
    dropped: list[Row]


def newest_day(connection: Connection) -> date | None:
    """Return the newest day that was planned, whether it orders something or not."""
    return connection.scalar(date, "SELECT snapshot_on FROM plan.newest")


def purchase_plan(connection: Connection, day: date | None, vendor: str | None) -> Plan:
    """Return the plan of a day, with what buyers changed.

    Args:
        day: None = the newest.
        vendor: Name of the only one to return; None = all.
    """
    day = day or newest_day(connection)
    orders = _of_day(connection, "mart.purchase_plan", "vendor, vendor_url", day, vendor)
    lines: dict[str, list[Row]] = {order["vendor_url"]: [] for order in orders}
    for line in _of_day(connection, "mart.purchase_plan_line", "sku, product_url", day, vendor):
        lines[line["vendor_url"]].append(line)
    with_lines = [order | {"order_lines": lines[order["vendor_url"]]} for order in orders]
    dropped = _of_day(connection, "mart.purchase_plan_dropped", "vendor, sku", day, vendor)
    return Plan(day, with_lines, dropped)


LINES = """
SELECT * FROM plan.purchase_line
WHERE snapshot_on = %(day)s AND (%(vendor)s::text IS NULL OR vendor_url = %(vendor)s)
  AND (%(dropped)s::boolean IS NULL OR is_dropped = %(dropped)s)
ORDER BY vendor_url, must_order_by_on NULLS LAST, sku, product_url
"""
SUMS = """
SELECT vendor_url, currency,
       count(*) FILTER (WHERE is_dropped) AS dropped, sum(line_total) FILTER (WHERE NOT is_dropped)
           AS total, coalesce(sum(money_at_risk) FILTER (WHERE NOT is_dropped), 0) AS at_risk,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY cover_after_days)
           FILTER (WHERE NOT is_dropped) AS cover_days,
       mode() WITHIN GROUP (ORDER BY ARRAY[stated_lead_time_days, lead_time_days])
           FILTER (WHERE NOT is_dropped) AS lead_days
FROM plan.purchase_line
WHERE snapshot_on = %(day)s AND (%(vendor)s::text IS NULL OR vendor_url = %(vendor)s)
GROUP BY GROUPING SETS ((vendor_url), (vendor_url, currency)) ORDER BY GROUPING(currency) DESC
"""


def lines(
    connection: Connection,
    day: date | None,
    vendor_url: str | None = None,
    *,
    is_dropped: bool | None = None,
) -> list[Row]:
    """Return the lines of a day's plan with what they rest on, dropped ones too.

    Args:
        day: Of the plan.
        vendor_url: Only of this one; empty = those without a supplier.
        is_dropped: Only those that were dropped, or only those that were not; None = both.
    """
    return connection.rows(LINES, day=day, vendor=vendor_url, dropped=is_dropped)


def sums(
    connection: Connection, day: date | None, vendor_url: str | None = None
) -> dict[str, list[Row]]:
    """Return what the lines of each vendor come to, by vendor_url: in all, then per currency.

    `lead_days` is the pair of stated and used lead time that most of its lines have.
    """
    of_vendor: dict[str, list[Row]] = {}
    for row in connection.rows(SUMS, day=day, vendor=vendor_url):
        of_vendor.setdefault(row["vendor_url"], []).append(row)
    return of_vendor


def orders_of(connection: Connection, day: date | None, vendor_url: str | None = None) -> list[Row]:
    """Return the orders of a day's plan without their lines, the most urgent first."""
    return connection.rows(
        "SELECT * FROM mart.purchase_plan WHERE snapshot_on = %(day)s"
        " AND (%(vendor)s::text IS NULL OR vendor_url = %(vendor)s)"
        " ORDER BY vendor_url <> '', must_order_by_on NULLS LAST, vendor, vendor_url",
        day=day, vendor=vendor_url,
    )  # fmt: skip


def vendor_totals(connection: Connection, day: date | None) -> list[Row]:
    """Return what a day's plan costs per vendor and currency; no total = no price is known."""
    return connection.rows(
        "SELECT vendor_url, currency, count(*) AS lines, sum(quantity_units) AS units,"
        " sum(line_total) AS total FROM plan.purchase_line"
        " WHERE snapshot_on = %s AND NOT is_dropped AND quantity_units > 0 GROUP BY 1, 2",
        day,
    )


def _of_day(
    connection: Connection, view: str, order: str, day: date | None, vendor: str | None
) -> list[Row]:
    return connection.rows(
        f"SELECT * FROM {view} WHERE snapshot_on = %(day)s"
        " AND (%(vendor)s::text IS NULL OR vendor = %(vendor)s)"
        f" ORDER BY vendor_url = '', must_order_by_on NULLS LAST, {order}",
        day=day, vendor=vendor,
    )  # fmt: skip


def earlier_edits(connection: Connection, day: date | None) -> dict[tuple[str, str], Row]:
    """Return the last edit of each line in the week before a day, by vendor and product."""
    if day is None:
        return {}
    rows = connection.rows(
        "SELECT DISTINCT ON (vendor_url, product_url) vendor_url, product_url, snapshot_on,"
        " quantity_units, unit_cost, is_dropped, suggested_units, edited_by, note"
        " FROM mart.purchase_plan_edit WHERE snapshot_on < %(day)s AND snapshot_on >= %(since)s"
        " ORDER BY vendor_url, product_url, edit_id DESC",
        day=day, since=day - timedelta(days=HINT_DAYS),
    )  # fmt: skip
    return {(row["vendor_url"], row["product_url"]): row for row in rows}


def edits_without_line(connection: Connection, day: date | None) -> list[Row]:
    """Return products that were edited on a day and that its plan no longer suggests."""
    return connection.rows(
        "SELECT product_url, sku, vendor FROM (SELECT DISTINCT ON (vendor_url, product_url) *"
        " FROM mart.purchase_plan_edit WHERE snapshot_on = %(day)s"
        " ORDER BY vendor_url, product_url, edit_id DESC) e"
        " WHERE (is_dropped OR quantity_units IS NOT NULL OR unit_cost IS NOT NULL)"
        " AND snapshot_on = %(day)s AND NOT EXISTS (SELECT FROM plan.purchase_order_draft_line l"
        " WHERE (l.snapshot_on, l.vendor_url, l.product_url)"
        " = (e.snapshot_on, e.vendor_url, e.product_url)) ORDER BY sku LIMIT 50",
        day=day,
    )


def day_totals(connection: Connection, *, most: int) -> list[Row]:
    """Return what the newest days' plans came to, the oldest first; at most so many days back."""
    return connection.rows(
        "SELECT * FROM plan.day_total"
        " WHERE products > 0"
        " AND snapshot_on > (SELECT max(snapshot_on) FROM plan.day_total) - %s ORDER BY 1",
        most,
    )


def planned(connection: Connection, products: Sequence[str]) -> dict[str, Row]:
    """Return what the newest plan orders of products, as buyers left it, by product_url.

    A product that is not in the plan has no row; `is_dropped` = in it, and not to be ordered.
    """
    rows = connection.rows(
        "SELECT product_url, sum(quantity_units) FILTER (WHERE NOT is_dropped) AS quantity_units,"
        " sum(suggested_units) AS suggested_units, bool_and(is_dropped) AS is_dropped,"
        " string_agg(DISTINCT edited_by, ', ') FILTER (WHERE is_edited) AS edited_by"
        " FROM plan.purchase_line WHERE product_url = ANY (%(products)s)"
        " AND snapshot_on = (SELECT snapshot_on FROM plan.newest) GROUP BY product_url",
        products=list(products),
    )
    return {row["product_url"]: row for row in rows}
