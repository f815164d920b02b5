"""The plan and the first page show what was drafted in Finale, and what of it wants a look."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.ordering.shelf import TODAY, Shelf


@pytest.fixture
def api(shelf: Shelf) -> Iterator[httpx.Client]:
    dagster = FakeDagster()
    with running(shelf.settings, dagster, shelf.account.clock.now) as client:
        yield client
    dagster.close()


def order_of(api: httpx.Client, vendor: str) -> str:
    """Return the page of a supplier's order, to which the plan links."""
    for url, name in re.findall(
        r'<a href="(/plan/order\?vendor=[^"]+)">([^<]+)</a>', api.get("/plan").text
    ):
        if unescape(name) == vendor:
            return " ".join(unescape(api.get(unescape(url)).text).split())
    raise AssertionError(f"the plan does not name {vendor}")


def vendors(shelf: Shelf) -> list[str]:
    return [row[0] for row in shelf.rows("SELECT vendor FROM mart.purchase_plan ORDER BY vendor")]


def edit(shelf: Shelf, sku: str, units: int) -> None:
    shelf.connection.execute(
        "INSERT INTO plan.purchase_order_edit (snapshot_on, vendor_url, product_url,"
        " quantity_units, is_dropped, old_quantity_units, was_dropped, suggested_units,"
        " broken_rules, edited_by, edited_at) SELECT snapshot_on, vendor_url, product_url,"
        " nullif(%(units)s, 0), %(units)s = 0, quantity_units, false, quantity_units, '{}',"
        " 'Anna', now() FROM plan.purchase_order_draft_line WHERE sku = %(sku)s",
        {"units": units, "sku": sku},
    )


def test_the_plan_shows_what_was_drafted_of_each_supplier(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=2)
    first, second = vendors(shelf)
    shelf.draft(vendor=first)
    drafted = order_of(api, first)
    ((order_id, link),) = shelf.rows("SELECT order_id, link FROM mart.purchase_order_sent")
    assert f'>created</span> in Finale as <a href="{link}"' in drafted
    assert f">{order_id}</a>" in drafted
    assert "by buyer" in drafted
    assert drafted.count(">drafted</span>") == 2
    assert "Compare with the draft…" in drafted
    assert "Drafted with" not in drafted
    other = order_of(api, second)
    assert ("drafted" in other, "Create draft in Finale…" in other) == (False, True)


def test_an_edit_of_a_drafted_line_is_kept_and_warns(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    (vendor,) = vendors(shelf)
    shelf.draft()
    page = order_of(api, vendor)
    form = re.findall(r'<form method="post" action="/plan">.*?</form>', page)[0]
    fields = {
        unescape(name): unescape(value)
        for name, value in re.findall(r'<input [^>]*?name="(\w+)" value="([^"]*)"', form)
    }
    saved = api.post("/plan", data=fields | {"q1": "36"})
    assert saved.status_code == 303
    shown = api.get(saved.headers["location"]).text
    assert "Saved: 2 lines" in shown
    assert shown.count("a change here does not change that") == 1
    assert re.search(r"Drafted with \d+ at", shown)


def test_a_dropped_line_is_still_in_its_draft(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    shelf.draft()
    for (sku,) in shelf.rows("SELECT sku FROM plan.purchase_order_draft_line"):
        edit(shelf, sku, 0)
    page = api.get("/plan").text
    dropped = page.partition('id="dropped"')[2]
    assert dropped.count("a change here does not change that") == 2
    assert "Drafted of suppliers that are not in the plan now" in page
    assert ">created</span> in Finale as" in page


def test_what_is_cancelled_in_finale_is_drafted_no_more(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    (vendor,) = vendors(shelf)
    shelf.draft()
    shelf.connection.execute(
        "UPDATE ops.purchase_order_write SET finale_status = 'ORDER_CANCELLED'"
    )
    shown = order_of(api, vendor)
    assert ("now cancelled there" in shown, ">drafted</span>" in shown) == (True, False)


@pytest.mark.parametrize(
    ("state", "wants"),
    [("created", False), ("refused", False), ("abandoned", False), ("sent", True),
     ("intended", True), ("unknown", True), ("unverified", True), ("differs", True)],
)  # fmt: skip
def test_the_first_page_says_which_drafts_want_a_look(
    shelf: Shelf, api: httpx.Client, state: str, *, wants: bool
) -> None:
    shelf.plan(vendors=1)
    shelf.draft()
    shelf.connection.execute(
        "UPDATE ops.purchase_order_write SET state = %s, sent_at = sent_at - interval '1 hour',"
        " differences = '[\"A has the price 9\"]'",
        (state,),
    )
    page = api.get("/").text
    assert ("1 draft wants a look" in page) is wants
    assert ("A has the price 9" in page) is wants
    shelf.connection.execute("UPDATE ops.purchase_order_write SET finale_status = 'ORDER_LOCKED'")
    assert ("1 draft wants a look" in api.get("/").text) is (wants and state != "differs")


def test_a_draft_that_goes_out_just_now_is_not_told_of(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1)
    shelf.draft()
    shelf.connection.execute("UPDATE ops.purchase_order_write SET state = 'sent'")
    assert "wants a look" not in api.get("/").text


def test_orders_are_one_key_away(shelf: Shelf, api: httpx.Client) -> None:
    shelf.plan(vendors=1, on=TODAY)
    for path in ("/", "/plan", "/syncs"):
        nav = api.get(path).text.partition("<nav")[2].partition("</nav>")[0]
        keys = re.findall(r'<a href="([^"]*)" accesskey="(\d)"', nav)
        pages = ("/", "/plan", "/orders", "/vendors", "/excess", "/forecasts", "/syncs", "/outbox")
        assert keys == [(page, str(key)) for key, page in enumerate(pages, 1)]
    assert 'href="/orders" accesskey="3" aria-current="page"' in api.get("/orders").text
