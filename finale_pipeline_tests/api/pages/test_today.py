"""The buyer's list: filters, order and page stand in the address; views are kept by name."""

import base64
import re
from html import unescape

import httpx
import pytest

from finale_pipeline_tests.notify.warehouse import Warehouse, url_of


def skus(page: str) -> list[str]:
    return re.findall(r'<div class="cut" title="[^"]*"><a [^>]*>([^<]*)</a>', page)


def listed(api: httpx.Client, query: str = "") -> list[str]:
    answer = api.get(f"/?{query}")
    assert answer.status_code == 200, answer.text
    return [unescape(sku) for sku in skus(answer.text)]


def grown(stock: Warehouse) -> None:
    """Sixty more products go out, of two categories, a third of them without a vendor."""
    names = [f"N{n:02}" for n in range(60)]
    stock.add(*names)
    for place, sku in enumerate(names):
        stock.product(sku, category=("Bath", "Home")[place % 2])
        if place % 3:
            stock.supplier(sku, "Acme" if place % 3 == 1 else "Bolt & Co")
    stock.evaluate()
    stock.stock(**dict.fromkeys(names, 0))
    stock.evaluate()
    stock.plan()
    stock.evaluate()


def test_each_filter_narrows_and_the_address_holds_all(api: httpx.Client, stock: Warehouse) -> None:
    grown(stock)
    everything = listed(api, "rows=100")
    assert len(everything) == 62
    assert set(listed(api, "category=Bath&rows=100")) == {f"N{n:02}" for n in range(0, 60, 2)}
    assert set(listed(api, "vendor=Bolt+%26+Co&rows=100")) == {f"N{n:02}" for n in range(2, 60, 3)}
    unknown = listed(api, "vendor=(no+supplier+known)&rows=100")
    assert set(unknown) == {f"N{n:02}" for n in range(0, 60, 3)}
    assert listed(api, "q=n05&vendor=Bolt+%26+Co") == ["N05"]
    assert listed(api, "level=low") == ["B"]
    assert listed(api, "q=nothing+like+it") == []
    page = api.get("/?category=Bath&sort=-product").text
    assert skus(page)[:2] == ["N58", "N56"]
    following = unescape(re.findall(r'href="(/\?[^"]*)" rel="next"', page)[0])
    assert skus(api.get(following).text) == [f"N{n:02}" for n in (8, 6, 4, 2, 0)]
    assert len(listed(api, "page=99")) == 12, "a page behind the last one is the last"


@pytest.mark.parametrize("text", ["écl", "ÉCL", "aux fruits (2)", "[3+4]", "acme"])
def test_a_text_is_found_in_whatever_case_and_taken_literally(
    api: httpx.Client, stock: Warehouse, text: str
) -> None:
    stock.product("A", name="Éclair aux fruits (2) [3+4]")
    found = api.get("/", params={"q": text}).text
    assert skus(found) == (["A", "B"] if text == "acme" else ["A"])
    assert skus(api.get("/", params={"q": f"{text}."}).text) == []


COLUMNS = {
    "product": "product_url", "available": "available_units", "days": "days_left",
    "risk": "money_at_risk",
}  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_column_sorts_both_ways_and_what_is_not_known_comes_last(
    api: httpx.Client, stock: Warehouse, column: str, sign: str
) -> None:
    grown(stock)
    stock.connection.execute(
        "UPDATE plan.critical_item SET days_left = NULL, money_at_risk = NULL"
        " WHERE product_url = %s",
        (url_of("N07"),),
    )
    rows = stock.rows("SELECT product_url, to_jsonb(c) FROM plan.critical_item c")
    values = {url: row[COLUMNS[column]] for url, row in rows}
    shown = [values[url_of(sku)] for sku in listed(api, f"sort={sign}{column}&rows=100")]
    known = [value for value in shown if value is not None]
    assert known == sorted(known, reverse=bool(sign))
    assert shown[len(known) :] == [None] * (len(shown) - len(known))
    assert len(shown) == 62


