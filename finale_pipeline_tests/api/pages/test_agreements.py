"""Terms are kept in place with their history; many lines change at one stroke, and back."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import httpx
import pytest

from finale_pipeline_tests.api.buyer import VENDOR, line_of, plan_of, replan
from finale_pipeline_tests.api.pages.test_plan import ORDER, form_of, send
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

PAGE = {"Accept": "text/html"}


def lines(api: httpx.Client) -> dict[str, tuple[str, float]]:
    """Return vendor and quantity of each line of the plan, by SKU."""
    orders = plan_of(api)["orders"]
    return {
        line["sku"]: (line["vendor"], line["quantity_units"])
        for order in orders
        for line in order["order_lines"]
    }


def fix(api: httpx.Client, sku: str, **terms: str) -> httpx.Response:
    return api.post("/terms/product", data={"product": url_of(sku)} | terms, headers=PAGE)


def test_a_chosen_supplier_moves_the_line_at_once_and_is_kept(
    api: httpx.Client, stock: Warehouse
) -> None:
    stock.supplier("D", "Bolt", "b@bolt.example")
    stock.connection.execute(
        "DELETE FROM core.product_supplier WHERE product_url = %s", (url_of("A"),)
    )
    replan(stock)
    quantity = lines(api)["A"][1]
    assert lines(api)["A"][0] == "(no supplier known)"
    page = api.get("/plan/order?vendor=").text
    assert '<option value="Bolt">' in page
    data = {"u1": url_of("A"), "w1": "bolt"}
    assert api.post("/plan/suppliers", data=data, headers=PAGE).status_code == 303
    assert lines(api)["A"][0] == "Bolt"
    replan(stock)
    assert lines(api)["A"] == ("Bolt", quantity)
    assert "→ /demo/api/partygroup/Bolt" in api.get(f"/products/{url_of('A')}").text
    unknown = api.post("/plan/suppliers", data=data | {"w1": "nobody"}, headers=PAGE)
    assert (unknown.status_code, "Nothing was changed" in unknown.text) == (422, True)


def test_terms_of_a_product_hold_at_once(api: httpx.Client, stock: Warehouse) -> None:
    before = lines(api)["A"][1]
    assert fix(api, "A", pack_units="48").status_code == 303
    assert lines(api)["A"][1] == -(-before // 48) * 48
    fix(api, "A", maximum_units="30")
    assert lines(api)["A"][1] == 30
    fix(api, "A", reorder_point_units="500")
    assert lines(api)["A"][1] >= 500
    fix(api, "A", is_never_ordered="true")
    assert "A" not in lines(api)
    page = api.get(f"/products/{url_of('A')}").text
    assert "A buyer said not to order it." in page
    fix(api, "A")
    assert lines(api)["A"][1] == before
    changes = stock.rows("SELECT count(*), min(changed_by) FROM plan.term_change")
    assert changes == [(5, "page")]


def test_what_is_never_ordered_is_not_told_of(api: httpx.Client, stock: Warehouse) -> None:
    fix(api, "A", is_never_ordered="true")
    stock.evaluate()
    assert api.get("/api/sync-finale/critical").json()["totals"]["critical"] == 1
    assert ">A</a>" not in api.get("/?show=all").text


def test_impossible_terms_are_refused(api: httpx.Client, stock: Warehouse) -> None:
    for terms in (
        {"pack_units": "0"}, {"minimum_order_units": "9", "maximum_units": "5"},
        {"reorder_point_units": "-1"}, {"maximum_units": "many"}, {"supplier": "nobody"},
    ):  # fmt: skip
        assert fix(api, "A", **terms).status_code == 422, terms
    assert stock.rows("SELECT count(*) FROM plan.term_change") == [(0,)]


def test_an_agreed_lead_time_beats_the_stated_one(api: httpx.Client) -> None:
    before = lines(api)["A"][1]
    data = {"vendor": VENDOR, "lead_time_days": "40"}
    assert api.post("/terms/vendor", data=data, headers=PAGE).status_code == 303
    assert lines(api)["A"][1] > before
    page = api.get(ORDER).text
    assert "stated 7, takes 40 days" in page
    assert "→ 40" in page


def test_a_quantity_or_a_drop_holds_for_today_or_until_it_is_changed(
    api: httpx.Client, stock: Warehouse
) -> None:
    suggested = line_of(api, "A")["suggested_units"]
    send(api, "A", q="500")
    send(api, "B", do="drop:#", lasts="standing")
    fields, _ = form_of(api.get(ORDER).text, "A")
    assert "B" not in lines(api)
    stock.now = stock.now.replace(day=stock.now.day + 1)
    stock.evaluate()
    replan(stock)
    assert lines(api)["A"][1] != 500, "for today is over"
    assert "B" not in lines(api), "until it is changed goes on"
    assert "until it is changed" in api.get(ORDER).text
    send(api, "B", do="back:#")
    assert "B" in lines(api)
    assert suggested
    assert fields["day"]


def changed(answer: httpx.Response) -> int:
    assert answer.status_code == 303, answer.text
    (number,) = re.findall(r"changed=(\d+)", answer.headers["location"])
    return int(number)


def propose(api: httpx.Client, kind: str, **more: Any) -> httpx.Response:
    day = plan_of(api)["snapshot_on"]
    return api.post("/plan/propose", data={"day": day, "kind": kind} | more, headers=PAGE)


def undo(api: httpx.Client, change: int) -> None:
    page = api.get(f"/plan?changed={change}").text
    assert 'id="undo"' in page
    assert api.post("/plan/undo", data={"change": str(change)}).status_code == 303
    assert "was taken back" in api.get(f"/plan?changed={change}").text


def test_what_becomes_due_soon_is_added_and_taken_back(api: httpx.Client, stock: Warehouse) -> None:
    """C has 60 days of sales above its point; ordering three months ahead takes it along."""
    stock.sells("C", 1)
    replan(stock)
    before = lines(api)
    assert "C" not in before
    near = propose(api, "horizon", days="1")
    assert (near.status_code, "Nothing more becomes due" in near.text) == (200, True)
    change = changed(propose(api, "horizon", days="90"))
    assert lines(api)["C"][0] == "Acme"
    assert lines(api)["C"][1] > 0
    assert {sku: lines(api)[sku] for sku in before} == before
    undo(api, change)
    assert lines(api) == before
    assert "no longer suggested" not in api.get("/plan").text


def test_a_budget_keeps_what_is_most_at_risk(api: httpx.Client, stock: Warehouse) -> None:
    before = lines(api)
    risks = {
        row[0]: row[1]
        for row in stock.rows(
            "SELECT p.sku, o.money_at_risk FROM plan.outlook o JOIN core.product p"
            " USING (product_url) WHERE p.sku IN ('A', 'B')"
        )
    }
    assert risks["A"] > risks["B"]
    total = plan_of(api)["orders"][0]["total"]
    change = changed(propose(api, "budget", amount=str(Decimal(str(total)) - 1)))
    assert set(lines(api)) == {"A"}
    undo(api, change)
    assert lines(api) == before
    everything = propose(api, "budget", amount="1000000")
    assert "All of it fits" in everything.text
    assert propose(api, "budget").status_code == 422


def test_an_order_is_raised_to_its_minimum_by_whole_packs(
    api: httpx.Client, stock: Warehouse
) -> None:
    fix(api, "A", pack_units="12")
    before = lines(api)
    total = plan_of(api)["orders"][0]["total"]
    least = total + 300
    api.post("/terms/vendor", data={"vendor": VENDOR, "minimum_order_value": str(least)})
    change = changed(propose(api, "minimum"))
    order = plan_of(api)["orders"][0]
    assert order["minimum_gap"] == 0
    assert least <= order["total"] < least + 12 * 5
    assert lines(api)["A"][1] % 12 == 0
    assert "Every minimum is met" in propose(api, "minimum").text
    undo(api, change)
    assert lines(api) == before


def test_taking_back_leaves_what_a_person_changed_since(
    api: httpx.Client, stock: Warehouse
) -> None:
    change = changed(propose(api, "budget", amount="1"))
    assert lines(api) == {}
    send(api, "A", do="back:#")
    undo(api, change)
    assert set(lines(api)) == {"A", "B"}


@pytest.mark.parametrize("path", ["/plan/propose", "/plan/undo", "/plan/suppliers",
                                  "/terms/product", "/terms/vendor"])  # fmt: skip
def test_another_sites_form_changes_nothing(api: httpx.Client, path: str) -> None:
    answer = api.post(path, data={"change": "1"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_several_vendors_are_previewed_at_once(api: httpx.Client, stock: Warehouse) -> None:
    stock.supplier("D", "Bolt")
    fix(api, "B", supplier="Bolt")
    vendors = re.findall(r'name="vendor" value="([^"]+)"', api.get("/plan").text)
    assert len(vendors) == 2
    data = {"on": plan_of(api)["snapshot_on"], "vendor": [unescape(v) for v in vendors]}
    page = api.post("/orders/draft", data=data, headers=PAGE)
    assert page.status_code == 200
    heads = re.findall(r"<h2>(\w+) ", page.text)
    assert sorted(heads) == ["Acme", "Bolt"]
