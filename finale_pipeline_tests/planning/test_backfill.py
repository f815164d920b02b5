"""Past days planned as a range, and what came of their forecasts."""

from datetime import timedelta
from typing import Any

from finale_pipeline.planning.plan import plan_day, plan_days
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse

PLAN = (
    "plan.demand", "plan.decision", "plan.forecast_by_location", "plan.calibration",
    "plan.purchase_order_draft_line", "plan.forecast_score",
)  # fmt: skip


def everything(warehouse: Warehouse) -> dict[str, list[Any]]:
    return {table: warehouse.rows(table) for table in PLAN}


def test_days_together_are_planned_as_each_alone(connection: Connection) -> None:
    """Their demand is read once; what came in between, or went, is there when its day comes."""
    warehouse = Warehouse(connection)
    days = [AS_OF - timedelta(days=n) for n in (0, 45, 90)]
    for n in range(9):
        url = warehouse.product(f"p{8 - n}", available=9 * n)
        warehouse.sales(url, [float((day * (n + 3)) % (n + 4) == 0) for day in range(40 * n)])
        shelf = {AS_OF - timedelta(days=13 * k): float((k * n) % 4) for k in range(12)}
        warehouse.stock_then(url, shelf)
    gone = warehouse.product("gone", available=1)
    warehouse.sales(gone, [1.0] * 200)
    for day in days:
        plan_day(connection, day, SETTINGS, now=NOW)
    before = everything(warehouse)
    for table in PLAN:
        connection.execute(f"TRUNCATE {table}")

    found = [report.as_of for report in plan_days(connection, days, SETTINGS, now=NOW)]

    assert found == days[::-1]
    assert everything(warehouse) == before
    together = plan_days(connection, days, SETTINGS, now=NOW)
    next(together)
    connection.execute("UPDATE core.product SET removed_at = now() WHERE product_url = %s", (gone,))
    late = warehouse.product("p00", available=1)
    warehouse.sales(late, [2.0] * 200)
    assert [len(report.inputs.history) for report in together] == [8, 9]
    assert warehouse.forecast_of("p00")["velocity_units_per_day"] == 2


def test_forecasts_meet_what_was_demanded(connection: Connection) -> None:
    warehouse = Warehouse(connection)
    url = warehouse.product("risen", available=9)
    warehouse.sales(url, [2.0] * 140 + [0.0, 3.0] * 30)
    days = [AS_OF - timedelta(days=n) for n in (60, 41, 22, 20)]
    assert len(list(plan_days(connection, days, SETTINGS, now=NOW))) == 4

    rows: list[Any] = connection.execute(
        "SELECT snapshot_on, demand_units, demanded_units, error_units, is_held,"
        " demand_service_units FROM mart.forecast_outcome WHERE sku = 'risen' ORDER BY 1"
    ).fetchall()

    # The last day's 21 days are not over; 60 days ago began 11 days of 0 and 10 of 3.
    assert [row[0] for row in rows] == days[:3]
    _, expected, demanded, error, held, quantile = rows[0]
    assert (expected, demanded, error) == (42, 30, -12)
    assert held == (demanded <= quantile)
    assert rows[1][2] == 33  # begun on a day of 3
