"""The newest decision about a product with all that it was made from, and points side by side."""

from typing import Any

from finale_pipeline.warehouse.connect import Connection, in_any_case

DECISION = """
SELECT f.*, l.on_hand_units, l.reserved_units, s.read_at, t.reorder_point_units AS buyer_point_units
FROM plan.forecast f
LEFT JOIN core.stock_level l USING (product_url)
LEFT JOIN plan.product_term t USING (product_url)
CROSS JOIN (SELECT max(read_at) AS read_at FROM core.stock_day) s
WHERE f.product_url = %s AND f.snapshot_on = (SELECT snapshot_on FROM plan.newest)
"""
ARRIVALS = """
SELECT o.order_id, coalesce(l.due_on, o.due_on) AS due_on, sum(l.open_units) AS units
FROM core.purchase_order_line l JOIN core.purchase_order o USING (order_url)
WHERE l.product_url = %s AND o.is_open AND l.open_units > 0 AND o.removed_at IS NULL
GROUP BY 1, 2 ORDER BY 2 NULLS LAST, 1
"""
COMPARISON = "SELECT * FROM mart.reorder_point_comparison ORDER BY sku"
DIFFERING = """
SELECT *, count(*) OVER () AS many FROM mart.reorder_point_comparison
WHERE concat_ws(E'\\n', sku, name, vendor) ~ %(text)s
ORDER BY abs(our_point_units - finale_point_units) DESC, sku LIMIT %(rows)s OFFSET %(skip)s
"""


def decision(connection: Connection, product_url: str) -> dict[str, Any] | None:
    """Return the newest decision with its demand and its stock; None = it is not planned."""
    return connection.row(DECISION, product_url)


def arrivals(connection: Connection, product_url: str) -> list[dict[str, Any]]:
    """Return what is on order: order, day, units."""
    return connection.rows(ARRIVALS, product_url)


def point_comparison(connection: Connection) -> list[dict[str, Any]]:
    """Return Finale's reorder point against ours, per product that has both."""
    return connection.rows(COMPARISON)


def differing_points(
    connection: Connection, text: str, *, rows: int, skip: int
) -> list[dict[str, Any]]:
    """Return some of them, those that differ most first; `many` = how many there are.

    Args:
        text: That SKU, name or vendor holds, in whatever case; empty = any.
    """
    return connection.rows(DIFFERING, text=in_any_case(text), rows=rows, skip=skip)
