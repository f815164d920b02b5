"""Products with their stock, rules, history and what is still to come."""

from datetime import date
from typing import Any

from finale_pipeline.warehouse.connect import Connection, Row, in_any_case
from finale_pipeline.warehouse.reads.listing import Listing

PRODUCTS = Listing(
    name="products",
    query="SELECT p.product_url, p.sku, p.name, p.status, p.is_active, p.category, p.cost,"
    " p.main_vendor, p.lead_time_days, l.on_hand_units, l.reserved_units, l.on_order_units,"
    " l.available_units, l.position_units, p.updated_at"
    " FROM mart.product p LEFT JOIN core.stock_level l USING (product_url)",
    key=("product_url", "text"),
    sorts={
        "sku": "text",
        "name": "text",
        "available_units": "numeric",
        "on_hand_units": "numeric",
        "cost": "numeric",
        "updated_at": "timestamptz",
    },
    order="sku",
    filters={
        "q": "(strpos(lower(sku), lower(%(q)s)) > 0 OR strpos(lower(name), lower(%(q)s)) > 0)",
        "category": "category = %(category)s",
        "vendor": "main_vendor = %(vendor)s",
        "active": "is_active = %(active)s",
        "available_below": "available_units < %(available_below)s",
    },
)

CALLED = "SELECT product_url FROM core.product WHERE sku = %s OR product_url = %s"
"""Products that have a name as SKU or as product_url; several may share a SKU."""


def product(connection: Connection, name: str) -> Row | None:
    """Return a product by SKU or product_url, with its stock and rules."""
    row = connection.row(
        f"SELECT * FROM ({PRODUCTS.query}) t WHERE product_url = %(name)s OR sku = %(name)s"
        " ORDER BY product_url = %(name)s DESC, product_url LIMIT 1",
        name=name,
    )
    if row is None:
        return None
    url = row["product_url"]
    return row | {
        "notes": _notes(connection, url),
        "reorder_rules": connection.rows(
            "SELECT r.facility_url, f.name AS location, r.reorder_point_units,"
            " r.reorder_quantity_units, r.method FROM core.reorder_rule r"
            " LEFT JOIN core.facility f USING (facility_url) WHERE product_url = %(url)s"
            " ORDER BY 1 LIMIT 100",
            url=url,
        ),
        "locations": connection.rows(
            "SELECT location, on_hand_units, reserved_units, on_order_units, available_units"
            " FROM mart.stock_by_location WHERE product_url = %(url)s ORDER BY 1 LIMIT 200",
            url=url,
        ),
        "forecast": forecast_of(connection, url),
        "events": connection.rows(
            "SELECT happened_at, kind, from_level, to_level, cause, actor, no_mail, mail_kind,"
            " mail_state FROM mart.alert_history WHERE subject = %(url)s"
            " ORDER BY event_id DESC LIMIT 50",
            url=url,
        ),
    }


def forecast_of(connection: Connection, url: str, on: date | None = None) -> Row | None:
    """Return a product's forecast of a day; None = the newest."""
    return connection.row(
        "SELECT * FROM mart.forecast WHERE product_url = %(url)s"
        " AND (%(on)s::date IS NULL OR snapshot_on = %(on)s) ORDER BY snapshot_on DESC LIMIT 1",
        url=url,
        on=on,
    )


def _notes(connection: Connection, url: str) -> list[str]:
    """Return what is special about a product's stock, as sentences."""
    row = connection.row(
        "SELECT p.is_dropship, p.keeps_stock, k.reason, (SELECT count(*) FROM core.shipment s"
        " JOIN core.shipment_line l USING (shipment_url) WHERE l.product_url = p.product_url"
        " AND s.shipment_type = 'SALES_ORDER_LINES' AND s.removed_at IS NULL) AS unmoved"
        " FROM core.product p LEFT JOIN core.stock_kept k USING (product_url)"
        " WHERE p.product_url = %(url)s",
        url=url,
    )
    if row is None:
        return []
    notes = {
        "Its vendor ships it to customers: it is never out, and never planned.": row["is_dropship"],
        "It is put together of its components when it is sold: they are planned instead.": not row[
            "keeps_stock"
        ],
        f"Its stock is that of an older read, because a row of it cannot be read"
        f" ({row['reason']}).": row["reason"],
        f"{row['unmoved']} completed orders moved no shipment of it; they count by their"
        " lines.": row["unmoved"],
    }
    return [sentence for sentence, applies in notes.items() if applies]


SEARCH = f"""
WITH f AS MATERIALIZED (
    SELECT product_url, barcode, row_number() OVER (
        ORDER BY lower(sku) = lower(%(q)s) DESC, barcode IS NOT DISTINCT FROM %(q)s DESC,
                 starts_with(lower(sku), lower(%(q)s)) DESC, status = 'PRODUCT_ACTIVE' DESC,
                 sku, product_url) AS place
    FROM core.product
    WHERE removed_at IS NULL AND (
        {{holds}} OR lower(category) = lower(%(q)s) OR barcode = %(q)s
        OR product_url IN (
            SELECT s.product_url FROM core.product_supplier s
            LEFT JOIN core.vendor v USING (vendor_url)
            WHERE lower(s.vendor_sku) = lower(%(q)s) OR lower(v.name) = lower(%(q)s)))
    ORDER BY place LIMIT %(most)s
)
SELECT t.*, f.barcode FROM f JOIN ({PRODUCTS.query}) t USING (product_url) ORDER BY f.place
"""
"""The best first; only of these is a product's supplier and stock looked up."""
NAMED = {
    "vendors": "SELECT vendor_url, name FROM core.vendor"
    " WHERE removed_at IS NULL AND {holds} ORDER BY name LIMIT %(most)s",
    "categories": "SELECT category, count(*) AS products FROM core.product"
    " WHERE removed_at IS NULL AND {holds} GROUP BY 1 ORDER BY 1 LIMIT %(most)s",
}


