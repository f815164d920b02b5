"""Which products keep stock, which orders never come to it, and what kits and builds demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from finale_pipeline.warehouse import demand, receipts
from finale_pipeline.warehouse.connect import Connection, trusted


@dataclass(frozen=True, slots=True)
class StockingRules:
    """How products and orders that bypass stock are known.

    Attributes:
        field: Label of a user-defined field that tells them; empty = none does.
        value: Its value on dropshipped products; capitals do not matter.
        kits: Whether products with components keep no stock.
    """

    sku_suffixes: Sequence[str]
    categories: Sequence[str]
    field: str
    value: str
    kits: Literal["auto", "virtual", "stocked"]


def mark_products(connection: Connection, rules: StockingRules) -> None:
    """Bring `is_dropship` and `keeps_stock` of all products up to date."""
    values = {
        "endings": [f"%{_escaped(suffix)}" for suffix in rules.sku_suffixes],
        "categories": list(rules.categories),
        "field": rules.field,
        "value": rules.value,
        "kits": rules.kits,
    }
    connection.execute(MARK_PRODUCTS, values)


def mark_orders(connection: Connection, suffixes: Sequence[str]) -> None:
    """Bring `is_dropship` of purchase orders up to date, and what is open of those it changes."""
    endings = [f"%{_escaped(suffix)}" for suffix in suffixes]
    changed = connection.execute(MARK_ORDERS, {"endings": endings}).fetchall()
    if changed:
        receipts.begin(connection, "SELECT unnest(%s::text[])", ([str(url) for (url,) in changed],))
        receipts.refresh(connection)


def leave_out_dropshipped(connection: Connection, *, now: datetime) -> None:
    """Sum demand again where vendors shipped goods of sales orders to the customers themselves."""
    row = connection.execute(trusted(f"SELECT count(*) FROM ({demand.DROPSHIPPED}) d")).fetchone()
    if row and row[0]:
        demand.begin(
            connection,
            "SELECT s.shipment_url FROM core.shipment s"
            f" JOIN ({demand.DROPSHIPPED}) d USING (order_url)",
        )
        demand.refresh(connection, now=now)


def dropship_orders(connection: Connection) -> list[str]:
    """Return the committed purchase orders whose goods never come to stock."""
    return connection.texts(
        "SELECT order_url FROM core.purchase_order"
        " WHERE is_dropship AND status = 'ORDER_LOCKED' ORDER BY 1"
    )


def refresh_component_demand(connection: Connection) -> None:
    """Sum again what kits without stock of their own and completed builds took of components."""
    connection.execute(COMPONENT_DEMAND)


def any_planned_build(connection: Connection) -> bool:
    """Whether a build is planned or under way that will use a component."""
    return connection.is_true("SELECT EXISTS (SELECT FROM core.build_reservation)")


def note_components(connection: Connection, *, since: datetime) -> None:
    """Have the next evaluation look at components of builds that changed since a moment."""
    connection.execute(
        "INSERT INTO ops.touched_item SELECT DISTINCT l.product_url"
        " FROM core.build b JOIN core.build_line l USING (build_url)"
        " WHERE l.product_url IS NOT NULL AND greatest(b.changed_at, l.changed_at) >= %(since)s"
        " AND EXISTS (SELECT FROM ops.evaluation) ON CONFLICT (product_url) DO NOTHING",
        {"since": since},
    )


def replace_labels(connection: Connection, labels: Sequence[tuple[str, str]]) -> None:
    """Keep the labels of user-defined fields; those that are gone go."""
    names = [name for name, _ in labels]
    connection.execute("DELETE FROM core.user_field WHERE NOT attr_name = ANY (%s)", (names,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO core.user_field (attr_name, label) VALUES (%s, %s)"
            " ON CONFLICT (attr_name) DO UPDATE SET label = excluded.label",
            labels,
        )


def _escaped(text: str) -> str:
    """Return a text that LIKE takes literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# Of kits only what was never on hand, never built and never bought is put together when it is sold.
