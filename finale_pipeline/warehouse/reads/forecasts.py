"""Forecasts of a day, as lists; and how good those of the last weeks were."""

from dataclasses import dataclass, replace
from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row, rows_of
from finale_pipeline.warehouse.reads.listing import Listing

FORECASTS = Listing(
    name="forecasts",
    query="SELECT * FROM mart.forecast WHERE snapshot_on ="
    " coalesce(%(day)s::date, (SELECT snapshot_on FROM plan.newest))",
    key=("product_url", "text"),
    sorts={
        "sku": "text",
        "days_until_stockout": "numeric",
        "must_order_by_on": "date",
        "velocity_units_per_day": "numeric",
        "quantity_units": "numeric",
        "lost_units": "numeric",
    },
    order="sku",
    filters={
        "q": "(strpos(lower(sku), lower(%(q)s)) > 0 OR strpos(lower(name), lower(%(q)s)) > 0)",
        "vendor": "vendor = %(vendor)s",
        "abc_class": "abc_class = %(abc_class)s",
        "order_now": "order_now = %(order_now)s",
    },
)
SCORES = (
    "SELECT scored_on, method, loss_q50, loss_q90, loss_q95, bias, is_in_use"
    " FROM plan.forecast_score WHERE source = %s AND scored_on <= %s AND scored_on > %s"
    " AND segment = 'all'"
    " ORDER BY scored_on"
)
"""How methods were scored, up to a day and after another one."""


def forecasts_on(day: date | None) -> Listing:
    """Return the list of the forecasts of a day; None = the newest."""
    return replace(FORECASTS, fixed={"day": day})


WEEKS = 12
"""Plans of so many weeks are looked back on: the first of each."""
LEAST_ROWS = 20
"""Fewer forecasts than this say nothing about a share."""

OUTCOMES = """
WITH monday AS (
    SELECT (SELECT min(f.snapshot_on) FROM mart.forecast f
            WHERE f.snapshot_on >= t.today_on - 7 * k AND f.snapshot_on < t.today_on - 7 * k + 7)
           AS snapshot_on
    FROM core.today t, generate_series(1, %(weeks)s) AS k
), outcome AS MATERIALIZED (
    SELECT o.snapshot_on, o.product_url, o.sku, o.name, f.vendor, f.method, f.abc_class,
           f.xyz_class, o.protection_days, o.service_level, o.demand_units, o.demanded_units,
           o.is_held, o.demanded_units <= o.demand_q50_units AS is_held_q50,
           o.demanded_units <= o.demand_q95_units AS is_held_q95,
           (SELECT coalesce(sum(s.units), 0) FROM core.sales_daily s
            WHERE s.product_url = o.product_url AND s.sold_on < o.snapshot_on
              AND s.sold_on >= o.snapshot_on - 30) * o.protection_days / 30 AS naive_units
    FROM mart.forecast_outcome o
    JOIN mart.forecast f USING (snapshot_on, product_url)
    WHERE o.snapshot_on IN (SELECT snapshot_on FROM monday) AND f.velocity_units_per_day > 0
      AND (%(vendor)s::text IS NULL OR f.vendor = %(vendor)s)
      AND (%(sku)s::text IS NULL OR o.sku = %(sku)s)
)
"""
MEASURES = """
       count(*) AS forecasts, avg(service_level) AS asked, avg(is_held::int) AS held,
       avg(is_held_q50::int) AS held_q50, avg(is_held_q95::int) AS held_q95,
       sum(demand_units) AS expected_units, sum(demanded_units) AS demanded_units,
       sum(demand_units - demanded_units) / nullif(sum(demanded_units), 0) AS bias,
       sum(abs(demand_units - demanded_units)) / nullif(sum(demanded_units), 0) AS error,
       sum(abs(naive_units - demanded_units)) / nullif(sum(demanded_units), 0) AS naive_error
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the plans of the last weeks said, and what came.

    Attributes:
        groups: Measures of all, and by method, ABC class and XYZ class: `kind`, `name`, …
        weeks: Measures by the day of the plan, the newest first.
        worse: Products whose forecasts were farther off than the 30-day mean, worst first.
    """

    groups: list[Row]
    weeks: list[Row]
    worse: list[Row]


def outcomes(
    connection: Connection, *, vendor: str | None = None, sku: str | None = None
) -> Outcomes:
    """Return how good the forecasts of the last weeks were, of all, a vendor or a product."""
    values = {"weeks": WEEKS, "vendor": vendor, "sku": sku}
    groups = rows_of(
        connection,
        f"{OUTCOMES} SELECT CASE WHEN grouping(method) = 0 THEN 'method'"
        " WHEN grouping(abc_class) = 0 THEN 'ABC class'"
        " WHEN grouping(xyz_class) = 0 THEN 'XYZ class' ELSE 'all' END AS kind,"
        f" coalesce(method, abc_class, xyz_class, 'all') AS name, {MEASURES} FROM outcome"
        " GROUP BY GROUPING SETS ((), (method), (abc_class), (xyz_class))"
        " ORDER BY grouping(method, abc_class, xyz_class) DESC, 1, 2",
        **values,
    )
    weeks = rows_of(
        connection,
        f"{OUTCOMES} SELECT snapshot_on, {MEASURES} FROM outcome GROUP BY 1 ORDER BY 1 DESC",
        **values,
    )
    worse = rows_of(
        connection,
        f"{OUTCOMES} SELECT sku, name, {MEASURES} FROM outcome GROUP BY product_url, 1, 2"
        " HAVING sum(abs(demand_units - demanded_units)) > sum(abs(naive_units - demanded_units))"
        " ORDER BY sum(abs(demand_units - demanded_units) - abs(naive_units - demanded_units)) DESC"
        " LIMIT 25",
        **values,
    )
    return Outcomes(groups, weeks, worse)


def scores(connection: Connection) -> list[Row]:
    """Return the newest scores of every method: by the week, and by the newest backtest."""
    return rows_of(
        connection,
        "SELECT s.* FROM mart.forecast_score s JOIN (SELECT source, max(scored_on) AS scored_on"
        " FROM mart.forecast_score WHERE source IN ('weekly', 'backtest') GROUP BY 1) n"
        " USING (source, scored_on) ORDER BY source DESC, window_days, loss_q95,"
        " service_level, method",
    )
