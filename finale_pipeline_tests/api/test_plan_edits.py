"""Buyers change the plan: by the API and by the page's forms; what is to be ordered follows."""

import csv
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import httpx
import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

VENDOR = "/demo/api/partygroup/Acme"
LINES = "/api/purchase-plan/lines"


def replan(stock: Warehouse) -> None:
    plan_day(stock.connection, stock.now.date(), stock.settings, now=stock.now)


@pytest.fixture(autouse=True)
def terms(stock: Warehouse) -> None:
    """A comes in dozens, at least two; Acme wants an order of 100,000 USD."""
    stock.connection.execute(
        "INSERT INTO plan.product_term (product_url, minimum_order_units, pack_units)"
        " VALUES (%s, 24, 12)",
        (url_of("A"),),
    )
    stock.connection.execute(
        "INSERT INTO plan.vendor_term (vendor_url, minimum_order_value) VALUES (%s, 100000)",
        (VENDOR,),
    )
    replan(stock)


def plan_of(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/api/purchase-plan").json()
    return found


def line_of(api: httpx.Client, sku: str) -> dict[str, Any]:
    plan = plan_of(api)
    lines = [line for order in plan["orders"] for line in order["order_lines"]] + plan["dropped"]
    (found,) = (line for line in lines if line["sku"] == sku)
    return dict(found)


def wanted(line: dict[str, Any], **changes: Any) -> dict[str, Any]:
    keys = ("snapshot_on", "vendor_url", "product_url", "version")
    return {key: line[key] for key in keys} | changes


def patch(api: httpx.Client, line: dict[str, Any], **changes: Any) -> httpx.Response:
    return api.patch(LINES, json=wanted(line, **changes))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_without_edits_the_plan_is_as_suggested(api: httpx.Client, stock: Warehouse) -> None:
    columns = (
        "SELECT lines, units, total, currency, arrival_on, must_order_by_on, urgency, minimum_gap,"
        " needs_data FROM "
    )
    suggested = stock.rows(columns + "plan.purchase_order_draft")
    assert stock.rows(columns + "mart.purchase_plan") == suggested
    line = line_of(api, "A")
    assert line["quantity_units"] == line["suggested_units"]
    assert (line["is_edited"], line["edited_by"], line["pack_units"]) == (False, None, 12)


def test_a_quantity_and_a_price_change_line_order_and_log(
    api: httpx.Client, stock: Warehouse
) -> None:
    line = line_of(api, "A")
    answer = patch(api, line, quantity_units=1200, unit_cost=4.55, note="fair in May")
    assert answer.status_code == 200, answer.text
    found, order = answer.json()["line"], answer.json()["order"]
    assert (found["quantity_units"], found["unit_cost"], found["line_total"]) == (1200, 4.55, 5460)
    assert (found["suggested_units"], found["edited_by"]) == (line["quantity_units"], "api")
    other = line_of(api, "B")
    assert order["total"] == 5460 + other["line_total"]
    assert order["minimum_gap"] == 100_000 - order["total"]
    assert answer.json()["vendor_minimum_units"] % 12 == 0
    log = stock.rows(
        "SELECT quantity_units, old_quantity_units, unit_cost, old_unit_cost, edited_at, note,"
        " broken_rules FROM mart.purchase_plan_edit"
    )
    said = (
        1200,
        line["quantity_units"],
        Decimal("4.55"),
        5,
        stock.now,
        "fair in May",
        ["vendor_minimum"],
    )
    assert log == [said]
    assert line_of(api, "A") | {"is_dropped": False} == found


def test_a_quantity_against_the_terms_is_refused_unless_the_buyer_insists(
    api: httpx.Client, stock: Warehouse
) -> None:
    line = line_of(api, "A")
    answer = patch(api, line, quantity_units=40)
    assert code(answer) == (422, "breaks_terms")
    said = answer.json()
    assert (said["below_units"], said["nearest_units"], said["above_units"]) == (36, 36, 48)
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(0,)]
    low = patch(api, line, quantity_units=7).json()
    assert low["broken_rules"] == ["pack", "minimum"]
    assert (low["below_units"], low["nearest_units"]) == (None, 24)
    kept = patch(api, line, quantity_units=7, insist=True).json()["line"]
    assert kept["quantity_units"] == 7
    assert kept["broken_rules"] == ["pack", "minimum", "vendor_minimum"]
    priced = patch(api, kept, unit_cost=3).json()["line"]
    assert (priced["quantity_units"], priced["broken_rules"]) == (7, kept["broken_rules"])


