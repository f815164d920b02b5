"""Purchase orders are written as section 7.6 and 10 of the description of Finale's API say."""

from collections.abc import Iterator

import pytest

from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.sandbox.writing import DRAFT, KEY, Buyer, buyer_of


@pytest.fixture
def buyer(sandbox: SandboxServer) -> Iterator[Buyer]:
    with buyer_of(sandbox) as made:
        yield made


def test_a_draft_is_made_found_by_its_key_and_read_back(buyer: Buyer) -> None:
    made = buyer.create()
    assert made["statusId"] == "ORDER_CREATED"
    assert made["createdDate"] == made["lastUpdatedDate"] == "2026-03-09T12:00:00"
    assert (made["orderDate"], made["receiveDate"]) == (
        "2026-03-09T00:00:00",
        "2026-03-23T00:00:00",
    )
    assert made["orderItemListTotal"] == 419.7
    assert [line["productId"] for line in made["orderItemList"]] == ["P-1", "P-2"]
    assert [line["orderItemUrl"] for line in made["orderItemList"]] == [
        f"{made['orderUrl']}/orderItem/0000000{n}" for n in (1, 2)
    ]
    assert {name for name in made if name.startswith("actionUrl")} == {
        "actionUrlLock", "actionUrlComplete", "actionUrlCancel",
    }  # fmt: skip
    assert buyer.read(made["orderUrl"]) == made
    (found,) = buyer.find(
        orderTypeId=["PURCHASE_ORDER", "PURCHASE_ORDER"],
        referenceNumber=[KEY, KEY],
        lastUpdatedDate=["2026-03-01", "2026-03-10"],
    )
    assert "orderItemList" not in found
    assert found["orderUrl"] == made["orderUrl"]
    (again,) = buyer.find(orderId=[made["orderId"]] * 2)
    assert again["orderUrl"] == made["orderUrl"]
    assert made["orderUrl"] != f"/demo/api/order/{made['orderId']}"
    assert buyer.find(referenceNumber=["RS-2", "RS-3"], statusId=["ORDER_LOCKED"] * 2) == []


def test_an_order_id_may_be_given_and_is_given_once(buyer: Buyer) -> None:
    made = buyer.create(orderId="RS-1")
    assert made["orderId"] == "RS-1"
    clash = buyer.post("/demo/api/order", DRAFT | {"orderId": "RS-1"})
    assert (clash.status_code, clash.json()) == (
        400, {"error": "An order with orderId RS-1 exists."},
    )  # fmt: skip
    assert [o["orderId"] for o in buyer.control("orders", origin="posted")] == ["RS-1"]
