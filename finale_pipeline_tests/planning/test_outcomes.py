"""What came of forecasts is that which the plain definition says, however late demand changes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.forecasts import outcomes
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse

DEFINED = """
SELECT f.product_url, f.snapshot_on, f.abc_class, f.velocity_units_per_day > 0 AS sells,
       f.demand_units, f.demand_service_units,
       coalesce(sum(d.units) FILTER (WHERE d.sold_on >= f.snapshot_on), 0) AS demanded,
       round(coalesce(sum(d.units) FILTER (WHERE d.sold_on < f.snapshot_on), 0)
             * f.protection_days / 30, 6) AS naive
FROM plan.demand f LEFT JOIN core.demand_daily d
    ON d.product_url = f.product_url AND d.sold_on >= f.snapshot_on - 30
    AND d.sold_on < f.snapshot_on + f.protection_days::int
WHERE f.demand_units IS NOT NULL
  AND f.snapshot_on + f.protection_days::int <= (SELECT max(sold_on) FROM core.sales_daily)
GROUP BY f.product_url, f.snapshot_on, f.protection_days ORDER BY 1, 2
"""
KEPT = (
    "SELECT product_url, snapshot_on, demanded_units, naive_units FROM plan.forecast_outcome"
    " ORDER BY 1, 2"
)
PAST = [AS_OF - timedelta(days=n) for n in (330, 75, 61, 40, 39)]


def defined(connection: Connection) -> list[dict[str, Any]]:
    """Return what the definition says, and see that it is what is kept."""
    rows = connection.rows(DEFINED)
    kept = [tuple(row.values()) for row in connection.rows(KEPT)]
    names = ("product_url", "snapshot_on", "demanded", "naive")
    # A half in the last of six decimals goes either way.
    for row, found in zip([[row[name] for name in names] for row in rows], kept, strict=True):
        assert (*row[:3], pytest.approx(row[3], abs=Decimal("2e-6"))) == found
    return rows


def change(warehouse: Warehouse, chance: np.random.Generator, urls: list[str]) -> None:
    """Enter, correct, take back and return some sales of the last hundred days."""
    run = warehouse.connection.execute
    for url in urls:
        day = AS_OF - timedelta(days=int(chance.integers(1, 100)))
        run("DELETE FROM core.sales_daily WHERE product_url = %s AND sold_on = %s", (url, day))
        units = float(chance.choice((1.0, 2.25, 70.0)))
        warehouse.sales(url, [units], until=day + timedelta(days=1))
        run(
            "UPDATE core.sales_daily SET returned_units = least(units, 1.5) WHERE product_url = %s"
            " AND sold_on > %s",
            (url, AS_OF - timedelta(days=int(chance.integers(60)))),
        )
        run(
            "DELETE FROM core.sales_daily WHERE product_url = %s AND sold_on = %s",
            (url, AS_OF - timedelta(days=int(chance.integers(1, 100)))),
        )
        run(
            "INSERT INTO core.component_demand (product_url, used_on, kit_units, build_units)"
            " VALUES (%s, %s, 0.5, 2) ON CONFLICT DO NOTHING",
            (str(chance.choice(urls)), AS_OF - timedelta(days=int(chance.integers(1, 90)))),
        )


def test_outcomes_are_as_defined_whatever_comes_late(connection: Connection) -> None:
    warehouse, chance = Warehouse(connection), np.random.default_rng(7)
    urls = []
    for n in range(12):
        lead = float(chance.choice((3.0, 10.5, 14.0, 20.25)))
        urls.append(warehouse.product(f"p{n:02}", available=9 * n, lead_days=lead))
        rate = chance.random()
        sold = chance.choice((1.0, 0.125, 6.0), 420) * (chance.random(420) < rate)
        warehouse.sales(urls[-1], sold.tolist())
    for day in PAST:
        plan_day(connection, day, SETTINGS, now=NOW)
        defined(connection)
    for _ in range(2):
        change(warehouse, chance, urls)
        plan_day(connection, AS_OF, SETTINGS, now=NOW)
        rows = [row for row in defined(connection) if row["sells"]]
    assert {row["snapshot_on"] for row in rows} == set(PAST)
    unchanged = "SELECT count(*) FROM plan.forecast_outcome WHERE changed_at = %s"
    again = NOW + timedelta(hours=1)
    plan_day(connection, AS_OF, SETTINGS, now=again)
    assert connection.execute(unchanged, (again,)).fetchall() == [(0,)]

    found = outcomes(connection)
    looked = [row for row in rows if row["snapshot_on"] in PAST[1:4]]  # the firsts of their weeks
    for group in found.groups:
        if group["kind"] in {"all", "ABC class"}:
            mine = [row for row in looked if group["name"] in {"all", row["abc_class"]}]
            demanded = sum(row["demanded"] for row in mine)
            assert group["forecasts"] == len(mine) > 0
            assert group["demanded_units"] == demanded
            held = sum(row["demanded"] <= row["demand_service_units"] for row in mine)
            assert round(group["held"] * len(mine), 6) == held
            for name, said in (("error", "demand_units"), ("naive_error", "naive")):
                missed = sum(abs(row[said] - row["demanded"]) for row in mine)
                assert float(group[name]) == pytest.approx(float(missed / demanded), rel=1e-6)

    # Planned again with a longer lead time, their time has not passed any more.
    connection.execute("UPDATE core.product_supplier SET lead_time_days = 70")
    plan_day(connection, PAST[3], SETTINGS, now=again)
    assert PAST[3] not in {row["snapshot_on"] for row in defined(connection)}