def test_a_dropped_line_is_not_to_be_ordered_and_can_come_back(api: httpx.Client) -> None:
    before = plan_of(api)
    line = line_of(api, "A")
    dropped = patch(api, line, is_dropped=True).json()
    assert dropped["order"]["lines"] == 1
    after = plan_of(api)
    assert [x["sku"] for order in after["orders"] for x in order["order_lines"]] == ["B"]
    assert [x["sku"] for x in after["dropped"]] == ["A"]
    everything = patch(api, line_of(api, "B"), is_dropped=True).json()
    assert everything["order"] is None
    assert plan_of(api)["orders"] == []
    for sku in ("A", "B"):
        assert patch(api, line_of(api, sku), is_dropped=False).status_code == 200
    orders = plan_of(api)["orders"]
    assert orders[0]["total"] == before["orders"][0]["total"]
    assert orders[0]["edited_lines"] == orders[0]["dropped_lines"] == 0


def test_null_is_back_to_the_suggestion(api: httpx.Client) -> None:
    line = line_of(api, "A")
    edited = patch(api, line, quantity_units=1200, unit_cost=1).json()["line"]
    back = patch(api, edited, quantity_units=None, unit_cost=None).json()["line"]
    assert (back["quantity_units"], back["unit_cost"]) == (line["quantity_units"], 5)
    assert back["is_edited"] is False
    assert patch(api, back, quantity_units=line["quantity_units"]).json()["is_changed"] is False


def test_who_saw_an_older_line_changes_nothing(api: httpx.Client) -> None:
    line = line_of(api, "A")
    assert patch(api, line, quantity_units=1200).status_code == 200
    answer = patch(api, line, quantity_units=2400)
    assert code(answer) == (409, "line_changed")
    assert answer.json()["version"] == line_of(api, "A")["version"]
    assert line_of(api, "A")["quantity_units"] == 1200


def test_of_many_at_once_one_wins(api: httpx.Client, stock: Warehouse) -> None:
    line = line_of(api, "A")
    with ThreadPoolExecutor(8) as many:
        answers = list(
            many.map(lambda n: patch(api, line, quantity_units=1200 + 12 * n).status_code, range(8))
        )
    assert sorted(answers) == [200] + [409] * 7
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(1,)]


def test_planning_the_day_again_keeps_edits_and_says_when_the_suggestion_changed(
    api: httpx.Client, stock: Warehouse
) -> None:
    patch(api, line_of(api, "A"), quantity_units=1200)
    patch(api, line_of(api, "B"), unit_cost=4)
    replan(stock)
    assert line_of(api, "A")["quantity_units"] == 1200
    assert line_of(api, "A")["is_suggestion_changed"] is False
    stock.stock(A=-500, B=-500)
    replan(stock)
    line, priced = line_of(api, "A"), line_of(api, "B")
    assert (line["quantity_units"], line["is_suggestion_changed"]) == (1200, True)
    assert (priced["quantity_units"], priced["unit_cost"]) == (priced["suggested_units"], 4)
    assert "the suggestion has changed since" in api.get("/plan").text
    stock.stock(A=5000)
    replan(stock)
    assert "no longer suggested" in api.get("/plan").text


def test_a_new_day_begins_without_edits_and_the_page_remembers(
    api: httpx.Client, stock: Warehouse
) -> None:
    old = line_of(api, "A")
    patch(api, old, quantity_units=1200)
    stock.now += timedelta(days=1)
    replan(stock)
    line = line_of(api, "A")
    assert line["quantity_units"] == line["suggested_units"]
    assert f"took 1,200 instead of {old['suggested_units']:g}" in api.get("/plan").text
    assert code(patch(api, old, quantity_units=2400)) == (409, "old_plan")


IMPOSSIBLE: list[dict[str, Any]] = [
    {"quantity_units": 0}, {"quantity_units": -1}, {"quantity_units": 1e300}, {"unit_cost": -1},
    {"quantity_units": 1.1234567}, {"is_dropped": "yes"}, {"sku": "A"}, {"note": "x" * 501},
]  # fmt: skip


def test_what_cannot_be_is_refused(api: httpx.Client) -> None:
    line = line_of(api, "A")
    for changes in IMPOSSIBLE:
        assert code(patch(api, line, **changes)) == (422, "invalid_request"), changes


def test_a_line_that_is_not_there_is_unknown(api: httpx.Client) -> None:
    line = line_of(api, "A")
    for other in ({"product_url": url_of("C")}, {"vendor_url": ""}, {"snapshot_on": "2999-01-01"}):
        assert code(patch(api, line | other, quantity_units=12)) == (404, "unknown_line")


