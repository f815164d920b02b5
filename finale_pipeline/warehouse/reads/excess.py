"""Stock above what the cover needs, and stock that nobody buys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row

EXCESS = """
SELECT x.product_url, coalesce(p.category, '') AS category,
       coalesce(x.vendor_url, '') AS vendor_url, e.excess_units,
       e.excess_units * coalesce(p.cost, x.unit_cost) AS value,
       CASE WHEN p.cost IS NULL THEN x.currency END AS currency,
       x.cover_after_days IS NULL AS is_dead
FROM plan.decision x
JOIN core.product p ON p.product_url = x.product_url AND p.removed_at IS NULL
CROSS JOIN LATERAL (
    SELECT x.available_units - greatest(x.order_up_to_units, x.reorder_point_units, 0)
        AS excess_units
) e
WHERE x.snapshot_on = %(day)s AND e.excess_units > 0
"""
"""What sells has more than it is ordered up to; of what does not sell all is too much, but what a
reorder point wants kept."""
OVERVIEW = f"""
WITH excess AS MATERIALIZED ({EXCESS}), matching AS (
    SELECT * FROM excess
    WHERE (%(vendor)s::text IS NULL OR vendor_url IN (
            SELECT vendor_url FROM core.vendor WHERE name = %(vendor)s
            UNION SELECT '' WHERE %(vendor)s = ''))
      AND (%(category)s::text IS NULL OR category = %(category)s)
      AND (%(dead)s::boolean IS NULL OR is_dead = %(dead)s)
), page AS (
    SELECT * FROM matching ORDER BY value DESC NULLS LAST, excess_units DESC, product_url
    LIMIT %(rows)s OFFSET %(skip)s
)
SELECT e.product_url, p.sku, p.name, e.category, v.name AS vendor, e.vendor_url, x.available_units,
       greatest(x.order_up_to_units, x.reorder_point_units, 0) AS needed_units,
       d.velocity_units_per_day AS units_per_day,
       round(x.available_units / nullif(d.velocity_units_per_day, 0)) AS lasts_days,
       sold.last_on AS last_sold_on, received.last_on AS last_received_on,
       e.excess_units, e.value, e.currency, e.is_dead, (SELECT count(*) FROM matching) AS many,
       false AS by_vendor, false AS by_category
FROM page e
JOIN plan.decision x ON x.product_url = e.product_url AND x.snapshot_on = %(day)s
JOIN core.product p ON p.product_url = e.product_url
LEFT JOIN plan.demand d ON d.product_url = e.product_url AND d.snapshot_on = %(day)s
LEFT JOIN core.vendor v ON v.vendor_url = e.vendor_url
CROSS JOIN LATERAL (SELECT max(sold_on) AS last_on FROM core.demand_daily s
                    WHERE s.product_url = e.product_url AND s.units > 0) sold
CROSS JOIN LATERAL (SELECT max(s.received_on) AS last_on FROM core.purchase_order_line o
                    JOIN core.shipment s ON s.order_url = o.order_url
                    JOIN core.shipment_line l ON l.shipment_url = s.shipment_url
                     AND l.product_url = o.product_url AND l.units > 0
                    WHERE o.product_url = e.product_url AND s.removed_at IS NULL
                      AND s.shipment_type = 'PURCHASE_SHIPMENT'
                      AND s.status = 'SHIPMENT_DELIVERED') received
UNION ALL
SELECT NULL, NULL, NULL, t.category, coalesce(v.name, ''), t.vendor_url, NULL, NULL, NULL,
       NULL, NULL, NULL, t.excess_units, t.value, t.currency, t.is_dead, t.many, t.by_vendor,
       t.by_category
FROM (
    SELECT category, vendor_url, currency, is_dead, sum(excess_units) AS excess_units,
           sum(value) AS value, count(*) AS many, GROUPING(vendor_url) = 0 AS by_vendor,
           GROUPING(category) = 0 AS by_category
    FROM excess GROUP BY GROUPING SETS ((vendor_url, currency, is_dead),
                                        (category, currency, is_dead), (currency, is_dead))
) t LEFT JOIN core.vendor v USING (vendor_url)
ORDER BY value DESC NULLS LAST, excess_units DESC, sku, product_url
"""
"""Products and sums by one statement: what both are made of is looked up once."""


@dataclass(frozen=True, slots=True)
class Excess:
    """Stock above what is needed.

    Attributes:
        products: Of the page asked for, the most money first; `many` = how many match.
        sums: Products (`many`), units and value by vendor, by category and of all, per currency
            and kind, whatever the page was asked for.
    """

    products: list[Row]
    sums: list[Row]


def excess(
    connection: Connection, day: date | None, filters: Mapping[str, object], *, rows: int, skip: int
) -> Excess:
    """Return a page of products with too much stock, and what all of them come to."""
    result = connection.rows(OVERVIEW, day=day, rows=rows, skip=skip, **filters)
    return Excess(
        [row for row in result if row["product_url"] is not None],
        [row for row in result if row["product_url"] is None],
    )
