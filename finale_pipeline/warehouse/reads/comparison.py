"""Numbers of a new account to hold against Finale's own pages: what nobody could verify before."""

from dataclasses import dataclass

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.quantities import PER_PACK, stored_evidence, stored_reading


@dataclass(frozen=True, slots=True)
class ToCompare:
    """A number that we read, the page of Finale that shows it, and what a difference means."""

    says: str
    where: str


def to_compare(connection: Connection) -> list[ToCompare]:
    """Return them, one per question that this account's data raise."""
    reading = stored_reading(connection) or "cases"
    why = stored_evidence(connection) or "the setting or the default"
    questions = []
    for query, says, where in QUESTIONS:
        for row in connection.rows(query):
            values = {**row, "reading": reading, "why": why}
            if all(value is not None for value in row.values()):
                questions.append(ToCompare(says.format(**values), where.format(**values)))
    return questions


# One stored quantity of case stock, as it was sent: units divided by the pack, if packs were taken.
AS_SENT = (
    f"on_hand_units / CASE WHEN (SELECT case_quantities FROM ops.account) = 'units' THEN 1"
    f" ELSE {PER_PACK} END"
)
QUESTIONS = (
    (
        f"SELECT sku, packing, trim_scale(round({AS_SENT}, 3))::text AS sent,"
        f" trim_scale(round({AS_SENT} * {PER_PACK}, 3))::text AS cases,"
        " trim_scale(on_hand_units)::text AS taken"
        f" FROM core.stock_entry WHERE {PER_PACK} > 1 AND on_hand_units > 0"
        " ORDER BY on_hand_units DESC, sku LIMIT 1",
        "{sku} has {sent} on hand in the packing {packing}: {cases} units if that counts cases,"
        " {sent} if it counts units; taken as {taken} ({reading}, by {why})",
        "Product {sku} in Finale, Stock: units on hand. If it shows the other number, set"
        " FINALE_CASE_QUANTITIES.",
    ),
    (
        "SELECT sku, trim_scale(pack_units)::text AS pack, packing FROM core.product"
        " WHERE pack_units > 1 AND packing IS NOT NULL AND status = 'PRODUCT_ACTIVE'"
        " ORDER BY sku LIMIT 1",
        "{sku} is ordered in packs of {pack}, from its packing {packing}",
        "Product {sku} in Finale, Purchasing: standard packing.",
    ),
    (
        "SELECT o.order_id, l.sku, trim_scale(l.quantity_units)::text AS units,"
        " trim_scale(round(l.unit_price, 4))::text AS price FROM core.purchase_order_line l"
        " JOIN core.purchase_order o USING (order_url) WHERE l.packing <> '' AND l.unit_price > 0"
        " ORDER BY o.updated_at DESC, l.position LIMIT 1",
        "order {order_id} has {units} units of {sku}, at {price} for one unit",
        "Order {order_id} in Finale: units ordered, and the line's total.",
    ),
    (
        "SELECT count(*) AS rows, min(sku) AS sku FROM core.stock_entry WHERE facility_url = ''"
        " HAVING count(*) > 0",
        "{rows} rows of stock name no place, one of {sku}; they count at `no location`",
        "Product {sku} in Finale, Stock: on order or reserved without a location.",
    ),
    (
        "SELECT trim_scale(sum(units))::text AS units, max(sold_on)::text AS last,"
        " (SELECT p.sku FROM core.sales_daily b JOIN core.product p USING (product_url)"
        " WHERE b.sold_on > (SELECT max(sold_on) FROM core.sales_daily) - 30"
        " GROUP BY p.sku ORDER BY sum(b.units) DESC, p.sku LIMIT 1) AS sku,"
        " (SELECT trim_scale(sum(b.units))::text FROM core.sales_daily b"
        " WHERE b.sold_on > (SELECT max(sold_on) FROM core.sales_daily) - 30"
        " GROUP BY b.product_url ORDER BY sum(b.units) DESC LIMIT 1) AS most"
        " FROM core.sales_daily WHERE sold_on > (SELECT max(sold_on) FROM core.sales_daily) - 30",
        "{units} units were sold in the 30 days up to {last}, most of {sku}: {most}",
        "Products in Finale, column Sales last 30 days.",
    ),
    (
        "SELECT count(*) FILTER (WHERE status = 'SHIPMENT_SHIPPED') AS shipped,"
        " count(*) FILTER (WHERE status = 'SHIPMENT_DELIVERED') AS delivered,"
        " count(*) FILTER (WHERE NOT EXISTS (SELECT FROM core.sales_order o"
        " WHERE o.order_url = s.order_url)) AS strange FROM core.shipment s"
        " WHERE shipment_type = 'SALES_SHIPMENT' AND removed_at IS NULL"
        " AND status IN ('SHIPMENT_SHIPPED', 'SHIPMENT_DELIVERED') HAVING count(*) > 0",
        "sales shipments: {shipped} shipped, {delivered} delivered; {strange} of them have no sales"
        " order that we know",
        "Shipments in Finale by status. Without a sales order they may hang on fulfillment orders.",
    ),
    (
        "SELECT count(*) AS orders, min(o.order_id) AS order_id FROM core.shipment s"
        " JOIN core.sales_order o USING (order_url) WHERE s.removed_at IS NULL"
        " AND s.shipment_type = 'SALES_ORDER_LINES' HAVING count(*) > 0",
        "{orders} completed orders moved no shipment, one is {order_id}; they count by their lines",
        "Order {order_id} in Finale: did its goods leave stock? If such orders never do, set"
        " FINALE_COUNT_UNSHIPPED_ORDERS=false.",
    ),
    (
        "SELECT count(*) AS orders, min(order_id) AS order_id FROM core.purchase_order"
        " WHERE is_dropship AND removed_at IS NULL HAVING count(*) > 0",
        "{orders} orders are shipped by vendors to customers, one is {order_id}",
        "Order {order_id} in Finale: does its product show units on order?",
    ),
    (
        "SELECT k.sku, trim_scale(k.makeable_units)::text AS units, k.limiting_sku,"
        " CASE WHEN k.keeps_stock THEN 'keeps stock' ELSE 'keeps no stock' END AS kind"
        " FROM mart.kit_availability k WHERE k.limiting_sku IS NOT NULL ORDER BY k.sku LIMIT 1",
        "{sku} has components and {kind}; {units} can be made of them, {limiting_sku} is the limit",
        "Product {sku} in Finale, Bill of materials: quantity that can be built. If it is stocked"
        " as itself, set FINALE_KITS.",
    ),
    (
        "SELECT coalesce(b.build_id, b.build_url) AS build, b.status, b.state,"
        " trim_scale(l.units)::text AS units, coalesce(p.sku, l.product_url) AS sku"
        " FROM core.build_state b JOIN core.build_line l USING (build_url)"
        " LEFT JOIN core.product p USING (product_url)"
        " WHERE l.kind = 'consumed' ORDER BY b.state = 'planned' DESC, b.build_url LIMIT 1",
        "build {build} ({status}) is taken as {state} and uses {units} of {sku}",
        "Build {build} in Finale: is it so, and does the component's page reserve them?",
    ),
    (
        "SELECT coalesce(p.sku, t.product_url) AS sku, trim_scale(t.units)::text AS units,"
        " coalesce(t.status, 'no state') AS status, CASE WHEN t.received_at IS NULL"
        " THEN 'under way' ELSE 'received' END AS taken FROM core.transfer t"
        " LEFT JOIN core.product p USING (product_url) WHERE t.removed_at IS NULL"
        " ORDER BY t.updated_at DESC, t.transfer_url LIMIT 1",
        "a transfer of {units} of {sku} ({status}) is taken as {taken}",
        "Transfers in Finale: units and state of {sku}.",
    ),
    (
        "SELECT sku, lot_id, expires_on::text AS day FROM core.stock_entry"
        " WHERE expires_on IS NOT NULL ORDER BY expires_on, sku, lot_id LIMIT 1",
        "lot {lot_id} of {sku} expires on {day}",
        "Product {sku} in Finale, Lots: the date of lot {lot_id}.",
    ),
    (
        "SELECT s.shipment_id, l.sku, trim_scale(l.units)::text AS units FROM core.shipment s"
        " JOIN core.shipment_line l USING (shipment_url) WHERE s.status = 'SHIPMENT_PACKED'"
        " AND s.removed_at IS NULL AND l.sku IS NOT NULL ORDER BY s.updated_at DESC LIMIT 1",
        "shipment {shipment_id} is packed with {units} of {sku}",
        "Product {sku} in Finale, Stock: are packed units still on hand, and reserved?",
    ),
    (
        "SELECT order_id, to_char(ordered_at, 'YYYY-MM-DD HH24:MI') AS sent,"
        " ordered_on::text AS day"
        " FROM core.sales_order WHERE removed_at IS NULL AND ordered_on IS NOT NULL"
        " ORDER BY updated_at DESC LIMIT 1",
        "order {order_id} has the date {sent} UTC, business day {day}",
        "Order {order_id} in Finale: its order date. If it is another day, check FINALE_TIMEZONE.",
    ),
)
