"""Forecasts of a day, as lists; and how good those of the last weeks were."""

from dataclasses import dataclass, replace
from datetime import date

from finale_pipeline.warehouse.connect import Connection, Row
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

MONDAYS = """
SELECT (SELECT min(d.snapshot_on) FROM plan.demand d
        WHERE d.snapshot_on >= t.today_on - 7 * k AND d.snapshot_on < t.today_on - 7 * k + 7)
       AS snapshot_on
FROM core.today t, generate_series(1, %(weeks)s) AS k
"""
SUMMED = """
WITH summed AS MATERIALIZED (
    SELECT snapshot_on, method, abc_class, xyz_class, product_url,
           count(*) AS forecasts, sum(service_level) AS asked,
           count(*) FILTER (WHERE is_held) AS held,
           count(*) FILTER (WHERE is_held_q50) AS held_q50,
           count(*) FILTER (WHERE is_held_q95) AS held_q95,
           sum(demand_units) AS expected_units, sum(demanded_units) AS demanded_units,
           sum(abs(error_units)) AS missed_units,
           sum(abs(naive_units - demanded_units)) AS naive_missed_units
    FROM mart.forecast_outcome
    WHERE snapshot_on = ANY (%(days)s::date[]) AND velocity_units_per_day > 0
      AND (%(vendor)s::text IS NULL OR vendor = %(vendor)s)
      AND (%(sku)s::text IS NULL OR sku = %(sku)s)
    GROUP BY GROUPING SETS ((snapshot_on, method, abc_class, xyz_class), (product_url))
), class AS (SELECT * FROM summed WHERE snapshot_on IS NOT NULL),
product AS (SELECT * FROM summed WHERE snapshot_on IS NULL)
"""
"""Forecasts that have met what came, added up by day and class, and by product.

The days are given, not asked for inside: the planner then knows how many rows there are.
"""
MEASURES = """
       coalesce(sum(forecasts), 0)::bigint AS forecasts, sum(asked) / sum(forecasts) AS asked,
       sum(held) / sum(forecasts) AS held, sum(held_q50) / sum(forecasts) AS held_q50,
       sum(held_q95) / sum(forecasts) AS held_q95, sum(expected_units) AS expected_units,
       sum(demanded_units) AS demanded_units,
       sum(expected_units - demanded_units) / nullif(sum(demanded_units), 0) AS bias,
       sum(missed_units) / nullif(sum(demanded_units), 0) AS error,
       sum(naive_missed_units) / nullif(sum(demanded_units), 0) AS naive_error
"""
PARTS = f"""
(SELECT 'group' AS part, CASE WHEN grouping(method) = 0 THEN 'method'
            WHEN grouping(abc_class) = 0 THEN 'ABC class'
            WHEN grouping(xyz_class) = 0 THEN 'XYZ class' ELSE 'all' END AS kind,
        coalesce(method, abc_class, xyz_class, 'all') AS name, NULL AS sku,
        NULL::date AS snapshot_on,
        row_number() OVER (ORDER BY grouping(method, abc_class, xyz_class) DESC,
                           coalesce(method, abc_class, xyz_class)) AS place, {MEASURES}
 FROM class GROUP BY GROUPING SETS ((), (method), (abc_class), (xyz_class)))
UNION ALL
(SELECT 'week', NULL, NULL, NULL, snapshot_on, row_number() OVER (ORDER BY snapshot_on DESC),
        {MEASURES} FROM class GROUP BY snapshot_on)
UNION ALL
(SELECT 'worse', NULL, name, sku, NULL,
        row_number() OVER (ORDER BY sum(missed_units - naive_missed_units) DESC, sku),
        {MEASURES} FROM product JOIN core.product p USING (product_url)
 WHERE missed_units > naive_missed_units GROUP BY product_url, sku, name ORDER BY 6 LIMIT 25)
ORDER BY part, place
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


def looked_at(connection: Connection) -> list[date]:
    """Return the days whose plans are looked back on, the newest first."""
    mondays = connection.rows(MONDAYS, weeks=WEEKS)
    return [row["snapshot_on"] for row in mondays if row["snapshot_on"] is not None]


def reckoned(connection: Connection) -> tuple[object, ...]:
    """Return what differs once `outcomes` may: the days, and when any day was last planned."""
    planned = connection.only_row("SELECT max(planned_at), count(*) FROM plan.day_total")
    return (*planned, *looked_at(connection))


def outcomes(
    connection: Connection, *, vendor: str | None = None, sku: str | None = None
) -> Outcomes:
    """Return how good the forecasts of the last weeks were, of all, a vendor or a product."""
    days = looked_at(connection)
    rows = connection.rows(f"{SUMMED}{PARTS}", days=days, vendor=vendor, sku=sku)
    parts: dict[str, list[Row]] = {"group": [], "week": [], "worse": []}
    for row in rows:
        parts[row.pop("part")].append(row)
    return Outcomes(parts["group"], parts["week"], parts["worse"])


def scores(connection: Connection) -> list[Row]:
    """Return the newest scores of every method: by the week, and by the newest backtest."""
    return connection.rows(
        "SELECT s.* FROM mart.forecast_score s JOIN (SELECT source, max(scored_on) AS scored_on"
        " FROM mart.forecast_score WHERE source IN ('weekly', 'backtest') GROUP BY 1) n"
        " USING (source, scored_on) ORDER BY source DESC, window_days, loss_q95,"
        " service_level, method"
    )
