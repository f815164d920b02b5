"""Purchase orders and the stock: drafts do nothing, committed ones are on order, then on hand."""

from datetime import timedelta

from finale_pipeline_tests.conftest import NOW
from finale_pipeline_tests.sandbox.writing import Buyer

DAY = 86_400


def test_only_a_committed_order_is_on_order(buyer: Buyer) -> None:
    before = buyer.stock()
    made = buyer.create()
    url = made["orderUrl"]
    assert buyer.stock() == before
    buyer.post(made["actionUrlLock"], {})
    rows = [row for row in buyer.stock() if row["orderUrl"] == url]
    assert [(r["productId"], r["quantityOnOrder"], r["quantityOnHand"]) for r in rows] == [
        ("P-1", 144, 0), ("P-2", 6, 0),
    ]  # fmt: skip
    assert {row["facilityUrl"] for row in rows} == {"/demo/api/facility/10001"}
    for step, is_on_order in (("edit", 0), ("lock", 1), ("complete", 0), ("edit", 0), ("lock", 1),
                              ("cancel", 0)):  # fmt: skip
        buyer.post(f"{url}/{step}", {})
        assert bool(buyer.on_order(url)) is bool(is_on_order)
    assert buyer.stock() == before


def test_two_lines_of_one_product_are_one_row(buyer: Buyer) -> None:
    line = {"productUrl": "/demo/api/product/P-1", "quantity": 2.5, "unitPrice": 1}
    made = buyer.create(orderItemList=[line, line], statusId="ORDER_LOCKED",
                        destinationFacilityUrl="/demo/api/facility/10002")  # fmt: skip
    (row,) = [row for row in buyer.stock() if row["orderUrl"] == made["orderUrl"]]
    assert (row["quantityOnOrder"], row["facilityUrl"]) == (5, "/demo/api/facility/10002")


def test_a_shipment_made_with_the_order_brings_all_of_it(buyer: Buyer) -> None:
    before = buyer.on_hand("P-1")
    made = buyer.create(shipmentList=[{"shipmentTypeId": "PURCHASE_SHIPMENT"}, {"odd": 1}])
    (shipment_url,) = made["shipmentUrlList"]
    shipment = buyer.read(shipment_url)
    assert shipment["shipmentIdUser"] == f"{made['orderId']}-1"
    assert shipment["statusId"] == "SHIPMENT_INPUT"
    assert shipment["primaryOrderUrl"] == made["orderUrl"]
    buyer.post(made["actionUrlLock"], {})
    came = buyer.post(shipment["actionUrlReceive"], {"receiveDate": "2026-03-05T12:00:00"}).json()
    assert (came["statusId"], came["receiveDate"]) == ("SHIPMENT_DELIVERED", "2026-03-05T12:00:00")
    assert [(i["productId"], i["quantity"]) for i in came["shipmentItemList"]] == [
        ("P-1", 144), ("P-2", 6),
    ]  # fmt: skip
    assert buyer.on_order(made["orderUrl"]) == {}
    assert buyer.on_hand("P-1") == before + 144
    assert buyer.read(made["orderUrl"])["statusId"] == "ORDER_LOCKED"  # as in life
    for step in ("receive", "cancel"):
        assert buyer.post(f"{shipment_url}/{step}", {}).status_code == 400
    assert buyer.on_hand("P-1") == before + 144


def test_a_part_comes_first_and_the_rest_later(buyer: Buyer) -> None:
    some = {"productUrl": "/demo/api/product/P-1", "quantity": 44}
    wrong = {"productUrl": "/demo/api/product/none", "quantity": 1}
    part = {"shipmentTypeId": "PURCHASE_SHIPMENT", "shipmentItemList": [some, wrong]}
    made = buyer.create(statusId="ORDER_LOCKED", shipmentList=[part])
    url = made["orderUrl"]
    before = buyer.on_hand("P-1")
    buyer.post(f"{made['shipmentUrlList'][0]}/receive", {})
    assert buyer.on_order(url) == {"P-1": 100, "P-2": 6}
    assert buyer.on_hand("P-1") == before + 44
    came = buyer.control("arrive", order=url)
    assert [item["quantity"] for item in came["shipmentItemList"]] == [100, 6]
    assert buyer.on_order(url) == {}
    assert len(buyer.read(url)["shipmentUrlList"]) == 2
    assert len(buyer.find("shipment", primaryOrderUrl=[url, url])) == 2


def test_cancelling_an_order_cancels_its_shipments(buyer: Buyer) -> None:
    made = buyer.create(shipmentList=[{"shipmentTypeId": "PURCHASE_SHIPMENT"}] * 2)
    came, never = made["shipmentUrlList"]
    buyer.post(f"{came}/receive", {})
    buyer.post(made["actionUrlCancel"], {})
    assert buyer.read(came)["statusId"] == "SHIPMENT_DELIVERED"
    assert buyer.read(never)["statusId"] == "SHIPMENT_CANCELLED"
    assert "actionUrlReceive" not in {n for n, v in buyer.read(never).items() if v}
    assert buyer.post(f"{never}/receive", {}).status_code == 400


def test_vendors_deliver_what_was_committed_and_no_draft(buyer: Buyer) -> None:
    committed = buyer.create(statusId="ORDER_LOCKED")["orderUrl"]
    overdue = buyer.create(statusId="ORDER_LOCKED", receiveDate="2026-03-01")["orderUrl"]
    someday = buyer.create(statusId="ORDER_LOCKED", receiveDate=None)["orderUrl"]
    draft = buyer.create()["orderUrl"]
    came: dict[str, str] = {}
    for day in range(15):
        for url in {committed, overdue, someday, draft} - set(came):
            if buyer.read(url)["shipmentUrlList"]:
                shipment = buyer.read(buyer.read(url)["shipmentUrlList"][0])
                came[url] = shipment["receiveDate"]
                assert buyer.sandbox.account.clock.now() == NOW + timedelta(days=day)
        buyer.control("clock", seconds=DAY)
    assert came == {
        overdue: "2026-03-10T12:00:00",
        committed: "2026-03-23T00:00:00",
        someday: "2026-03-23T12:00:00",
    }
    assert buyer.on_order(committed) == {}


def test_the_accounts_own_orders_can_be_written_and_are_then_left_alone(buyer: Buyer) -> None:
    buyer.control("quirk", quirk="vendors_deliver=false")
    seeded = [o for o in buyer.control("orders") if o["statusId"] == "ORDER_LOCKED"]
    order = next(o for o in seeded if buyer.on_order(o["orderUrl"]))
    url, units = order["orderUrl"], buyer.on_order(order["orderUrl"])
    assert order["origin"] == "seeded"
    assert buyer.read(url)["actionUrlEdit"] == f"{url}/edit"
    draft = buyer.an_order(buyer.post(f"{url}/edit", {}))
    assert draft["orderItemListTotal"] == order["orderItemListTotal"]
    assert buyer.on_order(url) == {}
    buyer.post(f"{url}/lock", {})
    assert buyer.on_order(url) == units
    buyer.control("clock", seconds=60 * DAY)
    assert buyer.on_order(url) == units
    assert sum(o["origin"] == "posted" for o in buyer.control("orders")) == 0
    buyer.control("arrive", order=url)
    assert buyer.on_order(url) == {}


def test_an_order_that_is_none_cannot_arrive(buyer: Buyer) -> None:
    sent = {"order": "/demo/api/order/none"}
    assert buyer.http.post("/sandbox/arrive", json=sent).status_code == 400
