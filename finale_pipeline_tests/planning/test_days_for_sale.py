"""On which days a product is held to have been for sale."""

import json
from datetime import datetime, timedelta

import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    return Warehouse(connection)


def test_a_product_that_lay_unsold_is_not_new_on_the_day_of_its_first_sale(
    warehouse: Warehouse,
) -> None:
    """One sale yesterday is one in the 100 days that sales are known of, not one a day."""
    created = {"steady": 0, "lay": 700, "edited": 700, "watched": 30, "new": 1}
    for sku, days in created.items():
        warehouse.sales(
            warehouse.product(sku, available=1), [1.0] * (100 if sku == "steady" else 1)
        )
        warehouse.connection.execute(
            "UPDATE core.product SET updated_at = %s, payload = %s WHERE sku = %s",
            (
                NOW - timedelta(days=1 if sku == "edited" else days),
                "{}" if sku == "lay" else made_on(NOW - timedelta(days=days)),
                sku,
            ),
        )
    warehouse.connection.execute(
        "INSERT INTO core.stock_day VALUES (%s, now())", (AS_OF - timedelta(days=90),)
    )
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)

    found = {sku: warehouse.forecast_of(sku) for sku in created}
    assert found["steady"]["velocity_units_per_day"] == 1
    for old in ("lay", "edited"):
        assert 0.01 < found[old]["velocity_units_per_day"] < 0.05
        assert "new_product" not in found[old]["flags"]
    for new in ("watched", "new"):
        assert found[new]["velocity_units_per_day"] == 1
        assert "new_product" in found[new]["flags"]


@pytest.mark.parametrize("text", ["", "yesterday", "0001-01-01T00:00:00", "2024-13-01", 7, None])
def test_an_odd_day_of_creation_is_no_day(warehouse: Warehouse, text: object) -> None:
    warehouse.sales(warehouse.product("odd", available=1), [1.0])
    payload = json.dumps({"createdDate": text})
    warehouse.connection.execute("UPDATE core.product SET payload = %s", (payload,))
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)
    assert warehouse.forecast_of("odd")["velocity_units_per_day"] == 1


def made_on(moment: datetime) -> str:
    return json.dumps({"createdDate": f"{moment:%Y-%m-%dT%H:%M:%S}"})


def test_days_out_of_stock_are_no_days_without_demand(warehouse: Warehouse) -> None:
    """Out for a hundred days, and the shelf filled in between for one."""
    url, control = warehouse.product("out", available=0), warehouse.product("control")
    sold = [2.0] * 100 + [0.0] * 100
    sold[150] = sold[151] = 2.0
    for each in (url, control):
        warehouse.sales(each, sold)
    warehouse.stock_then(
        url,
        {
            AS_OF - timedelta(days=150): 100,
            AS_OF - timedelta(days=101): 0,
            AS_OF - timedelta(days=50): 5,
            AS_OF - timedelta(days=49): 0,
        },
    )
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)

    found = warehouse.forecast_of("out")
    # The day of the receipt did not begin with stock, but had a receipt; the next began with some.
    assert found["history_days"] - found["counted_days"] == 98
    assert found["velocity_units_per_day"] == 2
    assert "mostly_out_of_stock" not in found["flags"]
    assert warehouse.forecast_of("control")["velocity_units_per_day"] < 0.5
