"""Faults that POSTs meet; the sandbox's own order book and log tell what really happened."""

import time
from typing import Any

import httpx
import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox import postfaults
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.sandbox.conftest import small_account
from finale_pipeline_tests.sandbox.writing import DRAFT, KEY, Buyer, buyer_of

CUT = None
ANSWERS = {
    # fault → status, beginning of the body, is the order made
    "post-cut": (CUT, "", False),
    "post-lost": (CUT, "", True),
    "post-status": (500, '{"error"', False),
    "post-status=503": (503, '{"error"', False),
    "post-status-after": (500, '{"error"', True),
    "post-error": (200, '{"success":false', False),
    "post-html": (200, "<!DOCTYPE html>", False),
    "post-html-after": (200, "<!DOCTYPE html>", True),
    "post-empty": (200, "", False),
    "post-empty-after": (200, "", True),
    "post-truncate": (200, '{"orderId"', True),
    "post-slow=0.01": (200, '{"orderId"', True),
    "post-throttle": (429, "{}", False),
    "post-readonly": (403, '{"error":"permission', False),
    "post-revoke": (401, '{"error"', False),
    "post-garbage": (200, '{"orderId"', True),
}


def test_every_fault_of_posts_is_tested() -> None:
    assert {text.partition("=")[0] for text in ANSWERS} | {"record-garbage"} == set(
        postfaults.KINDS
    )


@pytest.mark.parametrize("text", ANSWERS)
def test_a_post_meets_a_fault_and_the_order_is_made_or_not(buyer: Buyer, text: str) -> None:
    status, begins, is_made = ANSWERS[text]
    buyer.control("fault", fault=f"{text}@order*1")
    try:
        answer = buyer.post("/demo/api/order/", DRAFT)
    except httpx.RemoteProtocolError:
        assert status is CUT
    else:
        assert (answer.status_code, answer.text[: len(begins)]) == (status, begins)
    assert len(buyer.find(referenceNumber=[KEY, KEY])) == is_made
    assert [o["referenceNumber"] for o in buyer.control("orders", origin="posted")] == (
        [KEY] if is_made else []
    )
    (post,) = buyer.control("posts")
    assert (post["path"], post["target"], post["fault"]) == (
        "/demo/api/order/", "order", text.partition("=")[0],
    )  # fmt: skip
    assert (post["outcome"], post["status"]) == ("done" if is_made else "not done", status)
    assert bool(post["url"]) is is_made
    assert len(post["body_sha256"]) == 64
    buyer.create(orderId="NEXT")


def test_a_slow_answer_comes_after_the_order_was_made(buyer: Buyer) -> None:
    buyer.control("fault", fault="post-slow=5")
    begun = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        buyer.http.post("/demo/api/order/", json=DRAFT, timeout=0.1)
    assert time.monotonic() - begun < 3
    assert len(buyer.find(referenceNumber=[KEY, KEY])) == 1


def test_faults_meet_the_posts_they_name(buyer: Buyer) -> None:
    for text in ("post-status=501@order/update", "post-status=502@order/lock",
                 "post-status=504@shipment/receive", "post-status-after=505@order/cancel",
                 "status=503@order"):  # fmt: skip
        buyer.control("fault", fault=text)
    made = buyer.create(shipmentList=[{"shipmentTypeId": "PURCHASE_SHIPMENT"}])
    assert buyer.post(made["orderUrl"], {}).status_code == 501
    assert buyer.post(made["actionUrlLock"], {}).status_code == 502
    assert buyer.post(f"{made['shipmentUrlList'][0]}/receive", {}).status_code == 504
    assert buyer.read(made["orderUrl"]) == made
    assert buyer.post(made["actionUrlCancel"], {}).status_code == 505
    assert buyer.read(made["orderUrl"])["statusId"] == "ORDER_CANCELLED"
    assert buyer.http.get("/demo/api/order/").status_code == 503