def test_downloads_show_the_plan_and_the_suggestion_beside_it(api: httpx.Client) -> None:
    suggested = line_of(api, "A")["suggested_units"]
    patch(api, line_of(api, "A"), quantity_units=1200)
    patch(api, line_of(api, "B"), is_dropped=True)
    text = api.get("/api/purchase-plan?format=csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    said = [(row["sku"], row["quantity_units"], row["suggested_units"]) for row in rows]
    assert said == [("A", "1200", f"{suggested:g}")]
    with zipfile.ZipFile(io.BytesIO(api.get("/api/purchase-plan?format=xlsx").content)) as book:
        assert 'name="Dropped"' in book.read("xl/workbook.xml").decode()
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
    assert "<v>1200</v>" in sheet
    assert f"<v>{suggested:g}</v>" in sheet


def form_of(page: str, sku: str) -> tuple[dict[str, str], str]:
    """Return the fields of the form that has a line, and the line's number."""
    for form in re.findall(r"<form method=\"post\".*?</form>", page, re.DOTALL):
        label = re.search(rf'aria-label="(?:Quantity of|Bring back) {sku}"', form)
        if label is None:
            continue
        inputs = [
            dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall("<input.*?>", form)
        ]
        fields = {unescape(i["name"]): unescape(i["value"]) for i in inputs}
        (number,) = (n[1:] for n, v in fields.items() if n[0] == "u" and v == url_of(sku))
        return fields, number
    raise AssertionError(f"no form has {sku}")


def send(api: httpx.Client, sku: str, do: str = "save", **typed: str) -> httpx.Response:
    """Type into the page's form and press a button; `q` and `p` are the fields of the line."""
    fields, number = form_of(api.get("/plan").text, sku)
    for name, text in typed.items():
        fields[f"{name}{number}"] = text
    button = do.replace("#", number)
    return api.post("/plan", data=fields | {"do": button}, headers={"Origin": str(api.base_url)})


def test_the_form_saves_and_leads_back_to_the_page(api: httpx.Client) -> None:
    answer = send(api, "A", q=" 1 200 ", p="4.5")
    assert answer.status_code == 303
    shown = api.get(answer.headers["location"])
    assert (shown.status_code, "Saved: 2 lines" in shown.text) == (200, True)
    line = line_of(api, "A")
    assert (line["quantity_units"], line["unit_cost"], line["edited_by"]) == (1200, 4.5, "page")
    assert send(api, "A", q="").status_code == 303
    assert line_of(api, "A")["quantity_units"] == line["suggested_units"]
    assert send(api, "A", do="undo:#").status_code == 303
    assert line_of(api, "A")["is_edited"] is False


def test_the_form_drops_and_brings_back(api: httpx.Client) -> None:
    assert send(api, "A", q="0").status_code == 303
    assert send(api, "B", do="drop:#").status_code == 303
    shown = api.get("/plan?saved=" + VENDOR).text
    assert "Nothing of this supplier is left to order" in shown
    assert send(api, "A", do="back:#").status_code == 303
    assert [line["sku"] for line in plan_of(api)["dropped"]] == ["B"]


def test_the_form_warns_keeps_what_was_typed_and_lets_insist(api: httpx.Client) -> None:
    answer = send(api, "A", q="40", p="4.5")
    assert answer.status_code == 422
    fields, number = form_of(answer.text, "A")
    assert (fields[f"q{number}"], fields[f"p{number}"]) == ("40", "4.5")
    assert "not whole packs of 12" in answer.text
    assert line_of(api, "A")["unit_cost"] == 5
    taken = api.post("/plan", data=fields | {"do": f"take:{number}:36"})
    assert taken.status_code == 303
    assert line_of(api, "A")["quantity_units"] == 36
    assert line_of(api, "A")["unit_cost"] == 4.5
    assert send(api, "A", do="insist", q="40").status_code == 303
    assert "not whole packs of 12, insisted" in api.get("/plan").text


def test_what_is_no_number_is_told_and_kept(api: httpx.Client) -> None:
    for text in ("many", "1,200", "-1", "1e400", "NaN", "0.1234567", "9" * 30):
        answer = send(api, "A", q=text)
        assert answer.status_code == 422
        fields, number = form_of(answer.text, "A")
        assert fields[f"q{number}"] == text
    assert line_of(api, "A")["is_edited"] is False


def test_the_form_does_not_write_over_another_persons_change(api: httpx.Client) -> None:
    fields, number = form_of(api.get("/plan").text, "A")
    patch(api, line_of(api, "A"), quantity_units=1200)
    answer = api.post("/plan", data=fields | {f"q{number}": "2400"})
    assert answer.status_code == 409
    assert "Changed meanwhile by api: it is 1,200" in answer.text
    assert line_of(api, "A")["quantity_units"] == 1200
    untouched, other = form_of(api.get("/plan").text, "B")
    fields[f"p{other}"] = "4"
    assert api.post("/plan", data=fields).status_code == 303
    assert line_of(api, "A")["quantity_units"] == 1200
    again = form_of(answer.text, "A")[0]
    assert api.post("/plan", data=again).status_code == 303
    assert line_of(api, "A")["quantity_units"] == 2400
    assert untouched["day"]


def test_who_types_into_a_line_that_was_dropped_or_is_gone_is_told(
    api: httpx.Client, stock: Warehouse
) -> None:
    fields, number = form_of(api.get("/plan").text, "A")
    fields[f"q{number}"] = "1200"
    patch(api, line_of(api, "A"), is_dropped=True)
    answer = api.post("/plan", data=fields)
    assert (answer.status_code, "A (dropped by api)" in answer.text) == (409, True)
    stock.stock(A=5000)
    replan(stock)
    answer = api.post("/plan", data=fields)
    assert (answer.status_code, "1 no longer suggested" in answer.text) == (409, True)


def test_a_form_of_yesterday_changes_nothing(api: httpx.Client, stock: Warehouse) -> None:
    fields, number = form_of(api.get("/plan").text, "A")
    stock.now += timedelta(days=1)
    replan(stock)
    answer = api.post("/plan", data=fields | {f"q{number}": "1200"})
    assert (answer.status_code, "Nothing was saved" in answer.text) == (409, True)
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(0,)]


