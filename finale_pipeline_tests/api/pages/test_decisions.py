"""Buyers decide about items by the buttons of the pages, without any script."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from finale_pipeline.settings import Settings
from finale_pipeline_tests.api.buyer import code, line_of, patch
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def form_of(page: str, sku: str) -> dict[str, str]:
    """Return the hidden fields of the form beside an item."""
    for form in re.findall(r'<form method="post" action="/".*?</form>', page, re.DOTALL):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        if "just" not in form.partition(">")[0] and unescape(fields["product"]) == url_of(sku):
            return {name: unescape(value) for name, value in fields.items()}
    raise AssertionError(f"no form is about {sku}")


def send(api: httpx.Client, sku: str, do: str, at: str = "/", **typed: str) -> httpx.Response:
    """Press a button of the form beside an item, on the first page or on the item's own."""
    fields = form_of(api.get(at).text, sku) | typed | {"do": do}
    return api.post("/", data=fields, headers={"Origin": str(api.base_url)} | PAGE)


def incident_of(stock: Warehouse, sku: str) -> tuple[Any, ...]:
    (row,) = stock.rows(
        "SELECT state, decided_by, note, snoozed_until FROM ops.incident WHERE subject = %s",
        url_of(sku),
    )
    found: tuple[Any, ...] = row
    return found


def undecided(api: httpx.Client) -> list[str]:
    """Return what the first page says wants a decision."""
    part = api.get("/").text.partition('id="open"')[2].partition("</section>")[0]
    return re.findall(r'<td class="name"><a [^>]*>([^<]*)</a>', part)


def test_one_press_decides_and_leads_back_to_the_next_item(
    api: httpx.Client, stock: Warehouse
) -> None:
    assert undecided(api) == ["A", "B"]
    answer = send(api, "A", "ordered", note=" by phone ")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("#r1")
    assert incident_of(stock, "A") == ("ordered", "page", "by phone", None)
    shown = api.get(answer.headers["location"]).text
    assert re.search(r'role="status">.*A: ordered\..*>undo</button>', shown)
    assert re.search(r"<b>ordered</b> · page, [\d: -]+: by phone", shown)
    assert undecided(api) == ["B"]
    (found,) = api.get("/api/incidents", params={"sku": "A"}).json()["incidents"]
    assert (found["state"], found["note"]) == ("ordered", "by phone")


def test_a_decision_is_taken_back(api: httpx.Client, stock: Warehouse) -> None:
    send(api, "A", "acknowledged")
    assert incident_of(stock, "A")[0] == "acknowledged"
    back = send(api, "A", "open")
    assert (back.status_code, back.headers["location"][-3:]) == (303, "#d1")
    assert undecided(api) == ["A", "B"]
    kinds = stock.rows(
        "SELECT kind, actor FROM ops.incident_event WHERE actor IS NOT NULL ORDER BY event_id"
    )
    assert kinds == [("acknowledged", "page"), ("reopened", "page")]


def test_a_snooze_ends_on_its_day_or_after_a_week(api: httpx.Client, stock: Warehouse) -> None:
    today = stock.now.date()
    send(api, "A", "snoozed")
    assert incident_of(stock, "A")[3].date() == today + timedelta(days=7)
    last = today + timedelta(days=3)
    send(api, "A", "enter", until=last.isoformat())
    assert incident_of(stock, "A")[::3] == (
        "snoozed", datetime(last.year, last.month, last.day, tzinfo=UTC)
    )  # fmt: skip
    assert f"<b>snoozed until {last}</b>" in api.get("/").text
    assert undecided(api) == ["B"]
    stock.now += timedelta(days=4)
    assert undecided(api) == ["A", "B"]
    assert ", which is over · page" in api.get("/").text


def test_enter_without_a_day_says_that_it_was_seen(api: httpx.Client, stock: Warehouse) -> None:
    send(api, "B", "enter", note="asked Acme", until="")
    assert incident_of(stock, "B")[:3] == ("acknowledged", "page", "asked Acme")


def test_the_items_own_page_decides_too(api: httpx.Client, stock: Warehouse) -> None:
    at = f"/products/{url_of('B')}"
    answer = send(api, "B", "acknowledged", at=at)
    assert answer.status_code == 303
    shown = api.get(answer.headers["location"])
    assert (shown.status_code, "B: seen." in shown.text) == (200, True)
    assert "<b>seen</b> · page" in shown.text
    assert incident_of(stock, "B")[0] == "acknowledged"
    assert 'action="/"' not in api.get(f"/products/{url_of('C')}").text