def differences(sent: dict[str, Any], order: dict[str, Any]) -> set[str]:
    """Return what of an order is not as it was sent."""
    names = ("productUrl", "quantity", "unitPrice")
    lines = [
        [tuple(str(line[name]) for name in names) for line in lines]
        for lines in (sent["orderItemList"], order["orderItemList"])
    ]
    fields = ("orderRoleList", "destinationFacilityUrl", "referenceNumber", "statusId")
    found = {name for name in fields if sent[name] != order.get(name)}
    if len(lines[0]) != len(lines[1]):
        return found | {f"{len(lines[1]) - len(lines[0]):+} line"}
    for asked, kept in zip(*lines, strict=True):
        found |= {name for name, a, k in zip(names, asked, kept, strict=True) if a != k}
    return found


GARBAGE = {
    "quantity": {"quantity"},
    "price": {"unitPrice"},
    "product": {"productUrl"},
    "unlinked": {"productUrl"},
    "supplier": {"orderRoleList"},
    "missing-line": {"-1 line"},
    "extra-line": {"+1 line"},
    "place": {"destinationFacilityUrl"},
    "reference": {"referenceNumber"},
    "status": {"statusId"},
}


@pytest.mark.parametrize("what", postfaults.GARBAGE)
@pytest.mark.parametrize("kind", ["post-garbage", "record-garbage"])
def test_an_order_is_kept_or_shown_otherwise_than_sent(buyer: Buyer, kind: str, what: str) -> None:
    buyer.control("fault", fault=f"{kind}={what}@order*1")
    buyer.read("/demo/api/product/P-1")  # is no order and does not meet it
    made = buyer.create()
    read = buyer.read(made["orderUrl"])
    assert differences(DRAFT, read) == GARBAGE[what]
    (kept,) = buyer.control("orders", origin="posted")
    is_kept = kind == "post-garbage"
    assert differences(DRAFT, kept) == (GARBAGE[what] if is_kept else set())
    assert (buyer.read(made["orderUrl"]) == read) is is_kept


def test_an_order_without_lines_can_be_garbled_too(buyer: Buyer) -> None:
    for what in postfaults.GARBAGE:
        buyer.control("fault", fault=f"post-garbage={what}*1")
        buyer.create(orderItemList=[], orderRoleList=[])


def test_garbage_is_one_of_a_list() -> None:
    with pytest.raises(ConfigError, match="'moon' is no garbage"):
        Fault.parse("post-garbage=moon")


def test_the_read_of_a_single_record_meets_faults_that_name_it(buyer: Buyer) -> None:
    made = buyer.create()
    buyer.control("fault", fault="status=503*1")
    assert buyer.read(made["orderUrl"]) == made  # a fault of collections
    for text, status in (("status=503", 503), ("html", 200), ("truncate", 200), ("empty", 200)):
        buyer.control("fault", fault=f"{text}@record*1")
        answer = buyer.http.get(made["orderUrl"])
        assert answer.status_code == status
        assert answer.text != buyer.http.get(made["orderUrl"]).text
    buyer.control("fault", fault="reset@record*1")
    with pytest.raises(httpx.RemoteProtocolError):
        buyer.http.get(made["orderUrl"])


def test_posts_have_a_budget_of_their_own_with_headers() -> None:
    account = small_account()
    account.quirks.set("rate_headers=always")
    with SandboxServer(account, rate_limits=(3, 100)) as sandbox, buyer_of(sandbox) as buyer:
        answers = [buyer.post("/demo/api/order/", DRAFT | {"orderId": f"N{n}"}) for n in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        left = [a.headers["x-ratelimit-remaining"] for a in answers]
        assert left == ["2", "1", "0", "0"]
        assert answers[0].headers["x-ratelimit-limit"] == "3"
        assert buyer.http.get("/demo/api/facility/").headers["x-ratelimit-remaining"] == "2"
        assert len(account.orders("posted")) == len(sandbox.posts) == 3


def test_a_drill_sees_a_post_before_it_is_answered() -> None:
    seen: list[str] = []
    with (
        SandboxServer(small_account(), rate_limits=None, on_request=seen.append) as sandbox,
        buyer_of(sandbox) as buyer,
    ):
        made = buyer.create()
        buyer.read(made["orderUrl"])
    assert seen == ["POST /demo/api/order/", made["orderUrl"]]
    assert sandbox.requests == [made["orderUrl"]]
