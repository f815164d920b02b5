"""Purchase orders: lines, receipts, what is still to come, how long vendors take."""

from decimal import Decimal
from typing import Any

import pytest

from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.records import ORDER
from finale_pipeline.finale.wire import decode_records
from finale_pipeline.settings import Settings
from finale_pipeline.sync.source import open_client
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.sync.helpers import sync
from finale_pipeline_tests.sync.shop import Shop


def purchase(shop: Shop, *lines: tuple[str, float], status: str = "LOCKED", **more: Any) -> str:
    items = [
        {"productUrl": f"/demo/api/product/{p}", "productId": p, "quantity": n, "unitPrice": "2.5"}
        for p, n in lines
    ]
    fields = {
        "orderTypeId": "PURCHASE_ORDER",
        "orderItemList": items,
        "orderRoleList": [{"roleTypeId": "SUPPLIER", "partyId": "10001"}],
        "receiveDate": "2026-03-20T00:00:00",
    }
    return shop.order("PO 1/é#%", "2026-03-01T00:00:00", status, **fields | more)


def receipt(shop: Shop, number: str, order: str, *lines: tuple[str, float], **more: Any) -> None:
    fields = {
        "shipmentTypeId": "PURCHASE_SHIPMENT",
        "receiveDate": "2026-03-11T10:00:00",
        "shipDate": None,
    }
    shop.shipment(number, *lines, order=order, status="DELIVERED", **fields | more)


def lines(connection: Connection) -> list[tuple[Any, ...]]:
    """Return SKU, ordered, received and open units of each line."""
    rows: list[Any] = connection.execute(
        "SELECT sku, quantity_units, received_units, open_units FROM core.purchase_order_line"
        " ORDER BY position"
    ).fetchall()
    return [(sku, *map(float, units)) for sku, *units in rows]


def header(connection: Connection) -> tuple[Any, ...]:
    row: Any = connection.execute(
        "SELECT is_open, to_char(due_on, 'MM-DD'), to_char(received_on, 'MM-DD'), vendor_url"
        " FROM core.purchase_order"
    ).fetchone()
    return tuple(row)


def test_receipts_fill_the_lines_of_an_order(
    shop: Shop,
    served: Settings,
    connection: Connection,
) -> None:
    order = purchase(shop, ("A", 10), ("B", 4), ("A", 5))
    sync(served, "full")
    vendor = "/demo/api/partygroup/10001"
    assert lines(connection) == [("A", 10, 0, 10), ("B", 4, 0, 4), ("A", 5, 0, 5)]
    assert header(connection) == (True, "03-20", None, vendor)
    shop.later()
    receipt(shop, "1", order, ("A", 12))
    receipt(shop, "2", order, ("B", 1), statusId="SHIPMENT_INPUT")
    sync(served, "sales")
    assert lines(connection) == [("A", 10, 10, 0), ("B", 4, 0, 4), ("A", 5, 2, 3)]
    assert header(connection) == (True, "03-20", "03-11", vendor)
    shop.later()
    receipt(shop, "2", order, ("B", 4))
    receipt(shop, "3", order, ("A", 9), receiveDate="2026-03-15T10:00:00")
    sync(served, "sales")
    # 6 more came than were ordered; the order stays committed in Finale, and is open no more
    assert lines(connection) == [("A", 10, 10, 0), ("B", 4, 4, 0), ("A", 5, 11, 0)]
    assert header(connection) == (False, "03-20", "03-15", vendor)
    shop.later()
    receipt(shop, "1", order, ("A", 12), ("A", -12))
    sync(served, "sales")
    assert lines(connection) == [("A", 10, 9, 1), ("B", 4, 4, 0), ("A", 5, 0, 5)]


@pytest.mark.parametrize("status", ["CREATED", "COMPLETED", "CANCELLED"])
def test_nothing_is_to_come_of_an_order_that_is_not_committed(
    shop: Shop,
    served: Settings,
    connection: Connection,
    status: str,
) -> None:
    purchase(shop, ("A", 10))
    sync(served, "sales")
    assert lines(connection) == [("A", 10, 0, 10)]
    shop.later()
    purchase(shop, ("A", 10), status=status)
    sync(served, "sales")
    assert lines(connection) == [("A", 10, 0, 0)]
    assert header(connection)[0] is False


