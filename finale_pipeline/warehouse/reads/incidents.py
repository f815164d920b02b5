"""Items that are out or low, what was decided of them, and what crossed lately."""

from datetime import datetime

from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.outbox import IS_WAITING
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
MOST_URGENT = (
    "level = 'out' DESC, days_left NULLS LAST, money_at_risk DESC NULLS LAST, sku, product_url"
)
"""The one order of items that are out or low: out before low, then by what is left and at stake."""
WANTS_DECISION = (
    "coalesce(i.state, 'open') = 'open' OR i.state = 'snoozed' AND i.snoozed_until <= %(now)s"
)
"""A snooze that is over is no decision any more."""

ITEMS_OF_MAIL = """
SELECT DISTINCT p.sku, p.name, e.subject AS product_url, i.level,
       coalesce(i.state, 'resolved') AS state
FROM ops.incident_event e
JOIN ops.outbox o USING (message_id)
JOIN core.product p ON p.product_url = e.subject
LEFT JOIN ops.incident i ON i.subject = e.subject AND i.closed_at IS NULL
WHERE %s IN (o.message_id, o.merged_into) ORDER BY p.sku
"""
"""The items that a mail is about, as they are now."""

TOLD = f"""
WITH mail AS (
    SELECT * FROM ops.outbox WHERE run_id = %(run_id)s OR sent_at >= %(since)s
       OR {IS_WAITING} OR state = 'dead' AND created_at > %(recent)s
), about AS (
    SELECT e.message_id, e.subject, e.from_level, e.to_level, e.no_mail FROM ops.incident_event e
    WHERE e.from_level <> e.to_level
      AND (e.run_id = %(run_id)s OR e.message_id IN (SELECT message_id FROM mail))
)
SELECT m.message_id, m.kind AS mail, coalesce(m.state, 'no mail') AS state,
       coalesce(array_to_string(m.recipients, ', '), '') AS recipients,
       p.sku, p.name, a.from_level, a.to_level,
       coalesce(m.attempts, 0) AS attempts,
       coalesce(m.last_error, a.no_mail, '') AS remark
FROM mail m FULL JOIN about a ON a.message_id = m.message_id
LEFT JOIN core.product p ON p.product_url = a.subject
ORDER BY m.outbox_id NULLS LAST, p.sku
"""

CROSSINGS = """
SELECT count(*) FROM ops.incident_event WHERE run_id = %s AND from_level <> to_level
"""


def critical(connection: Connection) -> list[Row]:
    """Return every critical item once, the most urgent first."""
    return connection.rows(f"SELECT * FROM mart.low_stock ORDER BY {MOST_URGENT}")


def open_of(connection: Connection, product_url: str, now: datetime) -> Row | None:
    """Return a product's open incident, named as in the list of critical items."""
    return connection.row(
        f"SELECT i.subject AS product_url, p.sku, i.level, i.state AS incident_state,"
        " i.incident_id, i.decided_by, i.decided_at, i.snoozed_until, i.note,"
        f" {WANTS_DECISION} AS wants_decision FROM ops.incident i"
        " JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.subject = %(url)s AND i.closed_at IS NULL",
        url=product_url, now=now,
    )  # fmt: skip


def open_subject(connection: Connection, incident_id: int) -> str | None:
    """Return the product_url of an open incident about a product."""
    return connection.scalar(
        str,
        "SELECT i.subject FROM ops.incident i JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.incident_id = %(number)s AND i.closed_at IS NULL",
        number=incident_id,
    )


def choice(connection: Connection, choice_id: int) -> Row | None:
    """Return what somebody chose about some items, with how many and the name of one."""
    return connection.row(
        "SELECT c.*, count(i.*) AS items, min(p.sku) AS sku FROM ops.choice c"
        " JOIN ops.choice_item b USING (choice_id) JOIN ops.incident i USING (incident_id)"
        " LEFT JOIN core.product p ON p.product_url = i.subject"
        " WHERE c.choice_id = %s GROUP BY c.choice_id",
        choice_id,
    )


CHANGED = (
    "happened_at >= %(since)s AND kind <> 'recorded'"
    " AND (actor IS NOT NULL OR happened_at > (SELECT summary_at FROM ops.evaluation))"
)
"""What was found before people were told what is watched is the first reading, and no change: also
what the first plan makes of it by its reorder points."""


def changes(connection: Connection, since: datetime) -> list[Row]:
    """Return crossings and decisions since a moment, newest first."""
    return connection.rows(
        "SELECT happened_at, kind, from_level, to_level, sku, name, subject, actor, no_mail"
        f" FROM mart.alert_history WHERE {CHANGED} ORDER BY event_id DESC LIMIT 100",
        since=since,
    )


