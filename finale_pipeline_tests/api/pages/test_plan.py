"""Buyers change the plan by the forms of its page, without any script."""

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest

from finale_pipeline.planning.scores import WEEKLY, write_scores
from finale_pipeline_tests.api.buyer import (
    VENDOR,
    code,
    line_of,
    patch,
    plan_of,
    replan,
    terms_of_acme,
)
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

ORDER = f"/plan/order?vendor={VENDOR}"


@pytest.fixture(autouse=True)
def terms(stock: Warehouse) -> None:
    terms_of_acme(stock)


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


def send(
    api: httpx.Client, sku: str, do: str = "save", lasts: str = "today", **typed: str
) -> httpx.Response:
    """Type into the page's form and press a button; `q` and `p` are the fields of the line."""
    fields, number = form_of(api.get(ORDER).text, sku)
    for name, text in typed.items():
        fields[f"{name}{number}"] = text
    button = do.replace("#", number)
    return api.post("/plan", data=fields | {"do": button, "lasts": lasts},
                    headers={"Origin": str(api.base_url)})  # fmt: skip


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
    shown = api.get(ORDER + "&saved=true").text
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
    assert "not whole packs of 12, insisted" in api.get(ORDER).text


def test_what_is_no_number_is_told_and_kept(api: httpx.Client) -> None:
    for text in ("many", "1,200", "-1", "1e400", "NaN", "0.1234567", "9" * 30):
        answer = send(api, "A", q=text)
        assert answer.status_code == 422
        fields, number = form_of(answer.text, "A")
        assert fields[f"q{number}"] == text
    assert line_of(api, "A")["is_edited"] is False


def test_the_form_does_not_write_over_another_persons_change(api: httpx.Client) -> None:
    fields, number = form_of(api.get(ORDER).text, "A")
    patch(api, line_of(api, "A"), quantity_units=1200)
    answer = api.post("/plan", data=fields | {f"q{number}": "2400"})
    assert answer.status_code == 409
    assert "Changed meanwhile by api: it is 1,200" in answer.text
    assert line_of(api, "A")["quantity_units"] == 1200
    untouched, other = form_of(api.get(ORDER).text, "B")
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
    fields, number = form_of(api.get(ORDER).text, "A")
    fields[f"q{number}"] = "1200"
    patch(api, line_of(api, "A"), is_dropped=True)
    answer = api.post("/plan", data=fields)
    assert (answer.status_code, "A (dropped by api)" in answer.text) == (409, True)
    stock.stock(A=5000)
    replan(stock)
    answer = api.post("/plan", data=fields)
    assert (answer.status_code, "A (dropped by api)" in answer.text) == (409, True)
    fields, number = form_of(api.get(ORDER).text, "B")
    stock.stock(B=5000)
    replan(stock)
    answer = api.post("/plan", data=fields | {f"q{number}": "1200"})
    assert (answer.status_code, "1 no longer suggested" in answer.text) == (409, True)


def test_a_form_of_yesterday_changes_nothing(api: httpx.Client, stock: Warehouse) -> None:
    fields, number = form_of(api.get(ORDER).text, "A")
    stock.now += timedelta(days=1)
    replan(stock)
    answer = api.post("/plan", data=fields | {f"q{number}": "1200"})
    assert (answer.status_code, "Nothing was saved" in answer.text) == (409, True)
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(0,)]


def test_another_sites_form_is_refused(api: httpx.Client, stock: Warehouse) -> None:
    fields, number = form_of(api.get(ORDER).text, "A")
    headers = {"Origin": "https://evil.example"}
    answer = api.post("/plan", data=fields | {f"q{number}": "1200"}, headers=headers)
    assert code(answer) == (403, "other_origin")
    for broken in ({}, {"day": "x", "vendor": "v"}, {"day": "2026-03-09"}, fields | {"v1": "x"}):
        assert api.post("/plan", data=broken).status_code == 400
    assert stock.rows("SELECT count(*) FROM plan.purchase_order_edit") == [(0,)]


def test_a_long_order_has_pages_and_the_plan_is_short(api: httpx.Client, stock: Warehouse) -> None:
    """Ten thousand lines would be nine megabytes."""
    run = stock.connection.execute
    run(
        "INSERT INTO plan.purchase_order_draft_line (snapshot_on, vendor_url, product_url, sku,"
        " quantity_units, unit_cost, currency, line_total, arrival_on, stockout_on, urgency,"
        " needs_data, why, changed_at, row_hash) SELECT snapshot_on, '/v/2', 'p' || n, 's' || n,"
        " 12, 5, 'USD', 60, arrival_on, stockout_on, urgency, '{}', why, now(), 1"
        " FROM plan.purchase_order_draft_line, generate_series(1, 1000) n WHERE sku = 'A'"
    )
    shown = api.get("/plan")
    assert len(shown.content) < 20_000
    assert "60,000.00 USD" in shown.text
    first = api.get("/plan/order?vendor=/v/2")
    assert len(first.content) < 300_000
    assert first.text.count('aria-label="Quantity of s') == 100
    second = api.get("/plan/order?vendor=/v/2&page=10").text
    fields, number = form_of(second.replace('value="p999"', f'value="{url_of("s999")}"'), "s999")
    saved = api.post("/plan", data=fields | {f"u{number}": "p999", f"q{number}": "24"})
    assert saved.status_code == 303
    assert "Saved: 1000 lines" in api.get(saved.headers["location"]).text


def test_a_change_of_method_is_announced_above_the_plan(
    api: httpx.Client, stock: Warehouse
) -> None:
    """It moves every number: who reads the plan hears of it in the week in which it happens."""
    measures = {"loss_q50": 0.2, "loss_q90": 0.2, "loss_q95": 0.2, "bias": 0.0, "forecasts": 900}
    monday = stock.now.date() - timedelta(days=stock.now.weekday())
    for day, used in ((monday - timedelta(weeks=1), "pace 80/20"), (monday, "pace 100/0")):
        scores = [
            {"method": name, "window_days": 14, **measures} for name in ("pace 80/20", "pace 100/0")
        ]
        write_scores(stock.connection, scores, day, source=WEEKLY, in_use=used, now=stock.now)
        shown = api.get("/plan").text
        assert ("Method changed: pace 100/0 instead of pace 80/20" in shown) == (day == monday)