def test_lines_are_asked_for_only_when_the_order_changed(
    shop: Shop,
    served: Settings,
    connection: Connection,
) -> None:
    purchase(shop, ("A", 10))
    sync(served, "sales")
    assert sync(served, "sales").client.usage.api_calls == 4
    shop.later()
    purchase(shop, ("B", 3), ("A", 8))
    run = sync(served, "sales")
    assert run.client.usage.api_calls == 5
    assert lines(connection) == [("B", 3, 0, 3), ("A", 8, 0, 8)]
    assert run.counts["core.purchase_order_line"].as_dict() == {
        "read": 2, "inserted": 1, "updated": 1, "unchanged": 0, "removed": 0, "rejected": 0,
    }  # fmt: skip
    shop.later()
    purchase(shop, ("A", 1))
    sync(served, "sales")
    assert lines(connection) == [("A", 1, 0, 1)]


def test_lines_that_come_with_the_collection_cost_no_further_request(
    shop: Shop,
    served: Settings,
    connection: Connection,
) -> None:
    shop.account.tables["order"]._hidden = None
    purchase(shop, ("A", 10))
    run = sync(served, "sales")
    assert lines(connection) == [("A", 10, 0, 10)]
    assert run.counts["core.purchase_order_line"].inserted == 1
    assert run.client.usage.api_calls <= 5


def test_an_order_that_finale_lists_and_does_not_show_is_counted_as_rejected(
    shop: Shop,
    served: Settings,
    connection: Connection,
) -> None:
    table = shop.account.tables["order"]
    table.find("none yet")
    url = purchase(shop, ("A", 10))
    assert table._places is not None
    table._places.pop(url)
    run = sync(served, "sales")
    assert run.counts["core.purchase_order_line"].rejected == 1
    reason = connection.execute("SELECT record_key, reason FROM ops.sync_reject").fetchall()
    assert reason == [(url, "Finale lists this order and does not show it")]
    assert header(connection)[0] is True  # as long as nothing came


def test_the_lead_time_of_a_vendor_is_measured(
    shop: Shop,
    served: Settings,
    connection: Connection,
) -> None:
    order = purchase(shop, ("A", 10))
    receipt(shop, "1", order, ("A", 5), receiveDate="2026-03-05T10:00:00")
    receipt(shop, "2", order, ("A", 5), receiveDate="2026-03-09T10:00:00")
    sync(served, "full")
    row: Any = connection.execute(
        "SELECT vendor_url, orders, median_days, sd_days FROM mart.vendor_lead_time"
    ).fetchone()
    assert row[:2] == ("/demo/api/partygroup/10001", 1)
    assert row[2] == 6  # half after 4 days, half after 8
    assert row[3] is None
    shown: Any = connection.execute(
        "SELECT is_open, ordered_units, open_units FROM mart.purchase_order"
    ).fetchone()
    assert shown == (False, Decimal(10), Decimal(0))


def test_a_single_record_counts_in_the_minute_alone(
    url: str,
    shop: Shop,
    served: Settings,
) -> None:
    order = purchase(shop, ("A", 10))
    few = served.model_copy(update={"collections_per_hour": 1})
    with open_client(few, url) as client:
        assert all(client.record(ORDER, order) for _ in range(4))
        assert client.record(ORDER, "/demo/api/order/none") is None
        client.body(ORDER)


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/x", "/other/api/order/1", "/demo/api/order/", "/demo/api/order/../x"],
)
def test_an_address_that_is_no_record_of_the_account_is_never_asked(
    url: str,
    served: Settings,
    address: str,
) -> None:
    with open_client(served, url) as client:
        with pytest.raises(MalformedError, match="is no address of a record"):
            client.record(ORDER, address)
        assert client.usage.api_calls == 0


def test_an_error_in_place_of_a_record_is_never_taken_for_one() -> None:
    with pytest.raises(MalformedError, match="is no record but has only: success, errorMessage"):
        decode_records([b'{"success":false,"errorMessage":"internal error"}'], ORDER)
    with pytest.raises(MalformedError, match="cannot be read"):
        decode_records([b'["a"]'], ORDER)


def test_single_records_with_different_fields_are_one_frame() -> None:
    one = b'{"orderUrl":"/a","orderTypeId":"X","statusId":"S","lastUpdatedDate":"2026-03-01"}'
    two = one.replace(b"/a", b"/b").replace(b"}", b',"orderItemListTotal":"3.5"}')
    frame = decode_records([one, two], ORDER).frame
    assert frame["total"].to_list() == [None, 3.5]