def test_an_empty_field_of_the_filter_is_none(api: httpx.Client) -> None:
    answer = api.get("/?q=&vendor=&level=out&sort=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?level=out")
    assert api.get("/?q=", follow_redirects=True).status_code == 200
    for wrong in ("level=x", "sort=price", "page=0", "what=1", "level=out&level=low"):
        assert api.get(f"/?{wrong}").status_code == 422, wrong


def test_what_has_nothing_to_order_stands_apart(api: httpx.Client, stock: Warehouse) -> None:
    stock.add("Z", point=None)
    stock.connection.execute(
        "UPDATE core.reorder_rule SET reorder_quantity_units = NULL WHERE product_url = %s",
        (url_of("Z"),),
    )
    stock.evaluate()
    stock.stock(Z=3)
    stock.evaluate()
    assert (listed(api), listed(api, "show=nothing")) == (["A", "B"], ["Z"])
    assert set(listed(api, "show=all")) == {"A", "B", "Z"}


def test_a_view_is_kept_by_name_for_its_keeper_alone(api: httpx.Client) -> None:
    anna = {"Authorization": "Basic " + base64.b64encode(b"Anna:x").decode()}
    kept = api.post("/views", data={"name": " Out ", "query": "level=out&sort=-risk"}, headers=anna)
    assert (kept.status_code, kept.headers["location"]) == (303, "/?level=out&sort=-risk")
    assert '<a href="/?level=out&amp;sort=-risk">Out</a>' in api.get("/", headers=anna).text
    assert ">Out</a>" not in api.get("/").text
    api.post("/views", data={"name": "Out", "do": "forget"}, headers=anna)
    assert ">Out</a>" not in api.get("/", headers=anna).text
    assert api.post("/views", data={"name": "x", "query": "sort=nothing"}).status_code == 422


def test_each_number_links_to_what_it_counts(api: httpx.Client) -> None:
    page = api.get("/").text
    numbers = re.findall(r'<a href="([^"]+)"><strong[^>]*>([^<]*)</strong> (\w+)', page)
    counted = {name: (unescape(link), number) for link, number, name in numbers}
    for name in ("out", "low"):
        link, number = counted[name]
        assert len(listed(api, link.partition("?")[2])) == int(number)
    assert counted["at"][1].endswith(" USD"), "the one currency of all prices"
    for link, _ in counted.values():
        assert api.get(link).status_code == 200, link


def test_the_first_day_has_no_changes_but_real_ones(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE ops.incident_event SET kind = 'recorded'")
    assert "<strong>0</strong> changes" in api.get("/").text
    stock.stock(C=0)
    stock.evaluate()
    assert "<strong>1</strong> changes" in api.get("/").text
    assert "Went out of stock, was well stocked" in api.get("/changes").text


def test_an_order_that_is_late_is_counted_and_listed(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute(
        "INSERT INTO core.purchase_order (order_url, order_id, status, is_open, vendor_url,"
        " ordered_on, due_on, total, updated_at, payload, first_seen_at, changed_at, row_hash)"
        " VALUES ('/demo/api/order/7', 'PO-7', 'ORDER_LOCKED', true, '/demo/api/partygroup/Acme',"
        " %(on)s::date - 30, %(on)s::date - 9, 12.5, now(), '{}', now(), now(), 1)",
        {"on": stock.now.date()},
    )
    assert "<strong>1</strong> order late" in api.get("/").text
    page = api.get("/arrivals?late=true").text
    assert ">PO-7</a>" in page
    assert "<b>9</b>" in page
    assert "sc2/?order/purchase/order/" in page


def test_the_long_reason_folds_out(api: httpx.Client) -> None:
    row = api.get("/").text.partition('id="i1"')[2].partition("</tr>")[0]
    assert re.search(r"<summary>\s*sells 3 a day, nothing on order</summary>Order \d+", row)
    assert url_of("A") in row
