"""Drafting over HTTP: refusals with their reasons, keys that repeat, pages that ask first."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.ordering.shelf import Shelf

PATH = "/api/purchase-orders"


@pytest.fixture
def api(shelf: Shelf) -> Iterator[httpx.Client]:
    dagster = FakeDagster()
    with running(shelf.settings, dagster, shelf.account.clock.now) as client:
        yield client
    dagster.close()


def vendor_of(shelf: Shelf) -> Any:
    return shelf.rows("SELECT vendor_url, vendor FROM mart.purchase_plan LIMIT 1")[0]


def test_a_plan_is_drafted_shown_and_listed(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=2)
    dry = api.post(PATH, json={"dry_run": True})
    assert (dry.status_code, len(dry.json()["bodies"]), shelf.states()) == (200, 2, [])
    made = api.post(PATH, json={})
    assert made.status_code == 201, made.text
    assert {o["state"] for o in made.json()["orders"]} == {"created"}
    assert api.post(PATH, json={}).status_code == 200  # drafted already
    shelf.assert_book_is_the_ledger(2)
    page = api.get(PATH, params={"limit": 1}).json()
    assert len(page["purchase_orders"]) == 1
    rest = api.get(PATH, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    both = [*page["purchase_orders"], *rest["purchase_orders"]]
    assert {o["finale_status"] for o in both} == {"ORDER_CREATED"}
    assert all("/sc2/?order/purchase/order/" in o["link"] for o in both)
    assert api.get(PATH, params={"state": "unknown"}).json()["purchase_orders"] == []


def test_given_lines_with_a_key_are_one_order(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    _, vendor = vendor_of(shelf)
    (sku,) = shelf.rows("SELECT sku FROM mart.purchase_plan_line ORDER BY sku LIMIT 1")[0]
    body = {
        "vendor": vendor, "lines": [{"product": sku, "quantity": 7.5, "unit_price": "0.333333"}]
    }  # fmt: skip
    key = {"Idempotency-Key": "k-1"}
    first, second = (api.post(PATH, json=body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201), first.text
    (order,) = first.json()["orders"]
    assert second.json()["orders"] == [order]
    other = api.post(PATH, json=body | {"lines": [{"product": sku, "quantity": 1}]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "refused")
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1
    again = api.post(PATH, json=body | {"lines": [{"product": sku, "quantity": 1}]})
    assert (again.status_code, again.json()["code"]) == (409, "already_drafted")


def test_duplicates_are_listed_and_accepted(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    shelf.draft()
    refused = api.post(PATH, json={"again": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicates")
    assert [d["is_ours"] for d in refused.json()["duplicates"]] == [True, True]
    assert api.post(PATH, json={"again": True, "accept_duplicates": True}).status_code == 201
    shelf.assert_book_is_the_ledger(2)


def test_an_end_that_is_not_known_is_told(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault("post-garbage=price@order*1")
    made = api.post(PATH, json={})
    assert made.status_code == 201
    assert made.json()["orders"][0]["state"] == "differs"
    assert "has the price" in made.json()["orders"][0]["differences"][0]


def test_without_permission_nothing_is_sent(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.settings = shelf.settings.model_copy(update={"allow_writes": False})
    dagster = FakeDagster()
    with running(shelf.settings, dagster, shelf.account.clock.now) as api:
        refused = api.post(PATH, json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "writes_off")
        assert "FINALE_ALLOW_WRITES" in refused.json()["detail"]
        form = {"vendor": vendor_of(shelf)[0], "on": str(shelf.account.clock.now().date())}
        page = api.post("/orders/draft", data=form)
        assert "Writing to Finale is off" in page.text
        assert 'name="seen"' not in page.text
    dagster.close()
    assert shelf.sandbox.posts == []


@pytest.mark.parametrize(
    "body",
    [
        {"lines": [{"product": "A", "quantity": 1}]},
        {"vendor": "x", "lines": [{"product": "A", "quantity": 0}]},
        {"vendor": "x", "lines": [{"product": "A", "quantity": "NaN"}]},
        {"vendor": "x", "lines": [{"product": "A\0", "quantity": 1}]},
        {"vendor": "nobody"},
        {"place": "Atlantis"},
        {"on": "1999-01-01"},
        {"statusId": "ORDER_LOCKED"},
    ],
)
def test_what_is_wrong_is_refused(shelf: Shelf, api: httpx.Client, body: dict[str, Any]) -> None:
    shelf.plan(vendors=1)
    assert api.post(PATH, json=body).status_code == 422
    assert shelf.sandbox.posts == []


def test_the_page_shows_first_and_sends_what_was_shown(shelf: Shelf, api: httpx.Client) -> None:
    (vendor,) = shelf.plan(vendors=1)
    plan = api.get("/plan/order", params={"vendor": vendor}).text
    assert "Create draft in Finale" in plan
    form = {
        name: re.findall(f'name="{name}" value="([^"]*)"', plan)[0] for name in ("vendor", "on")
    }
    shown = api.post("/orders/draft", data=form)
    assert (shown.status_code, shelf.sandbox.posts) == (200, [])
    (seen,) = re.findall('name="seen" value="([^"]*)"', shown.text)
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 96")
    changed = api.post("/orders/draft", data=form | {"seen": seen})
    assert (changed.status_code, shelf.sandbox.posts) == (409, [])
    assert "changed since you looked" in changed.text
    (seen,) = re.findall('name="seen" value="([^"]*)"', changed.text)
    done = api.post("/orders/draft", data=form | {"seen": seen})
    assert done.status_code == 200
    assert ">created<" in done.text
    shelf.assert_book_is_the_ledger(1)
    assert "Drafted already as" in api.post("/orders/draft", data=form).text
    assert ">created<" in api.get("/orders").text
    wrong = [form | {"vendor": "a\0b"}, form | {"on": "1999-01-01"}, form | {"vendor": "nobody"}]
    assert [api.post("/orders/draft", data=sent).status_code for sent in wrong] == [422, 422, 422]
    stranger = {"Origin": "https://evil.example"}
    assert api.post("/orders/draft", data=form, headers=stranger).status_code == 403
