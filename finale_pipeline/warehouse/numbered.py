"""The products that a plan speaks of by number, in tables that only one connection has."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from psycopg import sql

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.frames import Schema, bound, copied
from finale_pipeline.warehouse.packed import packed

STOCK_NOW = """
SELECT product_url, available_units, on_order_units, build_units FROM core.stock_free
"""
"""What planned builds will use is not there for anyone else."""
STOCK_THEN = (
    "SELECT DISTINCT ON (product_url) product_url, available_units, on_order_units,"
    " 0 AS build_units FROM core.stock_daily WHERE snapshot_on < {as_of}"
    " ORDER BY product_url, snapshot_on DESC"
)

NUMBERED = """
CREATE TEMP TABLE planned_product AS
SELECT row_number() OVER (ORDER BY product_url COLLATE "C") - 1 AS number, product_url
FROM (
    SELECT product_url FROM (SELECT DISTINCT product_url FROM core.sales_month) m, LATERAL (
        SELECT FROM core.sales_daily s
        WHERE s.product_url = m.product_url AND s.sold_on < {as_of} AND s.units > s.returned_units
        LIMIT 1) d
    UNION
    SELECT product_url FROM core.product p, LATERAL (
        SELECT FROM core.component_demand c
        WHERE c.product_url = p.product_url AND c.used_on < {as_of} LIMIT 1) d
    UNION
    SELECT product_url FROM planned_stock WHERE available_units <> 0 OR on_order_units <> 0
        OR build_units > 0
    UNION
    SELECT r.product_url FROM core.reorder_rule r JOIN core.product p USING (product_url)
    WHERE r.reorder_point_units > 0 AND r.method IS DISTINCT FROM '##doNotReorder'
      AND p.status = 'PRODUCT_ACTIVE'
    UNION
    SELECT a.scope_key FROM plan.demand_adjustment a JOIN core.product p
        ON p.product_url = a.scope_key
    WHERE a.scope = 'product' AND a.withdrawn_at IS NULL AND p.status = 'PRODUCT_ACTIVE'
    UNION
    SELECT t.product_url FROM plan.product_term t JOIN core.product p USING (product_url)
    WHERE p.status = 'PRODUCT_ACTIVE'
) known JOIN core.product p USING (product_url)
WHERE p.removed_at IS NULL AND p.keeps_stock AND NOT p.is_dropship
  AND coalesce(nullif(p.product_type, ''), 'GOOD') = 'GOOD'
"""
"""Products of which anything is known and that keep stock, numbered in the order of their keys."""

OUT_DAYS = """
CREATE TEMP TABLE out_day AS
SELECT number, day::date AS day, sum(out) >= 23.5 * interval '1 hour' AS is_all_day
FROM (
    SELECT n.number, day, least(coalesce(s.until_at, 'infinity'),
                                (day + interval '1 day') AT TIME ZONE z.zone)
                          - greatest(s.from_at, day AT TIME ZONE z.zone) AS out
    FROM core.stock_out_span s JOIN planned_product n USING (product_url), core.today z,
         LATERAL generate_series(
             greatest((s.from_at AT TIME ZONE z.zone)::date, {since})::timestamp,
             least((coalesce(s.until_at, 'infinity') AT TIME ZONE z.zone)::date,
                   date {as_of} - 1)::timestamp,
             interval '1 day') AS day
) o GROUP BY 1, 2 HAVING sum(out) >= interval '3 hours'
"""
"""Days on which nothing of a product was available for three hours or more, as the reads of stock
saw it: they sold less than was wanted. Forecasts of a fresh-food chain were best with days of more
than an eighth of the time left out."""

ADJUSTED = """
CREATE TEMP TABLE adjusted_product AS
SELECT n.number, a.adjustment_id, a.kind, a.value, a.from_on, a.until_on, a.made_by, a.note
FROM plan.demand_adjustment a
JOIN core.product p ON CASE a.scope WHEN 'product' THEN p.product_url = a.scope_key
    WHEN 'category' THEN p.category = a.scope_key
    ELSE EXISTS (SELECT FROM core.product_supplier s
                 WHERE s.product_url = p.product_url AND s.vendor_url = a.scope_key) END
JOIN planned_product n ON n.product_url = p.product_url
WHERE a.withdrawn_at IS NULL AND a.kind IN ('times', 'units')
"""
"""What buyers said of days, by product."""

CHANGED = """
SELECT product_url FROM core.stock_level WHERE changed_at > {since}
UNION SELECT l.product_url FROM core.purchase_order o JOIN core.purchase_order_line l
      USING (order_url) WHERE o.changed_at > {since} OR l.changed_at > {since}