MARK_PRODUCTS = trusted("""
WITH kit AS (
    SELECT DISTINCT c.product_url FROM core.product_component c
    WHERE %(kits)s = 'virtual' OR %(kits)s = 'auto'
      AND NOT EXISTS (SELECT FROM core.stock_daily d
                      WHERE d.product_url = c.product_url AND d.on_hand_units <> 0)
      AND NOT EXISTS (SELECT FROM core.stock_level l
                      WHERE l.product_url = c.product_url AND l.on_hand_units <> 0)
      AND NOT EXISTS (SELECT FROM core.build_line b
                      WHERE b.product_url = c.product_url AND b.kind = 'produced')
      AND NOT EXISTS (SELECT FROM core.purchase_order_line o WHERE o.product_url = c.product_url)
),
told AS (
    SELECT DISTINCT product_url FROM core.product_field
    WHERE %(field)s <> '' AND lower(label) = lower(%(field)s) AND lower(value) = lower(%(value)s)
),
changed AS (
    UPDATE core.product p SET is_dropship = n.is_dropship, keeps_stock = n.keeps_stock
    FROM (
        SELECT p.product_url, k.product_url IS NULL AS keeps_stock,
               p.sku LIKE ANY (%(endings)s::text[]) OR t.product_url IS NOT NULL
                   OR coalesce(p.category = ANY (%(categories)s::text[]), false) AS is_dropship
        FROM core.product p
        LEFT JOIN kit k USING (product_url) LEFT JOIN told t USING (product_url)
    ) n
    WHERE n.product_url = p.product_url
      AND (p.is_dropship, p.keeps_stock) <> (n.is_dropship, n.keeps_stock)
    RETURNING p.product_url
)
INSERT INTO ops.touched_item SELECT product_url FROM changed
WHERE EXISTS (SELECT FROM ops.evaluation)
ON CONFLICT (product_url) DO NOTHING
""")
MARK_ORDERS = trusted("""
UPDATE core.purchase_order o SET is_dropship = n.is_dropship
FROM (SELECT order_url, coalesce(order_id LIKE ANY (%(endings)s::text[]), false) AS is_dropship
      FROM core.purchase_order) n
WHERE n.order_url = o.order_url AND o.is_dropship <> n.is_dropship
RETURNING o.order_url
""")
COMPONENT_DEMAND = trusted("""
WITH RECURSIVE part AS (
    SELECT c.product_url AS kit_url, c.component_url, c.units, 1 AS depth
    FROM core.product_component c JOIN core.product k ON k.product_url = c.product_url
    WHERE NOT k.keeps_stock AND NOT k.is_dropship
    UNION ALL
    SELECT p.kit_url, c.component_url, p.units * c.units, p.depth + 1
    FROM part p
    JOIN core.product k ON k.product_url = p.component_url AND NOT k.keeps_stock
    JOIN core.product_component c ON c.product_url = p.component_url
    WHERE p.depth < 6
),
used AS (
    SELECT p.component_url AS product_url, s.sold_on AS used_on,
           (s.units - s.returned_units) * p.units AS kit_units, 0::numeric AS build_units
    FROM part p
    JOIN core.product c ON c.product_url = p.component_url AND c.keeps_stock
    JOIN core.sales_daily s ON s.product_url = p.kit_url AND s.units > s.returned_units
    UNION ALL
    SELECT l.product_url, b.done_on, 0, l.units
    FROM core.build_state b JOIN core.build_line l USING (build_url)
    WHERE b.state = 'done' AND b.done_on IS NOT NULL AND l.kind = 'consumed'
      AND l.product_url IS NOT NULL AND l.units > 0
),
day AS (
    SELECT product_url, used_on, sum(kit_units) AS kit_units, sum(build_units) AS build_units
    FROM used GROUP BY 1, 2
),
written AS (
    -- What is as it was is left out before: a conflict locks its row, and that is written, too.
    INSERT INTO core.component_demand
    SELECT n.* FROM day n LEFT JOIN core.component_demand d USING (product_url, used_on)
    WHERE (d.kit_units, d.build_units) IS DISTINCT FROM (n.kit_units, n.build_units)
    ON CONFLICT (product_url, used_on) DO UPDATE
    SET kit_units = excluded.kit_units, build_units = excluded.build_units
)
DELETE FROM core.component_demand d WHERE NOT EXISTS
    (SELECT FROM day n WHERE n.product_url = d.product_url AND n.used_on = d.used_on)
""")