def changes_count(connection: Connection, since: datetime) -> int:
    """Return how many crossings and decisions there were since a moment."""
    return connection.count(f"SELECT count(*) FROM ops.incident_event WHERE {CHANGED}", since=since)


def listed(connection: Connection, *, only_open: bool) -> list[Row]:
    """Return items that are out or low, all or those that nobody decided anything of."""
    return connection.rows(
        "SELECT sku, name, level, incident_state AS state, available_units, threshold_units,"
        " on_order_units, suggested_units, vendor_name, contact, since_at, why, product_url"
        " FROM mart.low_stock WHERE NOT %s OR coalesce(incident_state, 'open') = 'open'"
        f" ORDER BY {MOST_URGENT}",
        only_open,
    )


def of_product(connection: Connection, product_url: str, *, most: int) -> list[Row]:
    """Return a product's incidents, the newest first."""
    query = "SELECT * FROM mart.incident WHERE subject = %s ORDER BY incident_id DESC LIMIT %s"
    return connection.rows(query, product_url, most)


def events_of(connection: Connection, product_url: str, *, most: int) -> list[Row]:
    """Return what happened to a product's level, the newest first."""
    query = "SELECT * FROM mart.alert_history WHERE subject = %s ORDER BY event_id DESC LIMIT %s"
    return connection.rows(query, product_url, most)


def explained(connection: Connection, product_url: str) -> Row | None:
    """Return a product with its stock, its level, and what is said of it."""
    return connection.row(
        "SELECT p.sku, p.name, p.status, p.product_type, p.removed_at, p.is_dropship,"
        " p.keeps_stock, l.on_hand_units,"
        " l.reserved_units, l.available_units, l.on_order_units, k.level, k.told, k.since_at,"
        " k.better_since_at, k.worsenings, k.is_left_out, c.why, c.vendor_name, c.contact"
        " FROM core.product p LEFT JOIN core.stock_level l USING (product_url)"
        " LEFT JOIN ops.item_level k USING (product_url)"
        " LEFT JOIN ops.evaluation e ON true"
        " LEFT JOIN plan.critical_item c ON c.product_url = p.product_url"
        " AND c.snapshot_on = e.snapshot_on WHERE p.product_url = %s",
        product_url,
    )


def evaluation(connection: Connection) -> Row | None:
    """Return the last evaluation of levels; None = there was none."""
    return connection.row("SELECT * FROM ops.evaluation")


ACCOUNT_CURRENCY = (
    "SELECT CASE WHEN min(currency) = max(currency) THEN min(currency) END AS currency"
    " FROM core.product_supplier"
)
"""The currency of all known prices; null = there are several, or none."""
MAIL_LINES = f"""
SELECT p.sku, coalesce(p.name, '') AS name, k.level, l.available_units, l.on_hand_units,
       l.reserved_units, l.on_order_units, c.due_on, k.threshold_units, c.threshold_source,
       c.suggested_units, c.suggested_by, c.days_left, c.money_at_risk, c.vendor_name, c.contact,
       CASE WHEN i.state = 'snoozed' AND i.snoozed_until <= %(now)s::timestamptz THEN 'open'
            ELSE coalesce(i.state, 'open') END AS state,
       i.opened_at, coalesce(c.why, '') AS why, p.product_url, coalesce(o.flags, '{{}}') AS flags,
       o.must_order_by_on, p.category, o.unit_cost,
       coalesce(o.currency, a.currency) AS currency, o.arrives_on, a.currency AS account_currency
FROM ops.item_level k
JOIN core.product p USING (product_url)
JOIN core.stock_level l USING (product_url)
LEFT JOIN plan.critical_item c ON c.product_url = k.product_url AND c.snapshot_on =
     (SELECT max(snapshot_on) FROM core.stock_day)
LEFT JOIN ops.incident i ON i.subject = k.product_url AND i.closed_at IS NULL
LEFT JOIN plan.outlook o ON o.product_url = k.product_url
CROSS JOIN ({ACCOUNT_CURRENCY}) a
"""


def mail_lines(where: str) -> str:
    """Return the statement of the lines of a mail, the most urgent first.

    Args:
        where: Which; of `k` (the level), `c` (the critical item), `p` (the product).
    """
    return f"SELECT * FROM ({MAIL_LINES}{where}) t ORDER BY {MOST_URGENT}"
