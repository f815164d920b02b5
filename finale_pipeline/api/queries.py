"""Everything the API and its pages read: statements with bound values, and no others."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast

from finale_pipeline.api.rest.pagination import Listing
from finale_pipeline.warehouse.connect import Connection, rows_of

Row = dict[str, Any]

PRODUCTS = Listing(
    name="products",
    query="SELECT p.product_url, p.sku, p.name, p.status, p.is_active, p.category, p.cost,"
    " p.main_vendor, p.lead_time_days, l.on_hand_units, l.reserved_units, l.on_order_units,"
    " l.available_units, l.position_units, p.updated_at"
    " FROM mart.product p LEFT JOIN core.stock_level l USING (product_url)",
    key=("product_url", "text"),
    sorts={
        "sku": "text", "name": "text", "available_units": "numeric", "on_hand_units": "numeric",
        "cost": "numeric", "updated_at": "timestamptz",
    },
    order="sku",
    filters={
        "q": "(strpos(lower(sku), lower(%(q)s)) > 0 OR strpos(lower(name), lower(%(q)s)) > 0)",
        "category": "category = %(category)s",
        "vendor": "main_vendor = %(vendor)s",
        "active": "is_active = %(active)s",
        "available_below": "available_units < %(available_below)s",
    },
)  # fmt: skip
FORECASTS = Listing(
    name="forecasts",
    query="SELECT * FROM mart.forecast WHERE snapshot_on ="
    " coalesce(%(day)s::date, (SELECT max(snapshot_on) FROM plan.forecast))",
    key=("product_url", "text"),
    sorts={
        "sku": "text", "days_until_stockout": "numeric", "must_order_by_on": "date",
        "velocity_units_per_day": "numeric", "quantity_units": "numeric", "lost_units": "numeric",
    },
    order="sku",
    filters={
        "q": "(strpos(lower(sku), lower(%(q)s)) > 0 OR strpos(lower(name), lower(%(q)s)) > 0)",
        "vendor": "vendor = %(vendor)s",
        "abc_class": "abc_class = %(abc_class)s",
        "order_now": "order_now = %(order_now)s",
    },
)  # fmt: skip
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
VENDORS = Listing(
    name="vendors",
    query="SELECT v.*, t.orders AS measured_orders, t.median_days AS median_lead_days,"
    " t.p90_days AS p90_lead_days FROM mart.vendor v LEFT JOIN (SELECT DISTINCT ON (vendor_url)"
    " vendor_url, orders, median_days, p90_days FROM mart.vendor_lead_time"
    " ORDER BY vendor_url, orders DESC) t USING (vendor_url)",
    key=("vendor_url", "text"),
    sorts={"name": "text", "median_lead_days": "double precision", "measured_orders": "bigint"},
    order="name",
    filters={
        "q": "strpos(lower(name), lower(%(q)s)) > 0",
        "enabled": "is_enabled = %(enabled)s",
    },
)
HISTORY = Listing(
    name="history",
    query="SELECT run_id, strategy, trigger, reason, dagster_run_id, status, started_at,"
    " finished_at, round(extract(epoch FROM coalesce(finished_at, heartbeat_at) - started_at), 1)"
    " AS seconds, step, progress, rows_done, api_calls, bytes, counts, retry_at, error_kind, error"
    " FROM ops.sync_run",
    key=("run_id", "bigint"),
    sorts={"started_at": "timestamptz", "seconds": "numeric", "rows_done": "bigint"},
    order="-started_at",
    filters={
        "strategy": "strategy = %(strategy)s",
        "status": "status = %(status)s",
        "trigger": "trigger = %(trigger)s",
        "since": "started_at >= %(since)s",
        "until": "started_at < %(until)s",
    },
)


def first(connection: Connection, query: str, **values: object) -> Row | None:
    """Return a statement's first row."""
    found = rows_of(connection, query, **values)
    return found[0] if found else None


def stock_read_at(connection: Connection) -> datetime | None:
    """Return when stock was last read; None = never."""
    row = connection.execute(
        "SELECT max(read_at) FROM ops.feed WHERE feed_name = 'stock'"
    ).fetchone()
    return cast("tuple[datetime | None]", row)[0]


def forecasts_on(day: date | None) -> Listing:
    """Return the list of the forecasts of a day; None = the newest."""
    return replace(FORECASTS, fixed={"day": day})


def open_subject(connection: Connection, incident_id: int) -> str | None:
    """Return the product_url of an open incident about a product."""
    found = first(
        connection,
        "SELECT i.subject FROM ops.incident i JOIN core.product p ON p.product_url = i.subject"
        " WHERE i.incident_id = %(number)s AND i.closed_at IS NULL",
        number=incident_id,
    )
    return str(found["subject"]) if found else None


