"""Purchase orders are written as sections 7.6 and 10 of the description of Finale's API say."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.quirks import ERROR_KEYS, Quirks
from finale_pipeline_tests.sandbox.writing import DRAFT, KEY, Buyer


def steps(order: dict[str, Any]) -> set[str]:
    return {name.removeprefix("actionUrl") for name in order if name.startswith("actionUrl")}


def test_a_draft_is_made_found_by_its_key_and_read_back(buyer: Buyer) -> None:
    made = buyer.create()
    assert made["statusId"] == "ORDER_CREATED"
    assert made["createdDate"] == made["lastUpdatedDate"] == "2026-03-09T12:00:00"
    assert made["orderDate"] == "2026-03-09T00:00:00"
    assert made["receiveDate"] == "2026-03-23T00:00:00"
    assert made["orderItemListTotal"] == 419.7
    assert [line["productId"] for line in made["orderItemList"]] == ["P-1", "P-2"]
    assert [line["orderItemUrl"] for line in made["orderItemList"]] == [
        f"{made['orderUrl']}/orderItem/0000000{n}" for n in (1, 2)
    ]
    assert steps(made) == {"Lock", "Complete", "Cancel"}
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
    assert buyer.find(referenceNumber=["RS-2", "RS-3"], statusId=["ORDER_LOCKED"] * 2) == []


def test_an_order_of_nothing_but_its_type_has_defaults(buyer: Buyer) -> None:
    made = buyer.an_order(buyer.post("/demo/api/order", {"orderTypeId": "PURCHASE_ORDER", "x": 1}))
    assert made["orderDate"] == "2026-03-09T12:00:00"
    assert made["orderItemList"] == made["orderRoleList"] == []
    assert made["orderItemListTotal"] == 0
    assert made["destinationFacilityUrl"] == "/demo/api/facility/10001"
    assert "x" not in made
    assert "referenceNumber" not in made


@pytest.mark.parametrize("differs", [True, False])
def test_the_number_in_the_url_may_be_another_than_people_see(buyer: Buyer, differs: bool) -> None:
    buyer.control("quirk", quirk=f"url_differs={str(differs).lower()}")
    for wanted in (None, "RS 7/#", "RS%7"):
        made = buyer.create(orderId=wanted)
        assert (made["orderUrl"] == f"/demo/api/order/{made['orderId']}") is not differs
        assert buyer.read(made["orderUrl"])["orderId"] == made["orderId"]
        assert wanted in {None, made["orderId"]}


def test_an_order_id_is_given_once_and_never_again(buyer: Buyer) -> None:
    seeded = buyer.control("orders", origin="seeded")[0]["orderId"]
    made = buyer.create(orderId="RS-1")
    buyer.post(made["actionUrlCancel"], {})
    for taken in ("RS-1", seeded):
        clash = buyer.post("/demo/api/order", DRAFT | {"orderId": taken})
        assert clash.status_code == 400
        assert clash.json() == {"error": f"An order with orderId {taken} exists."}
    assert [o["orderId"] for o in buyer.control("orders", origin="posted")] == ["RS-1"]


@pytest.mark.parametrize("differs", ["true", "false"])
def test_two_posts_with_one_order_id_at_once_make_one_order(buyer: Buyer, differs: str) -> None:
    buyer.control("quirk", quirk=f"url_differs={differs}")
    with ThreadPoolExecutor(8) as pool:
        sent = DRAFT | {"orderId": "RS-1"}
        answers = list(pool.map(lambda _: buyer.post("/demo/api/order/", sent), range(16)))
    assert sorted(a.status_code for a in answers) == [200] + [400] * 15
    assert len(buyer.find(orderId=["RS-1", "RS-1"])) == 1
    outcomes = [post["outcome"] for post in buyer.control("posts")]
    assert sorted(outcomes) == ["done"] + ["refused: clash"] * 15


def test_threads_that_change_within_every_step_make_one_order_per_id(buyer: Buyer) -> None:
    """Without HTTP between them they meet inside the account."""
    bodies = [json.dumps(DRAFT | {"orderId": f"RS-{n}"}).encode() for n in range(100)]
    start = Barrier(4)

    def post_all(_thread: int) -> list[int | None]:
        start.wait()
        replies = [buyer.sandbox.post("/demo/api/order/", body) for body in bodies]
        return [reply.status for reply in replies if reply is not None]

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            statuses = [status for thread in pool.map(post_all, range(4)) for status in thread]
    finally:
        sys.setswitchinterval(usual)
    assert sorted(str(status) for status in statuses) == ["200"] * 100 + ["400"] * 300
    assert len(buyer.control("orders", origin="posted")) == 100


@pytest.mark.parametrize(
    ("sent", "quirk"),
    [
        ({"orderId": "x" * 21}, "limit"),
        ({"orderId": "é"}, "limit"),
        ({"orderId": 7}, "limit"),
        ({"referenceNumber": "é" * 61}, "limit"),
        ({"referenceNumber": ["RS"]}, "value"),
        ({"orderDate": "soon"}, "value"),
        ({"orderItemList": [{"quantity": "many"}]}, "value"),
        ({"orderItemList": [{"quantity": "nan"}]}, "value"),
        ({"orderItemList": [{"quantity": True}]}, "value"),
        ({"orderItemList": {"productUrl": "/demo/api/product/P-1"}}, "value"),
        ({"orderRoleList": ["SUPPLIER"]}, "value"),
        ({"orderTypeId": "SALES_ORDER"}, "value"),
    ],
)
@pytest.mark.parametrize("form", ["200", "400", "403", "500"])
def test_what_cannot_be_kept_is_refused_in_any_form(
    buyer: Buyer, sent: dict[str, Any], quirk: str, form: str
) -> None:
    buyer.control("quirk", quirk=f"{quirk}={form}")
    answer = buyer.post("/demo/api/order/", DRAFT | sent)
    assert answer.status_code == int(form)
    assert "orderUrl" not in answer.json()
    assert buyer.control("orders", origin="posted") == []


@pytest.mark.parametrize("key", ERROR_KEYS)
def test_a_refusal_with_status_200_tells_it_under_a_key_of_its_own(buyer: Buyer, key: str) -> None:
    buyer.control("quirk", quirk="clash=200")
    buyer.control("quirk", quirk=f"error_key={key}")
    buyer.create(orderId="RS-1")
    told = buyer.post("/demo/api/order", DRAFT | {"orderId": "RS-1"}).json()
    assert list(told) == [key]
    assert told[key] is False or "RS-1" in json.dumps(told)


def test_the_longest_values_are_taken(buyer: Buyer) -> None:
    made = buyer.create(orderId="x" * 20, referenceNumber="é" * 60)
    assert buyer.find(referenceNumber=["é" * 60] * 2)[0]["orderId"] == made["orderId"]


@pytest.mark.parametrize(
    "url",
    ["/demo/api/product/P-0", "/other/api/product/P-1", "https://x/demo/api/product/P-1", 7, None],
)
def test_a_wrong_product_url_leaves_a_line_without_product(buyer: Buyer, url: object) -> None:
    made = buyer.create(orderItemList=[{"productUrl": url, "quantity": 2, "unitPrice": 3}])
    (line,) = buyer.read(made["orderUrl"])["orderItemList"]
    assert (line["productUrl"], line["productId"], line["quantity"]) == (None, None, 2)
    assert made["orderItemListTotal"] == 6
    buyer.post(made["actionUrlLock"], {})
    assert buyer.on_order(made["orderUrl"]) == {}


def test_a_place_that_is_no_location_is_left_out_without_a_word(buyer: Buyer) -> None:
    for url in ("/demo/api/facility/20000", "/demo/api/facility/1", None):
        assert buyer.create(destinationFacilityUrl=url)["destinationFacilityUrl"] is None


def test_a_body_is_json_whatever_it_is_called(buyer: Buyer) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = json.dumps(DRAFT).encode()
    buyer.an_order(buyer.http.post("/demo/api/order/", content=body, headers=form))
    for broken in (b"", b"{", b"[1]", b'{"a": NaN}', b'{"a": "\\ud800"}', b"orderId=RS-1"):
        assert buyer.http.post("/demo/api/order/", content=broken).status_code == 400
    assert len(buyer.control("orders", origin="posted")) == 1


def test_an_update_replaces_what_was_sent_and_lists_as_a_whole(buyer: Buyer) -> None:
    made = buyer.create()
    buyer.control("clock", seconds=60)
    kept = made["orderItemList"][1] | {"quantity": 9}
    new = {"productUrl": "/demo/api/product/P-3", "quantity": 1, "unitPrice": 10}
    sent = {"orderItemList": [kept, new], "publicNotes": "ring first", "orderId": "other"}
    changed = buyer.an_order(buyer.post(made["orderUrl"], sent))
    assert changed == buyer.read(made["orderUrl"])
    assert changed["lastUpdatedDate"] == "2026-03-09T12:01:00"
    assert changed["orderItemListTotal"] == 13.15
    numbers = [line["orderItemUrl"][-1] for line in changed["orderItemList"]]
    assert numbers == ["2", "3"]
    for name in ("orderId", "referenceNumber", "privateNotes", "orderRoleList", "createdDate"):
        assert changed[name] == made[name]
    again = buyer.an_order(buyer.post(made["orderUrl"], {"publicNotes": None}))
    assert again["publicNotes"] is None


def test_the_life_of_an_order(buyer: Buyer) -> None:
    made = buyer.create()
    url = made["orderUrl"]
    locked = buyer.an_order(buyer.post(made["actionUrlLock"], {}))
    assert (locked["statusId"], steps(locked)) == ("ORDER_LOCKED", {"Complete", "Cancel", "Edit"})
    draft = buyer.an_order(buyer.post(locked["actionUrlEdit"], {}))
    assert (draft["statusId"], steps(draft)) == (
        "ORDER_CREATED", {"Lock", "Complete", "Cancel"},
    )  # fmt: skip
    done = buyer.an_order(buyer.post(draft["actionUrlComplete"], {}))
    assert (done["statusId"], steps(done)) == ("ORDER_COMPLETED", {"Edit"})
    assert buyer.find("shipment", primaryOrderUrl=[url, url]) == []  # with nothing received
    assert buyer.post(url, {"publicNotes": "x"}).status_code == 400
    for step in ("lock", "complete", "cancel"):
        assert buyer.post(f"{url}/{step}", {}).status_code == 400
    draft = buyer.an_order(buyer.post(done["actionUrlEdit"], {}))
    gone = buyer.an_order(buyer.post(draft["actionUrlCancel"], {}))
    assert (gone["statusId"], steps(gone)) == ("ORDER_CANCELLED", set())
    assert buyer.post(f"{url}/edit", {}).status_code == 400
    assert buyer.post(url, {"autoUnlockRelock": True}).status_code == 400
    assert buyer.read(url) == gone


@pytest.mark.parametrize("form", ["200", "400", "403", "500"])
def test_a_locked_order_refuses_updates_unless_asked_to_unlock(buyer: Buyer, form: str) -> None:
    buyer.control("quirk", quirk=f"locked={form}")
    made = buyer.create(statusId="ORDER_LOCKED")
    assert made["statusId"] == "ORDER_LOCKED"
    refused = buyer.post(made["orderUrl"], {"publicNotes": "x"})
    assert refused.status_code == int(form)
    assert "permission" in refused.text
    assert buyer.read(made["orderUrl"]) == made
    sent = {"autoUnlockRelock": True, "orderItemList": made["orderItemList"][:1]}
    changed = buyer.an_order(buyer.post(made["orderUrl"], sent))
    assert changed["statusId"] == "ORDER_LOCKED"
    assert "autoUnlockRelock" not in changed
    assert buyer.on_order(made["orderUrl"]) == {"P-1": 144}


def test_only_created_and_locked_can_be_posted_as_a_status(buyer: Buyer) -> None:
    made = buyer.create(statusId="ORDER_COMPLETED")
    assert made["statusId"] == "ORDER_CREATED"
    for status, then in (("ORDER_CANCELLED", "ORDER_CREATED"), ("ORDER_LOCKED", "ORDER_LOCKED")):
        assert buyer.post(made["orderUrl"], {"statusId": status}).json()["statusId"] == then


def test_ranges_over_free_text_find_more_than_one_value(buyer: Buyer) -> None:
    for key in ("RS-1", "rs-1", "RS-10", "RS-2"):
        buyer.create(referenceNumber=key)
    found = buyer.find(referenceNumber=["RS-1", "RS-1"])
    assert sorted(order["referenceNumber"] for order in found) == ["RS-1", "RS-10", "rs-1"]
    buyer.control("quirk", quirk="loose_text=false")
    found = buyer.find(referenceNumber=["RS-1", "RS-1"])
    assert [order["referenceNumber"] for order in found] == ["RS-1"]
    assert "publicNotes" not in found[0]


def test_collections_have_lines_only_in_the_old_form(buyer: Buyer) -> None:
    made = buyer.create()
    buyer.control("quirk", quirk="lines_in_collection=true")
    (found,) = buyer.find(referenceNumber=[KEY, KEY])
    assert found["orderItemList"] == made["orderItemList"]


def test_a_new_order_may_be_in_no_collection_for_a_while(buyer: Buyer) -> None:
    buyer.control("quirk", quirk="shown_after_reads=2")
    made = buyer.create()
    reads = [len(buyer.find(referenceNumber=[KEY, KEY])) for _ in range(4)]
    assert reads == [0, 0, 1, 1]
    buyer.control("quirk", quirk="shown_after_reads=0")
    buyer.control("quirk", quirk="shown_after_seconds=30")
    late = buyer.create(orderId="LATE")
    assert buyer.read(late["orderUrl"]) == late
    assert [o["orderUrl"] for o in buyer.find(referenceNumber=[KEY, KEY])] == [made["orderUrl"]]
    assert buyer.post("/demo/api/order", DRAFT | {"orderId": "LATE"}).status_code == 400
    buyer.control("clock", seconds=30)
    assert len(buyer.find(referenceNumber=[KEY, KEY])) == 2


def test_what_is_no_purchase_order_is_not_written(buyer: Buyer) -> None:
    sale = buyer.find(orderTypeId=["SALES_ORDER"] * 2)[0]["orderUrl"]
    assert buyer.post(sale, {"publicNotes": "x"}).status_code == 400
    assert buyer.post(f"{sale}/cancel", {}).status_code == 400
    assert buyer.post("/demo/api/order/none", {}).status_code == 404
    assert buyer.post("/demo/api/nothing", {}).status_code == 404
    assert buyer.post("/demo/api/product/", {}).status_code == 405
    assert buyer.control("orders", origin="posted") == []
    assert buyer.http.post("/demo/api/order/", json=DRAFT, auth=("a", "b")).status_code == 401
    assert buyer.sandbox.posts[-1].outcome == "refused: value"


def test_quirks_are_read_from_text() -> None:
    quirks = Quirks()
    quirks.set("clash=200")
    quirks.set("shown_after_seconds=1.5")
    quirks.set("shown_after_reads=3")
    assert (quirks.clash, quirks.shown_after_seconds, quirks.shown_after_reads) == ("200", 1.5, 3)
    with pytest.raises(ConfigError, match=r"clash=200, limit=400, .* vendors_deliver=true"):
        quirks.set("meteor=1")
    for wrong in ( "clash=201", "url_differs=2", "shown_after_reads=x", "error_key=200",
                  "shown_after_reads=1.5"):  # fmt: skip
        with pytest.raises(ConfigError):
            quirks.set(wrong)
