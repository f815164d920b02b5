"""Every endpoint that reads, over HTTP."""

import csv
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from finale_pipeline_tests.notify.warehouse import Warehouse


def get(api: httpx.Client, path: str, **params: Any) -> Any:
    answer = api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_critical_items_are_named_once_with_totals(api: httpx.Client) -> None:
    found = get(api, "/api/sync-finale/critical")
    assert [item["sku"] for item in found["out_of_stock"]] == ["A"]
    assert [item["sku"] for item in found["below_reorder_point"]] == ["B"]
    assert found["totals"]["critical"] == 2
    assert found["totals"]["money_at_risk"] > 0


def test_critical_items_come_as_csv(api: httpx.Client) -> None:
    answer = api.get("/api/sync-finale/critical", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["sku"] for row in rows] == ["A", "B"]


def test_flags_stand_beside_their_names_in_a_buyers_words(api: httpx.Client) -> None:
    """In JSON, CSV and the workbook alike; what an item is flagged with differs by item."""
    plan = get(api, "/api/purchase-plan")
    rows = [line for order in plan["orders"] for line in order["order_lines"]]
    rows += get(api, "/api/forecasts")["forecasts"]
    rows += get(api, "/api/sync-finale/critical")["out_of_stock"]
    rows.append(get(api, "/api/products/A")["forecast"])
    words = {"default_lead_time": "its lead time is not known: the default is used"}
    words["stockout_before_order_can_arrive"] = "runs out before an order can arrive"
    assert {flag for row in rows for flag in row["flags"]} & words.keys()
    for row in rows:
        for flag, said in words.items():
            assert (flag in row["flags"]) == (said in row["flags_text"]), row["sku"]
    for path in ("purchase-plan", "forecasts", "sync-finale/critical"):
        answer = api.get(f"/api/{path}", headers={"Accept": "text/csv"})
        listed = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert listed
        for row in listed:
            for flag, said in words.items():
                assert (flag in row["flags"]) == (said in row["flags_text"]), row["sku"]


def test_every_answer_says_how_old_its_data_are(api: httpx.Client) -> None:
    for path in ("products", "products/A", "forecasts", "purchase-plan", "incidents", "vendors"):
        headers = api.get(f"/api/{path}").headers
        assert headers["X-Data-As-Of"].startswith("20")
        assert int(headers["X-Finale-Run-Id"]) > 0
        assert "set-cookie" not in headers