UNION SELECT product_url FROM core.product WHERE changed_at > {since}
UNION SELECT product_url FROM core.product_supplier WHERE changed_at > {since}
UNION SELECT product_url FROM core.reorder_rule WHERE changed_at > {since}
UNION SELECT s.product_url FROM core.vendor v JOIN core.product_supplier s USING (vendor_url)
      WHERE v.changed_at > {since}
UNION SELECT l.product_url FROM core.build b JOIN core.build_line l USING (build_url)
      WHERE l.product_url IS NOT NULL AND (b.changed_at > {since} OR l.changed_at > {since})
UNION SELECT product_url FROM plan.product_term
UNION SELECT s.product_url FROM plan.vendor_term t JOIN core.product_supplier s USING (vendor_url)
UNION SELECT product_url FROM plan.decision WHERE snapshot_on = {plan_on}
      AND (reorder_point_source = 'buyer' OR maximum_units IS NOT NULL
           OR lead_time_source = 'agreed')
"""
"""What people fix has no time of change, so it is looked at each time."""

OF_PLAN = """
CREATE TEMP TABLE planned_product AS
SELECT row_number() OVER (ORDER BY d.product_url COLLATE "C") - 1 AS number, d.product_url
FROM plan.demand d JOIN core.product p USING (product_url)
WHERE d.snapshot_on = {plan_on} AND p.removed_at IS NULL
"""
# A condition of its own is joined; beside an OR it would be looked up row by row, and where nearly
# all products changed that never ends.
CHANGED_OF_PLAN = f"{OF_PLAN} AND d.product_url IN ({CHANGED})"
STOCK_OF_PLAN = f"""
CREATE TEMP TABLE planned_stock AS
SELECT s.* FROM ({STOCK_NOW}) s JOIN planned_product USING (product_url)
"""
TABLES = {
    "planned_stock": "planned_stock",
    "planned": "planned_product",
    "out_days": "out_day",
    "adjusted": "adjusted_product",
}
"""What statements call the tables."""
NAMES = {called: sql.Identifier(name) for called, name in TABLES.items()}


@dataclass(frozen=True, slots=True)
class NumberedProducts:
    """Products that have numbers on a connection, until others are numbered there.

    Attributes:
        as_of: The morning of the plan, or of the decisions.
        since: First day of the demand that counts.
        is_past: Stock was read since: it is that of the evening before the morning.
    """

    connection: Connection
    as_of: date
    since: date
    is_past: bool = False

    def frame(self, query: str, schema: Schema, **values: object) -> pl.DataFrame:
        """Return the rows of a statement; `values` stand in it besides `as_of` and `since`."""
        return copied(self.connection, query, self._values(values), schema)

    def packed(self, query: str, **values: object) -> tuple[bytes, ...]:
        """Return the byte strings of a statement's only row; else as `frame`."""
        return packed(self.connection, query, self._values(values))

    def _values(self, values: Mapping[str, object]) -> Mapping[str, object]:
        return {**NAMES, "as_of": self.as_of, "since": self.since, **values}


def number(
    connection: Connection, as_of: date, *, since: date, is_past: bool = False
) -> NumberedProducts:
    """Number the products of which anything is known on a morning. Arguments: as attributes."""
    stock = f"CREATE TEMP TABLE planned_stock AS {STOCK_THEN if is_past else STOCK_NOW}"
    _drop(connection)
    for statement in (stock, NUMBERED, OUT_DAYS, ADJUSTED):
        connection.execute(bound(connection, statement, {"as_of": as_of, "since": since}))
    connection.execute(f"ANALYZE {', '.join(TABLES.values())}")
    return NumberedProducts(connection, as_of, since, is_past)


@contextmanager
def number_changed(
    connection: Connection, plan_on: date, stock_on: date, *, since: datetime | None
) -> Iterator[NumberedProducts]:
    """Number the products of a plan of which something changed since a moment; None = all.

    They have neither days out of stock nor what buyers said of days.

    Args:
        connection: In a transaction.
    """
    planned = OF_PLAN if since is None else CHANGED_OF_PLAN
    _drop(connection)
    for statement in (planned, STOCK_OF_PLAN):
        connection.execute(bound(connection, statement, {"plan_on": plan_on, "since": since}))
    connection.execute("ANALYZE planned_product, planned_stock")
    yield NumberedProducts(connection, stock_on, stock_on)
    _drop(connection)


def _drop(connection: Connection) -> None:
    names = ", ".join(f"pg_temp.{name}" for name in TABLES.values())
    connection.execute(f"DROP TABLE IF EXISTS {names}")