def critical(connection: Connection) -> list[Row]:
    """Return every critical item once, the most urgent first."""
    return rows_of(
        connection,
        "SELECT * FROM mart.low_stock ORDER BY level = 'out' DESC, days_left NULLS LAST,"
        " money_at_risk DESC NULLS LAST, sku, product_url",
    )


def product(connection: Connection, name: str) -> Row | None:
    """Return a product by SKU or product_url, with its stock and rules."""
    found = first(
        connection,
        f"SELECT * FROM ({PRODUCTS.query}) t WHERE product_url = %(name)s OR sku = %(name)s"
        " ORDER BY product_url = %(name)s DESC, product_url LIMIT 1",
        name=name,
    )
    if found is None:
        return None
    url = found["product_url"]
    return found | {
        "reorder_rules": rows_of(
            connection,
            "SELECT r.facility_url, f.name AS location, r.reorder_point_units,"
            " r.reorder_quantity_units, r.method FROM core.reorder_rule r"
            " LEFT JOIN core.facility f USING (facility_url) WHERE product_url = %(url)s"
            " ORDER BY 1 LIMIT 100",
            url=url,
        ),
        "locations": rows_of(
            connection,
            "SELECT location, on_hand_units, reserved_units, on_order_units, available_units"
            " FROM mart.stock_by_location WHERE product_url = %(url)s ORDER BY 1 LIMIT 200",
            url=url,
        ),
        "forecast": first(
            connection,
            "SELECT * FROM mart.forecast WHERE product_url = %(url)s"
            " ORDER BY snapshot_on DESC LIMIT 1",
            url=url,
        ),
        "events": rows_of(
            connection,
            "SELECT happened_at, kind, from_level, to_level, cause, actor, no_mail, mail_kind,"
            " mail_state FROM mart.alert_history WHERE subject = %(url)s"
            " ORDER BY event_id DESC LIMIT 50",
            url=url,
        ),
    }


def last_day(connection: Connection, today: date) -> date:
    """Return the last day on which stock was read, by the source's clock; else today."""
    row = connection.execute("SELECT max(snapshot_on) FROM core.stock_day").fetchone()
    return cast("date", row[0]) if row and row[0] else today


def stock_history(connection: Connection, url: str, since: date) -> list[Row]:
    """Return the ends of days on which a product's stock was changed, and the one before."""
    return rows_of(
        connection,
        "SELECT snapshot_on, on_hand_units, available_units FROM core.stock_daily"
        " WHERE product_url = %(url)s AND snapshot_on >= %(since)s ORDER BY 1",
        url=url, since=since,
    )  # fmt: skip


def sales_history(connection: Connection, url: str, since: date) -> list[Row]:
    """Return the days on which a product was sold."""
    return rows_of(
        connection,
        "SELECT sold_on, units FROM core.sales_daily"
        " WHERE product_url = %(url)s AND sold_on >= %(since)s ORDER BY 1",
        url=url, since=since,
    )  # fmt: skip


def arrivals(connection: Connection, url: str) -> list[Row]:
    """Return what open orders still bring of a product."""
    return rows_of(
        connection,
        "SELECT due_on, open_units FROM mart.purchase_order_line"
        " WHERE product_url = %(url)s AND is_open AND open_units > 0 ORDER BY 1",
        url=url,
    )


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
    row = connection.execute(
        "SELECT count(*) FROM ops.incident_event WHERE happened_at >= %s", (since,)
    ).fetchone()
    return cast("tuple[int]", row)[0]


def search(connection: Connection, text: str) -> list[Row]:
    """Return products whose SKU or name has a text in it."""
    return rows_of(
        connection,
        f"SELECT * FROM ({PRODUCTS.query}) t WHERE {PRODUCTS.filters['q']}"
        " ORDER BY lower(sku) = lower(%(q)s) DESC, is_active DESC, sku LIMIT 100",
        q=text,
    )


def newest_runs(connection: Connection) -> list[Row]:
    """Return the newest sync runs."""
    return rows_of(connection, f"{HISTORY.query} ORDER BY run_id DESC LIMIT 60")


def mails(connection: Connection) -> list[Row]:
    """Return the newest mails, without their bodies."""
    return rows_of(
        connection,
        "SELECT message_id, kind, subject, state, attempts, last_error, merged_into, created_at,"
        " sent_at, recipients FROM ops.outbox ORDER BY outbox_id DESC LIMIT 200",
    )


def mail(connection: Connection, message_id: str) -> Row | None:
    """Return one mail with its bodies."""
    return first(
        connection,
        "SELECT message_id, kind, subject, state, recipients, created_at, sent_at, last_error,"
        " body_text, body_html FROM ops.outbox WHERE message_id = %(message_id)s",
        message_id=message_id,
    )
