"""plan.forecast_outcome: what is read to reckon it, and how it is written."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.frames import bound
from finale_pipeline.warehouse.plan_days import merge

TABLE = "plan.forecast_outcome"

PLANNED = """
SELECT snapshot_on FROM (SELECT DISTINCT snapshot_on FROM plan.demand) d
WHERE snapshot_on >= %(since)s
   OR NOT EXISTS (SELECT FROM plan.forecast_outcome o WHERE o.snapshot_on = d.snapshot_on)
  AND EXISTS (SELECT FROM plan.demand f
              WHERE f.snapshot_on = d.snapshot_on AND f.demand_units IS NOT NULL)
"""
NUMBERED = """
CREATE TEMP TABLE met AS
SELECT row_number() OVER (ORDER BY product_url) - 1 AS number, product_url
FROM (SELECT DISTINCT product_url FROM plan.demand WHERE snapshot_on = ANY ({days}::date[])) d
"""
URLS = "SELECT product_url FROM met ORDER BY number"
"""In the order of the numbers."""
ENDED = """
FROM plan.demand d WHERE d.snapshot_on = ANY ({days}::date[]) AND d.demand_units IS NOT NULL
    AND d.snapshot_on + d.protection_days::int <= {until}
"""
FORECASTS = f"""
SELECT m.number, d.snapshot_on, d.snapshot_on - date '1970-01-01', d.protection_days::int,
       d.protection_days, o.demanded_units, o.naive_units
FROM (SELECT d.* {ENDED}) d JOIN met m USING (product_url)
LEFT JOIN plan.forecast_outcome o
    ON o.product_url = d.product_url AND o.snapshot_on = d.snapshot_on
ORDER BY 1, 2
"""
"""Forecasts of some days whose time has passed, with what is kept of their outcome."""
DEMAND = """
SELECT m.number, s.sold_on - date '1970-01-01', round(1000000 * s.units)::bigint
FROM core.demand_daily s JOIN met m USING (product_url)
WHERE s.sold_on >= {since} AND s.sold_on < {until} ORDER BY 1, 2
"""
"""Demand between two days, in millionths of units: sums of them are exact."""
FORGET = f"""
DELETE FROM plan.forecast_outcome o USING (
    SELECT product_url, snapshot_on FROM plan.forecast_outcome
    WHERE snapshot_on = ANY ({{days}}::date[])
    EXCEPT SELECT d.product_url, d.snapshot_on {ENDED}
) g WHERE o.product_url = g.product_url AND o.snapshot_on = g.snapshot_on
"""


def planned(connection: Connection, since: date) -> list[date]:
    """Return the days since one that have a plan, and earlier ones without any outcome."""
    return [row["snapshot_on"] for row in connection.rows(PLANNED, since=since)]


def number(connection: Connection, days: Sequence[date]) -> None:
    """Number the products that were forecast on some days, for the statements above."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.met")
    connection.execute(bound(connection, NUMBERED, {"days": list(days)}))
    connection.execute("ANALYZE met")


def write(
    connection: Connection, changed: pl.DataFrame, values: Mapping[str, object], *, now: datetime
) -> None:
    """Write outcomes that are new or not what is kept; forget those of no forecast that ended.

    Args:
        values: `days` that were looked at, and `until` when.
    """
    merge(connection, TABLE, changed, now=now)
    with database_errors(f"writing {TABLE}"):
        connection.execute(bound(connection, FORGET, values))
