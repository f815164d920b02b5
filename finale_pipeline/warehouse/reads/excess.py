"""Stock above what the cover needs, and stock that nobody buys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row

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
OVERVIEW = f"""
WITH excess AS MATERIALIZED ({EXCESS}), page AS (
    SELECT *, count(*) OVER () AS many FROM excess
    WHERE (%(vendor)s::text IS NULL OR vendor = %(vendor)s)
      AND (%(category)s::text IS NULL OR category = %(category)s)
      AND (%(dead)s::boolean IS NULL OR is_dead = %(dead)s)
    ORDER BY value DESC NULLS LAST, excess_units DESC, sku, product_url
    LIMIT %(rows)s OFFSET %(skip)s
)
SELECT product_url, sku, name, category, vendor, vendor_url, available_units, order_up_to_units,
       units_per_day, lasts_days, quiet_days, history_days, excess_units, value, currency, is_dead,
       many, false AS by_vendor, false AS by_category
FROM page
UNION ALL
SELECT NULL, NULL, NULL, category, vendor, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       sum(excess_units), sum(value), currency, is_dead, count(*), GROUPING(vendor) = 0,
       GROUPING(category) = 0
FROM excess GROUP BY GROUPING SETS ((vendor, currency, is_dead), (category, currency, is_dead),
                                    (currency, is_dead))
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
    found = connection.rows(OVERVIEW, day=day, rows=rows, skip=skip, **filters)
    return Excess(
        [row for row in found if row["product_url"] is not None],
        [row for row in found if row["product_url"] is None],
    )