def _holding(connection: Connection, query: str, text: str, most: int, *columns: str) -> list[Row]:
    """Return rows of which a column holds a text, in whatever case.

    A server without locale knows upper and lower case of ASCII only, but finds that sooner.
    """
    has = "strpos(lower({0}), lower(%(q)s)) > 0" if text.isascii() else "{0} ~ %(like)s"
    holds = f"({' OR '.join(has.format(column) for column in columns)})"
    return connection.rows(query.format(holds=holds), q=text, like=in_any_case(text), most=most)


def search(connection: Connection, text: str, *, most: int = 100) -> list[Row]:
    """Return products by part of SKU or name, or by barcode, vendor's SKU, vendor or category."""
    return _holding(connection, SEARCH, text, most, "sku", "name")


def named_like(connection: Connection, text: str, *, most: int) -> dict[str, list[Row]]:
    """Return vendors and categories that have a text in their names."""
    return {
        "vendors": _holding(connection, NAMED["vendors"], text, most, "name"),
        "categories": _holding(connection, NAMED["categories"], text, most, "category"),
    }


ABOUT = {
    "suppliers": "SELECT v.vendor_url, v.name, s.is_main, s.price, s.currency, s.vendor_sku,"
    " s.lead_time_days, coalesce(v.status, 'PARTY_ENABLED') = 'PARTY_ENABLED' AS is_enabled"
    " FROM core.product_supplier s JOIN core.vendor v USING (vendor_url)"
    " WHERE s.product_url = %s ORDER BY s.is_main DESC, v.name LIMIT 20",
    "open_orders": "SELECT order_id, order_url, vendor, ordered_on, due_on, quantity_units,"
    " received_units, open_units FROM mart.purchase_order_line WHERE product_url = %s"
    " AND is_open AND open_units > 0 ORDER BY due_on NULLS LAST, order_id LIMIT 50",
    "lots": "SELECT lot_id, location, on_hand_units, expires_on, days_to_expiry"
    " FROM mart.stock_by_lot WHERE product_url = %s ORDER BY expires_on, lot_id LIMIT 100",
    "components": "SELECT p.product_url, p.sku, p.name, c.units, l.available_units"
    " FROM core.product_component c LEFT JOIN core.product p ON p.product_url = c.component_url"
    " LEFT JOIN core.stock_level l ON l.product_url = c.component_url"
    " WHERE c.product_url = %s ORDER BY p.sku LIMIT 50",
    "used_in": "SELECT p.product_url, p.sku, p.name, c.units FROM core.product_component c"
    " JOIN core.product p ON p.product_url = c.product_url"
    " WHERE c.component_url = %s ORDER BY p.sku LIMIT 50",
}


def about(connection: Connection, url: str) -> dict[str, Any]:
    """Return what a buyer wants to know of a product beside its stock and forecast."""
    facts = connection.row(
        "SELECT barcode, manufacturer, packing, cost, payload -> 'priceList' AS prices"
        " FROM core.product WHERE product_url = %s",
        url,
    )
    return {name: connection.rows(query, url) for name, query in ABOUT.items()} | {"facts": facts}


def stock_history(connection: Connection, url: str, since: date) -> list[Row]:
    """Return the ends of days on which a product's stock was changed, and the one before."""
    return connection.rows(
        "SELECT snapshot_on, on_hand_units, available_units FROM core.stock_daily"
        " WHERE product_url = %(url)s AND snapshot_on >= coalesce((SELECT max(snapshot_on)"
        " FROM core.stock_daily WHERE product_url = %(url)s AND snapshot_on < %(since)s),"
        " %(since)s) ORDER BY 1",
        url=url, since=since,
    )  # fmt: skip


def sales_history(connection: Connection, url: str, since: date) -> list[Row]:
    """Return the days on which a product was sold, or used in kits and builds."""
    query = "SELECT sold_on, units FROM core.demand_daily WHERE product_url = %s AND sold_on >= %s"
    return connection.rows(f"{query} ORDER BY 1", url, since)


def arrivals(connection: Connection, url: str) -> list[Row]:
    """Return what open orders still bring of a product."""
    return connection.rows(
        "SELECT due_on, open_units FROM mart.purchase_order_line"
        " WHERE product_url = %s AND is_open AND open_units > 0 ORDER BY 1",
        url,
    )


def rules_of(connection: Connection, product_url: str) -> list[Row]:
    """Return a product's reorder rules, with the name of each place."""
    return connection.rows(
        "SELECT r.facility_url, f.name AS place, r.method, r.reorder_point_units,"
        " r.reorder_quantity_units FROM core.reorder_rule r"
        " LEFT JOIN core.facility f USING (facility_url) WHERE r.product_url = %s ORDER BY 1",
        product_url,
    )
