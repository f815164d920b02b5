"""Changes of many lines of a plan at one stroke: begun, filled by edits, taken back."""

from collections.abc import Iterable
from datetime import date, datetime

from finale_pipeline.warehouse.connect import Connection, Row

ADD_LINE = """
INSERT INTO plan.purchase_order_draft_line (snapshot_on, vendor_url, product_url, sku, vendor_sku,
    quantity_units, unit_cost, currency, arrival_on, stockout_on, must_order_by_on,
    cover_after_days, urgency, needs_data, why, changed_at, row_hash)
VALUES (%(snapshot_on)s, %(vendor_url)s, %(product_url)s, %(sku)s, %(vendor_sku)s, 0, %(unit_cost)s,
    %(currency)s, %(arrival_on)s, %(stockout_on)s, %(must_order_by_on)s, %(cover_now_days)s, 'soon',
    '{}', %(why)s, %(now)s, 0)
ON CONFLICT DO NOTHING
"""
"""A line that the plan does not suggest: its suggestion is 0, what is ordered is an edit."""
TO_RESTORE = """
SELECT e.vendor_url, e.product_url, p.quantity_units, p.unit_cost,
       coalesce(p.is_dropped, false) AS is_dropped
FROM plan.purchase_order_edit e
LEFT JOIN LATERAL (
    SELECT * FROM plan.purchase_order_edit p
    WHERE p.vendor_url = e.vendor_url AND p.product_url = e.product_url AND p.edit_id < e.edit_id
      AND (p.snapshot_on = e.snapshot_on OR p.is_standing AND p.snapshot_on < e.snapshot_on)
    ORDER BY p.snapshot_on = e.snapshot_on DESC, p.edit_id DESC LIMIT 1
) p ON true
WHERE e.change_id = %s AND NOT EXISTS (
    SELECT FROM plan.purchase_order_edit n WHERE n.edit_id > e.edit_id
      AND (n.snapshot_on, n.vendor_url, n.product_url)
        = (e.snapshot_on, e.vendor_url, e.product_url))
ORDER BY e.vendor_url, e.product_url
"""
"""What each line was before, where nobody changed it since."""


def begin(connection: Connection, day: date, kind: str, *, actor: str, now: datetime) -> int:
    """Note that a change begins and return its number."""
    return connection.count(
        "INSERT INTO plan.plan_change (snapshot_on, kind, made_by, made_at)"
        " VALUES (%s, %s, %s, %s) RETURNING change_id",
        day,
        kind,
        actor,
        now,
    )


def add_lines(connection: Connection, lines: Iterable[Row]) -> None:
    """Add lines that the plan does not suggest."""
    with connection.cursor() as cursor:
        cursor.executemany(ADD_LINE, list(lines))


def of(connection: Connection, change_id: int) -> Row | None:
    """Return a change with how many lines it moved."""
    return connection.row(
        "SELECT c.*, (SELECT count(*) FROM plan.purchase_order_edit e"
        " WHERE e.change_id = c.change_id) AS lines FROM plan.plan_change c WHERE change_id = %s",
        change_id,
    )


def take_back(connection: Connection, change_id: int, *, actor: str, now: datetime) -> list[Row]:
    """Note that a change is undone and return its lines as they were; empty = it was before."""
    updated = connection.execute(
        "UPDATE plan.plan_change SET undone_by = %s, undone_at = %s"
        " WHERE change_id = %s AND undone_at IS NULL",
        (actor, now, change_id),
    )
    return connection.rows(TO_RESTORE, change_id) if updated.rowcount else []


def remove_added(connection: Connection, day: date) -> None:
    """Remove lines that were added and of which nothing is ordered any more."""
    connection.execute(
        "DELETE FROM plan.purchase_order_draft_line l USING plan.purchase_line v"
        " WHERE l.snapshot_on = %(day)s AND l.row_hash = 0 AND l.quantity_units = 0"
        " AND (v.snapshot_on, v.vendor_url, v.product_url)"
        " = (l.snapshot_on, l.vendor_url, l.product_url) AND NOT v.is_edited",
        {"day": day},
    )
