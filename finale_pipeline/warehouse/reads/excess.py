"""Stock above what the cover needs, and stock that nobody buys."""

from collections.abc import Mapping
from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row, rows_of

EXCESS = """
SELECT p.product_url, p.sku, p.name, coalesce(p.category, '') AS category,
       coalesce(v.name, '') AS vendor, coalesce(x.vendor_url, '') AS vendor_url,
       x.available_units, x.order_up_to_units, d.velocity_units_per_day AS units_per_day,
       CASE WHEN d.velocity_units_per_day > 0
            THEN round(x.available_units / d.velocity_units_per_day) END AS lasts_days,
       d.quiet_days, d.history_days, e.excess_units,
       e.excess_units * coalesce(p.cost, x.unit_cost) AS value,
       CASE WHEN p.cost IS NULL THEN x.currency END AS currency,
       coalesce(d.velocity_units_per_day, 0) = 0 AS is_dead
FROM plan.decision x
JOIN plan.demand d ON d.product_url = x.product_url AND d.snapshot_on = x.snapshot_on
JOIN core.product p ON p.product_url = x.product_url AND p.removed_at IS NULL
LEFT JOIN core.vendor v ON v.vendor_url = x.vendor_url
CROSS JOIN LATERAL (
    SELECT x.available_units - greatest(coalesce(x.order_up_to_units, 0),
                                        coalesce(x.reorder_point_units, 0)) AS excess_units
) e
WHERE x.snapshot_on = %(day)s AND e.excess_units > 0
"""
"""What sells has more than it is ordered up to; of what does not sell all is too much, but what a
reorder point wants kept."""
NARROWED = """
 WHERE (%(vendor)s::text IS NULL OR vendor = %(vendor)s)
   AND (%(category)s::text IS NULL OR category = %(category)s)
   AND (%(dead)s::boolean IS NULL OR is_dead = %(dead)s)
"""


def page(
    connection: Connection, day: date | None, filters: Mapping[str, object], *, rows: int, skip: int
) -> list[Row]:
    """Return products with too much stock, the most money first; `many` = how many there are."""
    return rows_of(
        connection,
        f"SELECT *, count(*) OVER () AS many FROM ({EXCESS}) t {NARROWED}"
        " ORDER BY value DESC NULLS LAST, excess_units DESC, sku, product_url"
        " LIMIT %(rows)s OFFSET %(skip)s",
        day=day, rows=rows, skip=skip, **filters,
    )  # fmt: skip


def sums(connection: Connection, day: date | None) -> list[Row]:
    """Return units and value by vendor, by category and of all, per currency and kind."""
    return rows_of(
        connection,
        f"SELECT vendor, category, currency, is_dead, count(*) AS products,"
        f" sum(excess_units) AS units, sum(value) AS value,"
        f" GROUPING(vendor) = 0 AS by_vendor, GROUPING(category) = 0 AS by_category"
        f" FROM ({EXCESS}) t GROUP BY GROUPING SETS ((vendor, currency, is_dead),"
        " (category, currency, is_dead), (currency, is_dead)) ORDER BY value DESC NULLS LAST",
        day=day,
    )
