"""What mails and lists say of a product beside its level."""

from datetime import timedelta
from decimal import Decimal

import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    return Warehouse(connection)


def test_the_mails_are_told_what_the_newest_plan_says(warehouse: Warehouse) -> None:
    due = AS_OF + timedelta(days=3)
    short = warehouse.product("short", available=2)
    warehouse.sales(short, [4.0] * 300)
    covered = warehouse.product("covered", available=2, on_order=900)
    warehouse.sales(covered, [4.0] * 300)
    warehouse.open_order(covered, 900, due_on=due)
    for day in (AS_OF - timedelta(days=1), AS_OF):
        plan_day(warehouse.connection, day, SETTINGS, now=NOW)
    rows = warehouse.connection.execute(
        "SELECT product_url, suggested_units, due_on, money_at_risk > 0 FROM plan.outlook"
    ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert len(rows) == len(found)
    assert found[short][0] == warehouse.forecast_of("short")["quantity_units"] > 0
    assert found[short][1:] == (None, True)
    assert found[covered][:2] == (0, due)  # zero is said, and is not "unknown"


def test_money_at_risk_is_what_will_be_missing_at_cost(warehouse: Warehouse) -> None:
    """Two a day, 6 left, an order of today arrives in ten days: out on day 3, so 14 are missed."""
    world = {"runs out": (6, 10), "lasts": (20, 10), "backlog": (-4, 10)}
    for sku, (available, lead) in world.items():
        url = warehouse.product(sku, available=available, cost="5", lead_days=lead)
        warehouse.sales(url, [2.0] * 300)
    warehouse.product("never sold", available=0, cost="5", lead_days=10)
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)

    rows = warehouse.connection.execute(
        "SELECT p.sku, round(o.money_at_risk, 2) FROM plan.outlook o"
        " JOIN core.product p USING (product_url)"
    ).fetchall()
    found: dict[str, Decimal] = dict(rows)
    assert found["runs out"] == 14 * 5
    assert found["lasts"] == 0
    assert found["backlog"] == 20 * 5  # none to sell on any of the ten days
    assert not found.get("never sold")


def test_money_at_risk_is_in_the_accounts_currency(warehouse: Warehouse) -> None:
    known = warehouse.product("known", available=2, cost="2.5", vendor=None)
    warehouse.supplier(known, "acme", "7", 14)  # in USD, which may not be the account's
    foreign = warehouse.product("foreign", available=2, cost=None, vendor=None)
    warehouse.supplier(foreign, "acme", "7", 14)
    for url in (known, foreign):
        warehouse.sales(url, [4.0] * 300)
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)

    rows = warehouse.connection.execute("SELECT product_url, money_at_risk FROM plan.outlook")
    found = {row[0]: row[1] for row in rows.fetchall()}
    lost = Decimal(str(warehouse.forecast_of("known")["lost_units"]))
    assert found == {known: lost * Decimal("2.5"), foreign: None}
    assert lost > 0
