"""Buyers change the plan by the API; what is to be ordered follows."""

import csv
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from finale_pipeline_tests.api.buyer import code, line_of, patch, plan_of, replan, terms_of_acme
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of


@pytest.fixture(autouse=True)
def terms(stock: Warehouse) -> None:
    terms_of_acme(stock)


def test_without_edits_the_plan_is_as_suggested(api: httpx.Client, stock: Warehouse) -> None:
    (order,) = stock.rows(
        "SELECT lines, units, total, edited_lines, dropped_lines, suggested_lines,"
        " suggested_units, suggested_total FROM mart.purchase_plan"
    )
    assert order[:3] == order[5:]
    assert order[3:5] == (0, 0)
    lines = stock.rows("SELECT count(*), sum(quantity_units) FROM plan.purchase_order_draft_line")
    assert lines == [order[:2]]
    line = line_of(api, "A")
    assert line["quantity_units"] == line["suggested_units"]
    assert (line["is_edited"], line["edited_by"], line["pack_units"]) == (False, None, 12)


def page_of_acme(api: httpx.Client) -> str:
    vendor = line_of(api, "A")["vendor_url"]
    return api.get("/plan/order", params={"vendor": vendor}).text


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
    assert line_of(api, "A") | {"is_dropped": False, "is_standing": False} == found


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
    before = line_of(api, "A")["suggested_units"]
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
    was = f"suggested was {before:g}, is {line['suggested_units']:,g} since"
    assert was in page_of_acme(api)
    stock.stock(A=5000)
    replan(stock)
    line = line_of(api, "A")
    assert (line["quantity_units"], line["suggested_units"]) == (1200, 0)
    assert f"suggested was {before:g}, is 0 since" in page_of_acme(api)


def test_a_new_day_begins_without_edits_and_the_page_remembers(
    api: httpx.Client, stock: Warehouse
) -> None:
    old = line_of(api, "A")
    patch(api, old, quantity_units=1200)
    stock.now += timedelta(days=1)
    replan(stock)
    line = line_of(api, "A")
    assert line["quantity_units"] == line["suggested_units"]
    assert f"took 1,200 instead of {old['suggested_units']:g}" in page_of_acme(api)
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
        sheet = book.read("xl/worksheets/sheet3.xml").decode()  # cover, orders, lines
    assert "<v>1200</v>" in sheet
    assert f"<v>{suggested:g}</v>" in sheet


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
