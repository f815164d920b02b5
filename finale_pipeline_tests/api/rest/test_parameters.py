"""What stands in an address is text, a page, or nothing."""

from typing import Any

import httpx
import pytest

from finale_pipeline_tests.api.client import code
from finale_pipeline_tests.notify.warehouse import Warehouse

SQL = ("' OR 1=1 --", "sku; DROP TABLE core.product", "%s", "%(x)s", "\\", "1)) UNION SELECT 1--")


@pytest.mark.parametrize("text", SQL)
def test_sql_in_parameters_stays_text(api: httpx.Client, stock: Warehouse, text: str) -> None:
    for name in ("q", "category", "vendor"):
        found = api.get("/api/products", params={name: text})
        assert (found.status_code, found.json()["products"]) == (200, [])
    assert code(api.get("/api/products", params={"sort": text})) == (422, "unknown_sort")
    assert code(api.get("/api/products", params={"cursor": text})) == (422, "invalid_cursor")
    assert api.get("/api/sync-finale/history", params={"status": text}).json()["history"] == []
    assert code(api.get("/api/products/" + text)) == (404, "unknown_product")
    assert stock.rows("SELECT count(*) FROM core.product") == [(5,)]


@pytest.mark.parametrize("limit", [-1, 0, 10**9, "1.5", "x", ""])
def test_a_wrong_page_size_is_refused(api: httpx.Client, limit: Any) -> None:
    assert code(api.get("/api/products", params={"limit": limit})) == (422, "invalid_request")


def test_a_cursor_cannot_be_made_up_or_moved(api: httpx.Client) -> None:
    cursor = api.get("/api/products", params={"limit": 1}).json()["next_cursor"]
    for forged in (cursor[:-4] + "AAAA", cursor[1:], "é", "A" * 1999):
        answer = api.get("/api/products", params={"cursor": forged})
        assert code(answer) == (422, "invalid_cursor")
    moved = api.get("/api/products", params={"cursor": cursor, "sort": "-sku"})
    assert code(moved) == (422, "invalid_cursor")


def test_unknown_and_repeated_parameters_are_refused(api: httpx.Client) -> None:
    answer = api.get("/api/products", params={"stocked": "1"})
    assert code(answer) == (422, "unknown_parameter")
    answer = api.get("/api/products?limit=1&limit=2")
    assert code(answer) == (422, "repeated_parameter")


@pytest.mark.parametrize(
    "path",
    ["/api/products/..%2f..%2fetc%2fpasswd", "/api/products/%00", "/api/products/%ff%fe",
     "/api/products/x%00y", "/api//products", "/api/products/\U0001f600", "/%2e%2e/", "/outbox/%00",
     "/runbooks/..%2f..%2fREADME", "/api/incidents/9223372036854775808/ordered"],
)  # fmt: skip
def test_odd_paths_lead_nowhere(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code in {400, 404, 405, 422}
