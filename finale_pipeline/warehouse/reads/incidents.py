"""Items that are out or low, what was decided of them, and what crossed lately."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection, Row, count_of, row_of, rows_of
from finale_pipeline.warehouse.reads.listing import Listing

INCIDENTS = Listing(
    name="incidents",
    query="SELECT i.*, s.available_units, s.threshold_units, s.suggested_units, s.days_left,"
    " s.money_at_risk, s.vendor_name, s.why FROM mart.incident i"
    " LEFT JOIN mart.low_stock s ON s.product_url = i.subject AND i.closed_at IS NULL",
    key=("incident_id", "bigint"),
    sorts={
        "opened_at": "timestamptz", "sku": "text", "days_left": "numeric",
        "money_at_risk": "numeric",
    },
    order="-opened_at",
    filters={
        "state": "state = %(state)s",
        "level": "level = %(level)s",
        "is_open": "(closed_at IS NULL) = %(is_open)s",
        "sku": "sku = %(sku)s",
    },
)  # fmt: skip
DECIDED = "i.incident_id, i.decided_by, i.decided_at, i.snoozed_until, i.note"
WANTS_DECISION = (
    "coalesce(i.state, 'open') = 'open' OR i.state = 'snoozed' AND i.snoozed_until <= %(now)s"
)
"""A snooze that is over is no decision any more."""


def critical(connection: Connection) -> list[Row]:
    """Return every critical item once, the most urgent first."""
    return rows_of(
        connection,
        "SELECT * FROM mart.low_stock ORDER BY level = 'out' DESC, days_left NULLS LAST,"
        " money_at_risk DESC NULLS LAST, sku, product_url",
    )


def critical_with_decisions(connection: Connection, now: datetime) -> list[Row]:
    """Return every critical item once, with what was decided of it, the most urgent first."""
    return rows_of(
        connection,
        f"SELECT s.*, {DECIDED}, {WANTS_DECISION} AS wants_decision FROM mart.low_stock s"
        " LEFT JOIN ops.incident i ON i.subject = s.product_url AND i.closed_at IS NULL"
        " ORDER BY s.level = 'out' DESC, s.days_left NULLS LAST, s.money_at_risk DESC NULLS LAST,"
        " s.sku, s.product_url",
        now=now,
    )


def open_of(connection: Connection, product_url: str, now: datetime) -> Row | None:
    """Return a product's open incident, named as in the list of critical items."""
    return row_of(
        connection,
        f"SELECT i.subject AS product_url, p.sku, i.level, i.state AS incident_state, {DECIDED},"
        f" {WANTS_DECISION} AS wants_decision FROM ops.incident i"
        " JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.subject = %(url)s AND i.closed_at IS NULL",
        url=product_url, now=now,
    )  # fmt: skip


def open_subject(connection: Connection, incident_id: int) -> str | None:
    """Return the product_url of an open incident about a product."""
    found = row_of(
        connection,
        "SELECT i.subject FROM ops.incident i JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.incident_id = %(number)s AND i.closed_at IS NULL",
        number=incident_id,
    )
    return str(found["subject"]) if found else None


def changes(connection: Connection, since: datetime) -> list[Row]:
    """Return crossings and decisions since a moment, newest first."""
    return rows_of(
        connection,
        "SELECT happened_at, kind, from_level, to_level, sku, name, subject, actor, no_mail"
        " FROM mart.alert_history WHERE happened_at >= %(since)s ORDER BY event_id DESC LIMIT 100",
        since=since,
    )


def changes_count(connection: Connection, since: datetime) -> int:
    """Return how many crossings and decisions there were since a moment."""
    return count_of(
        connection, "SELECT count(*) FROM ops.incident_event WHERE happened_at >= %s", since
    )
