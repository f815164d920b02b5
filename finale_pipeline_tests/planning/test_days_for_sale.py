"""On which days a product is held to have been for sale."""

from datetime import timedelta

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
            "UPDATE core.product SET updated_at = %s, created_at = %s WHERE sku = %s",
            (
                NOW - timedelta(days=1 if sku == "edited" else days),
                None if sku == "lay" else NOW - timedelta(days=days),
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
        assert 0.05 < found[new]["velocity_units_per_day"] < 0.2  # one, but not one a day
        assert "new_product" in found[new]["flags"]