def test_another_sites_form_is_refused(api: httpx.Client, stock: Warehouse) -> None:
    fields, number = form_of(api.get("/plan").text, "A")
    headers = {"Origin": "https://evil.example"}
    answer = api.post("/plan", data=fields | {f"q{number}": "1200"}, headers=headers)
    assert code(answer) == (403, "other_origin")
    for broken in ({}, {"day": "x", "vendor": "v"}, {"day": "2026-03-09"}, fields | {"v1": "x"}):
        assert api.post("/plan", data=broken).status_code == 400
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(0,)]


def test_a_plan_that_orders_nothing_is_no_older_days_plan(
    api: httpx.Client, stock: Warehouse
) -> None:
    stock.stock(A=9000, B=9000)
    stock.now += timedelta(days=1)
    replan(stock)
    assert plan_of(api) == {
        "snapshot_on": stock.now.date().isoformat(), "orders": [], "dropped": [],
    }  # fmt: skip
    assert "Nothing has to be ordered" in api.get("/plan").text


def test_of_a_plan_without_end_suppliers_are_opened_one_by_one(
    api: httpx.Client, stock: Warehouse
) -> None:
    """Ten thousand lines would be nine megabytes."""
    run = stock.connection.execute
    run(
        "INSERT INTO plan.purchase_order_draft_line SELECT snapshot_on, '/v/2', 'p' || n, 's' || n,"
        " NULL, 12, 5, 'USD', 60, arrival_on, stockout_on, NULL, urgency, '{}', why, now(), 1"
        " FROM plan.purchase_order_draft_line, generate_series(1, 1000) n WHERE sku = 'A'"
    )
    run(
        "INSERT INTO plan.purchase_order_draft SELECT snapshot_on, '/v/2', 'Second', 1000, 12000,"
        " 60000, 'USD', arrival_on, NULL, urgency, NULL, NULL, '{}', now(), 1"
        " FROM plan.purchase_order_draft"
    )
    shown = api.get("/plan").text
    assert ('aria-label="Quantity of s1"' in shown, "Show its 1000 lines" in shown) == (False, True)
    (link,) = re.findall(r'href="(/plan\?opened=[^"#]*)', shown)
    opened = api.get(unescape(link)).text
    assert opened.count('aria-label="Quantity of s') == 1000
    forms = re.findall(r'<form method="post".*?</form>', opened, re.DOTALL)
    assert len(forms) == 1 + 7
    fields, number = form_of(opened.replace('value="p9"', f'value="{url_of("s9")}"'), "s9")
    saved = api.post("/plan", data=fields | {f"u{number}": "p9", f"q{number}": "24"})
    assert saved.status_code == 303
    assert "Saved: 1000 lines" in api.get(saved.headers["location"]).text
