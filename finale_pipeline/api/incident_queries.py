"""What the pages show of items that are out or low: who decided what, what the plan orders."""

from collections.abc import Sequence
from datetime import datetime

from finale_pipeline.api.queries import Row, first
from finale_pipeline.warehouse.connect import Connection, rows_of

DECIDED = "i.incident_id, i.decided_by, i.decided_at, i.snoozed_until, i.note"
WANTS_DECISION = (
    "coalesce(i.state, 'open') = 'open' OR i.state = 'snoozed' AND i.snoozed_until <= %(now)s"
)
"""A snooze that is over is no decision any more."""


def critical(connection: Connection, now: datetime) -> list[Row]:
    """Return every critical item once, with what was decided of it, the most urgent first."""
    return rows_of(
        connection,
        f"SELECT s.*, {DECIDED}, {WANTS_DECISION} AS wants_decision FROM mart.low_stock s"
        " LEFT JOIN ops.incident i ON i.subject = s.product_url AND i.closed_at IS NULL"
        " ORDER BY s.level = 'out' DESC, s.days_left NULLS LAST, s.money_at_risk DESC NULLS LAST,"
        " s.sku, s.product_url",
        now=now,
    )


def incident(connection: Connection, product_url: str, now: datetime) -> Row | None:
    """Return a product's open incident, named as in the list of critical items."""
    return first(
        connection,
        f"SELECT i.subject AS product_url, p.sku, i.level, i.state AS incident_state, {DECIDED},"
        f" {WANTS_DECISION} AS wants_decision FROM ops.incident i"
        " JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.subject = %(url)s AND i.closed_at IS NULL",
        url=product_url, now=now,
    )  # fmt: skip


def planned(connection: Connection, products: Sequence[str]) -> dict[str, Row]:
    """Return what the newest plan orders of products, as buyers left it, by product_url.

    A product that is not in the plan has no row; `is_dropped` = in it, and not to be ordered.
    """
    found = rows_of(
        connection,
        "SELECT product_url, sum(quantity_units) FILTER (WHERE NOT is_dropped) AS quantity_units,"
        " sum(suggested_units) AS suggested_units, bool_and(is_dropped) AS is_dropped,"
        " string_agg(DISTINCT edited_by, ', ') FILTER (WHERE is_edited) AS edited_by"
        " FROM plan.purchase_line WHERE product_url = ANY (%(products)s)"
        " AND snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast) GROUP BY product_url",
        products=list(products),
    )
    return {row["product_url"]: row for row in found}
