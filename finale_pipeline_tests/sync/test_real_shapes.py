"""An account with everything that real ones have goes through a full sync, over the sandbox."""

from typing import Any

from finale_pipeline.sandbox.account import Account
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.products import product
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, assert_mirrors, sync

URL = "/demo/api/product/shape-"


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(map(plain, row)) for row in connection.execute(query.encode()).fetchall()]


def plain(cell: Any) -> Any:
    return float(cell) if hasattr(cell, "as_tuple") else cell


def test_real_shapes_are_units_and_in_their_place(
    settings: Settings, account: Account, connection: Connection
) -> None:
    account.show_shapes()
    sync(settings.model_copy(update={"dropship_field": "Dropshipped=yes"}))
    assert_mirrors(connection, account)
    assert rows(
        connection,
        "SELECT on_hand_units, on_order_units, reserved_units FROM mart.stock"
        " WHERE sku IN ('CASE-12', 'LOTTED') ORDER BY sku",
    ) == [(121, 60, 24), (15, 0, 0)]
    assert rows(
        connection,
        "SELECT p.sku, sum(d.units) FROM core.demand_daily d JOIN core.product p"
        " USING (product_url) WHERE p.name LIKE 'Shape %' GROUP BY 1 ORDER BY 1",
    ) == [
        ("CASE-12", 144 + 24),  # shipped, and completed without a moved shipment
        ("KIT", 4),
        ("LOTTED", 57),  # delivered through a fulfillment order
        ("PART-A", 4 * 3 + 6),  # in kits, and used by the build that is done
        ("PART-B", 4 + 2),
    ]
    assert rows(
        connection,
        "SELECT sku, is_dropship, keeps_stock FROM mart.product"
        " WHERE is_dropship OR NOT keeps_stock ORDER BY 1",
    ) == [("KIT", False, False), ("SHIPPED-BY-VENDOR", True, True)]
    assert rows(
        connection,
        "SELECT location, sku, incoming_units, outgoing_units FROM mart.transfer_by_location"
        " ORDER BY 1, 2",
    ) == [
        ("Warehouse 1", "PART-A", 0, 7), ("Warehouse 1", "PART-B", 0, 4),
        ("Warehouse 2", "PART-A", 7, 0), ("Warehouse 2", "PART-B", 4, 0),
    ]  # fmt: skip
    assert rows(
        connection, "SELECT sku, makeable_units, limiting_sku FROM mart.kit_availability"
    ) == [("KIT", 16, "PART-A")]
    assert rows(
        connection,
        "SELECT o.is_open, l.open_units FROM mart.purchase_order o"
        " JOIN core.purchase_order_line l USING (order_url) WHERE o.order_id LIKE '%Dropship%'",
    ) == [(False, 0)]
    critical = rows(connection, "SELECT product_url FROM plan.critical_item")
    assert (f"{URL}KIT",) not in critical
    assert (f"{URL}SHIPPED-BY-VENDOR",) not in critical
    for sku, note in (
        ("SHIPPED-BY-VENDOR", "Its vendor ships it to customers"),
        ("KIT", "It is put together of its components"),
        ("CASE-12", "1 completed orders moved no shipment of it"),
    ):
        shown = product(connection, sku)
        assert shown is not None
        assert [one.startswith(note) for one in shown["notes"]] == [True], sku
    assert_ledger_is_closed(connection)