@pytest.mark.parametrize("sort", ["sku", "-sku", "available_units", "-cost", "-name", "updated_at"])
def test_pages_joined_are_the_whole_list(api: httpx.Client, sort: str) -> None:
    whole = [p["sku"] for p in get(api, "/api/products", sort=sort)["products"]]
    joined, cursor = [], None
    while True:
        params = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
        found = get(api, "/api/products", **params)
        joined += [p["sku"] for p in found["products"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert joined == whole
    assert sorted(whole) == ["=1+1/ö", "A", "B", "C", "D"]


def test_filters(api: httpx.Client) -> None:
    def skus(**filters: object) -> list[str]:
        return [p["sku"] for p in get(api, "/api/products", **filters)["products"]]

    assert skus(q="product b") == ["B"]
    assert skus(vendor="Acme", sort="-sku") == ["C", "B", "A"]
    assert skus(available_below=6) == ["A", "B"]
    assert skus(active=False) == []


def test_a_product_shows_all_that_is_known(api: httpx.Client) -> None:
    found = get(api, "/api/products/A")
    assert found["available_units"] == 0
    assert found["forecast"]["order_now"] is True
    assert len(found["history"]["sales"]) == 60
    assert found["reorder_rules"][0]["reorder_point_units"] == 20
    assert found["events"][0]["to_level"] == "out"


def test_an_odd_sku_is_found(api: httpx.Client) -> None:
    assert get(api, "/api/products/=1+1%2F%C3%B6")["sku"] == "=1+1/ö"


def test_forecasts_incidents_vendors(api: httpx.Client) -> None:
    assert {f["sku"] for f in get(api, "/api/forecasts", order_now=True)["forecasts"]} == {"A", "B"}
    assert get(api, "/api/forecasts", on="2020-01-01")["forecasts"] == []
    opened = get(api, "/api/incidents", open=True, sort="sku")["incidents"]
    assert [(i["sku"], i["level"], i["state"]) for i in opened] == [
        ("A", "out", "open"),
        ("B", "low", "open"),
    ]
    assert get(api, "/api/vendors")["vendors"][0]["email"] == "sales@acme.example"


def test_the_plan_as_json_and_csv_agree(api: httpx.Client) -> None:
    orders = get(api, "/api/purchase-plan")["orders"]
    lines = {(x["sku"], x["quantity_units"]) for o in orders for x in o["order_lines"]}
    answer = api.get("/api/purchase-plan", headers={"Accept": "text/csv"})
    rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert {(row["sku"], float(row["quantity_units"])) for row in rows} == lines
    assert {sku for sku, _ in lines} == {"A", "B"}


def test_an_empty_list_is_an_empty_cell(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE plan.purchase_order_draft_line SET needs_data = '{}'")
    answer = api.get("/api/purchase-plan", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["needs_data"] for row in rows} == {""}
    assert not [cell for row in rows for cell in row.values() if cell in {"[]", "{}"}]


def test_the_workbook_holds_text_and_no_formula(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE plan.purchase_order_draft_line SET sku = '=1+1' || sku")
    stock.connection.execute("UPDATE core.vendor SET name = '=Acme: [1]'")
    answer = api.get("/api/purchase-plan", params={"format": "xlsx"})
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheets = [n for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 3  # a cover, the orders, the vendor's lines
        texts = "".join(book.read(name).decode() for name in sheets)
        formulas = re.findall("<f>([^<]*)</f>", texts)
        assert all(formula.startswith("SUBTOTAL(9,") for formula in formulas)  # ours alone
        assert "=1+1A" in book.read("xl/sharedStrings.xml").decode()


def test_status_health_history_metrics(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE ops.sync_run SET counts = '{\"core.stock_entry\": {}}'")
    status = get(api, "/api/sync-finale/status")
    assert status["state"] == "idle"
    assert {run["strategy"] for run in status["last"]} == {"inventory", "full"}
    health = get(api, "/api/sync-finale/health")
    assert health["parts"]["database"]["status"] == "healthy"
    assert health["parts"]["sync"]["status"] == "healthy"  # as the status says
    assert set(health["parts"]) == {"database", "finale", "sync", "data", "outbox"}
    runs = get(api, "/api/sync-finale/history", strategy="inventory", limit=1)
    assert runs["history"][0]["status"] == "done"
    assert runs["next_cursor"]
    assert get(api, "/api/sync-finale/history", until="2020-01-01T00:00:00Z")["history"] == []
    assert get(api, "/api/sync-finale/metrics")["finale_out_of_stock"] == 1
    text = api.get("/metrics").text
    assert "finale_out_of_stock 1\n" in text
    assert 'finale_sync_7d_runs{strategy="inventory"} 2' in text or "finale_sync_7d_runs" in text
    accepted = api.get("/api/sync-finale/metrics", headers={"Accept": "text/plain"})
    assert accepted.headers["content-type"].startswith("text/plain")


def test_many_readers_at_once_all_get_answers(api: httpx.Client) -> None:
    """More than there are threads and connections: waiting for one must not hold the other."""
    paths = ["/api/products", "/", "/readyz", "/api/sync-finale/health"] * 20
    with ThreadPoolExecutor(len(paths)) as many:
        answers = list(many.map(lambda path: api.get(path, timeout=60).status_code, paths))
    assert answers == [200] * len(paths)


def test_probes(api: httpx.Client) -> None:
    assert get(api, "/livez") == {"status": "alive"}
    assert get(api, "/readyz") == {"status": "ready"}