def test_who_logs_in_by_name_is_named(api: httpx.Client, stock: Warehouse) -> None:
    login = base64.b64encode(b"Anna:x").decode()
    fields = form_of(api.get("/").text, "A") | {"do": "acknowledged"}
    api.post("/", data=fields, headers={"Authorization": f"Basic {login}"})
    assert incident_of(stock, "A")[1] == "Anna (page)"


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"do": "snoozed", "until": "2026-02-30"}, 422),
        ({"do": "snoozed", "until": "2020-01-01"}, 422),
        ({"do": "ordered", "until": "2099-01-01"}, 422),
        ({"do": "ordered", "note": "x" * 501}, 422),
        ({"do": "ordered", "note": "a\0b"}, 422),
        ({"do": "resolved"}, 422),
        ({"do": "ordered", "row": "r1//x"}, 422),
        ({"do": ""}, 422),
        ({"do": "ordered", "product": url_of("C")}, 422),
        ({"do": "ordered", "product": "/nowhere"}, 422),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    api: httpx.Client, stock: Warehouse, typed: dict[str, str], status: int
) -> None:
    fields = {"product": url_of("A"), "row": "r1"} | typed
    answer = api.post("/", data=fields, headers=PAGE)
    assert (answer.status_code, "Not done" in answer.text) == (status, True), answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert incident_of(stock, "A") == ("open", None, None, None)
    assert code(api.post("/", data=fields))[0] == status


def test_another_sites_form_decides_nothing(api: httpx.Client, stock: Warehouse) -> None:
    fields = form_of(api.get("/").text, "A") | {"do": "ordered"}
    answer = api.post("/", data=fields, headers={"Origin": "https://evil.example"})
    assert code(answer) == (403, "other_origin")
    assert incident_of(stock, "A")[0] == "open"


@pytest.fixture
def reader(stock: Warehouse, dagster: FakeDagster) -> Iterator[httpx.Client]:
    """A browser whose token may only read."""
    given = {"api_token": "w" * 32, "api_read_token": "r" * 32}
    settings = Settings.model_validate(stock.settings.model_dump() | given)
    with running(settings, dagster, stock.clock) as client:
        login = base64.b64encode(b"Anna:" + b"r" * 32).decode()
        client.headers["Authorization"] = f"Basic {login}"
        client.headers.update(PAGE)
        yield client


@pytest.mark.parametrize("path", ["/", "/plan", "/orders/draft"])
def test_who_may_only_read_is_told_on_a_page(
    reader: httpx.Client, stock: Warehouse, path: str
) -> None:
    fields = form_of(reader.get("/").text, "A") | {"do": "ordered"}
    answer = reader.post(path, data=fields)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not done</h1>" in answer.text
    assert "This token may only read; nothing was changed." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert incident_of(stock, "A")[0] == "open"
    assert code(reader.post(path, data=fields, headers={"Accept": "*/*"}))[1] == "read_only_token"
    over_api = reader.post("/api/incidents/1/ordered")
    assert code(over_api) == (403, "read_only_token")


def test_whoever_is_not_let_in_is_asked_for_a_token(reader: httpx.Client) -> None:
    del reader.headers["Authorization"]
    answer = reader.get("/plan")
    assert (answer.status_code, "<h1>Not shown</h1>" in answer.text) == (401, True)
    assert 'Basic realm="finale"' in answer.headers["WWW-Authenticate"]


def order_of(page: str, sku: str) -> str:
    """Return the text in the column Order of the first page."""
    row = page.partition(f">{sku}</a>")[2].partition("</tr>")[0]
    found = re.findall(r'<td class="n" data-name="order">(.*?)</td>', row, re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", found[0]).split())


def test_the_order_is_the_buyers(api: httpx.Client) -> None:
    line = line_of(api, "A")
    suggested = f"{line['suggested_units']:g}"
    own = f"/products/{url_of('A')}"
    assert order_of(api.get("/").text, "A") == suggested
    patch(api, line, quantity_units=1200)
    assert order_of(api.get("/").text, "A") == f"1,200 suggested {suggested}"
    assert "<strong>1,200</strong>to order now" in api.get(own).text
    assert f"suggested {suggested}, changed by api" in api.get(own).text
    patch(api, line_of(api, "A"), is_dropped=True)
    assert order_of(api.get("/").text, "A") == f"dropped suggested {suggested}"
    assert "<strong>dropped</strong>from the order" in api.get(own).text
