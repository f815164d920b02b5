"""Buyers decide about items by the buttons of the pages, without any script."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from finale_pipeline.settings import Settings
from finale_pipeline_tests.api.buyer import code, line_of, patch
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def send(api: httpx.Client, *skus: str, do: str, query: str = "", **typed: str) -> httpx.Response:
    """Tick items of the list and press a button under it, as a browser sends it."""
    page = api.get(f"/?{query}").text
    for sku in skus:
        assert f'name="product" value="{url_of(sku)}"' in page
    fields = {"product": [url_of(sku) for sku in skus], "query": query, "row": "", "note": "",
              "until": "", "do": do} | typed  # fmt: skip
    return api.post("/decide", data=fields, headers={"Origin": str(api.base_url)} | PAGE)


def undo(api: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Press undo on the page that a decision led to."""
    page = api.get(answer.headers["location"]).text
    (number,) = re.findall(r'name="choice" value="(\d+)"', page)
    return api.post("/undo", data={"choice": number, "query": ""}, headers=PAGE)


def incident_of(stock: Warehouse, sku: str) -> tuple[Any, ...]:
    (row,) = stock.rows(
        "SELECT state, decided_by, note, snoozed_until FROM ops.incident WHERE subject = %s",
        url_of(sku),
    )
    found: tuple[Any, ...] = row
    return found


def shown(api: httpx.Client, query: str = "") -> list[str]:
    """Return the SKUs on a page of the list."""
    return re.findall(
        r'<div class="cut" title="[^"]*"><a [^>]*>([^<]*)</a>', api.get(f"/?{query}").text
    )


def test_many_are_decided_at_one_stroke_and_taken_back_at_one(
    api: httpx.Client, stock: Warehouse
) -> None:
    assert shown(api) == ["A", "B"]
    answer = send(api, "A", "B", do="ordered", note=" by phone ", row="1")
    assert (answer.status_code, answer.headers["location"][-3:]) == (303, "#i1")
    assert incident_of(stock, "A") == ("ordered", "page", "by phone", None)
    assert incident_of(stock, "B") == ("ordered", "page", "by phone", None)
    page = api.get(answer.headers["location"]).text
    assert re.search(r'role="status">.*2 items: ordered\..*>Undo</button>', page, re.DOTALL)
    assert (shown(api), shown(api, "show=decided")) == ([], ["A", "B"])
    (found,) = api.get("/api/incidents", params={"sku": "A"}).json()["incidents"]
    assert (found["state"], found["note"]) == ("ordered", "by phone")
    undo(api, answer)
    assert incident_of(stock, "A") == incident_of(stock, "B") == ("open", None, None, None)
    assert shown(api) == ["A", "B"]


def test_taking_back_brings_back_what_was_decided_before(
    api: httpx.Client, stock: Warehouse
) -> None:
    send(api, "A", do="acknowledged", note="asked Acme")
    stock.now += timedelta(minutes=1)
    second = send(api, "A", do="ordered", query="show=decided")
    stock.now += timedelta(minutes=1)
    undo(api, second)
    assert incident_of(stock, "A")[:3] == ("acknowledged", "page", "asked Acme")


def test_taking_back_leaves_what_was_decided_anew_and_is_not_done_twice(
    api: httpx.Client, stock: Warehouse
) -> None:
    first = send(api, "A", "B", do="acknowledged")
    stock.now += timedelta(minutes=1)
    send(api, "A", do="ordered", query="show=decided")
    undo(api, first)
    assert (incident_of(stock, "A")[0], incident_of(stock, "B")[0]) == ("ordered", "open")
    page = api.get(first.headers["location"]).text
    assert "the decision was taken back" in page
    assert ">Undo</button>" not in page


def test_all_that_a_filter_finds_are_decided_also_on_other_pages(
    api: httpx.Client, stock: Warehouse
) -> None:
    answer = send(api, do="acknowledged", everything="true", query="level=out")
    assert answer.status_code == 303
    assert (incident_of(stock, "A")[0], incident_of(stock, "B")[0]) == ("acknowledged", "open")


def test_a_snooze_ends_on_its_day_or_after_a_week(api: httpx.Client, stock: Warehouse) -> None:
    today = stock.now.date()
    send(api, "A", do="snoozed")
    assert incident_of(stock, "A")[3].date() == today + timedelta(days=7)
    last = today + timedelta(days=3)
    send(api, "A", do="enter", until=last.isoformat(), query="show=decided")
    assert incident_of(stock, "A")[::3] == (
        "snoozed", datetime(last.year, last.month, last.day, tzinfo=UTC)
    )  # fmt: skip
    assert f"<b>snoozed until {last}</b>" in api.get("/?show=decided").text
    assert shown(api) == ["B"]
    stock.now += timedelta(days=4)
    assert shown(api) == ["A", "B"]
    assert ", which is over · page" in api.get("/").text


def test_enter_without_a_day_says_that_it_was_seen(api: httpx.Client, stock: Warehouse) -> None:
    send(api, "B", do="enter", note="asked Acme")
    assert incident_of(stock, "B")[:3] == ("acknowledged", "page", "asked Acme")


def test_the_items_own_page_decides_too(api: httpx.Client, stock: Warehouse) -> None:
    at = f"/products/{url_of('B')}"
    assert 'action="/decide"' in api.get(at).text
    fields = {"product": url_of("B"), "own_page": "true", "do": "acknowledged"}
    answer = api.post("/decide", data=fields, headers=PAGE)
    assert answer.status_code == 303
    page = api.get(answer.headers["location"])
    assert (page.status_code, "B: seen." in page.text) == (200, True)
    assert "<b>seen</b> · page" in page.text
    assert incident_of(stock, "B")[0] == "acknowledged"
    assert 'action="/decide"' not in api.get(f"/products/{url_of('C')}").text


def test_who_logs_in_by_name_is_named(api: httpx.Client, stock: Warehouse) -> None:
    login = base64.b64encode(b"Anna:x").decode()
    fields = {"product": url_of("A"), "do": "acknowledged"}
    api.post("/decide", data=fields, headers={"Authorization": f"Basic {login}"})
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
        ({"do": "ordered", "row": "1//x"}, 422),
        ({"do": "ordered", "query": "sort=name;drop"}, 422),
        ({"do": "ordered", "product": ""}, 422),
        ({"do": ""}, 422),
        ({"do": "ordered", "product": url_of("C")}, 422),
        ({"do": "ordered", "product": "/nowhere"}, 422),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    api: httpx.Client, stock: Warehouse, typed: dict[str, str], status: int
) -> None:
    fields = {"product": url_of("A"), "row": "1"} | typed
    answer = api.post("/decide", data=fields, headers=PAGE)
    assert (answer.status_code, "Not done" in answer.text) == (status, True), answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert incident_of(stock, "A") == ("open", None, None, None)
    assert code(api.post("/decide", data=fields))[0] == status


def test_another_sites_form_decides_nothing(api: httpx.Client, stock: Warehouse) -> None:
    fields = {"product": url_of("A"), "do": "ordered"}
    answer = api.post("/decide", data=fields, headers={"Origin": "https://evil.example"})
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


@pytest.mark.parametrize("path", ["/decide", "/undo", "/views", "/plan", "/orders/draft"])
def test_who_may_only_read_is_told_on_a_page(
    reader: httpx.Client, stock: Warehouse, path: str
) -> None:
    fields = {"product": url_of("A"), "do": "ordered"}
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
    was = [f"suggested {units}" for units in re.findall(r"Suggested were ([\d,]+)\.", row)]
    return " ".join([*re.sub("<[^>]*>", " ", found[0]).split(), *was])


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
    assert order_of(api.get("/?show=nothing").text, "A") == f"dropped suggested {suggested}"
    assert "<strong>dropped</strong>from the order" in api.get(own).text
