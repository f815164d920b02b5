"""What buyers know of demand, over REST: it is kept with who said it, and the plan counts it."""

import httpx
import pytest

from finale_pipeline_tests.api.buyer import replan
from finale_pipeline_tests.notify.warehouse import Warehouse


def expected(stock: Warehouse, sku: str) -> float:
    (units,) = stock.rows(
        "SELECT velocity_units_per_day FROM mart.forecast WHERE sku = %s"
        " AND snapshot_on = (SELECT max(snapshot_on) FROM mart.forecast)", sku,
    )[0]  # fmt: skip
    return float(units)


def test_what_is_said_counts_in_the_next_plan_until_it_is_taken_back(
    api: httpx.Client, stock: Warehouse
) -> None:
    replan(stock)
    before = expected(stock, "A")
    said = {
        "name": "A", "kind": "times", "value": 1.5, "note": "advent",
        "from_on": f"{stock.now:%Y-%m-%d}", "until_on": "2040-01-01",
    }  # fmt: skip
    made = api.post("/api/adjustments", json=said, headers={"X-Actor": "Anna"})

    assert made.status_code == 201, made.text
    kept = made.json()
    assert (kept["about"], kept["value"], kept["made_by"]) == ("A", 1.5, "Anna (api)")
    assert api.get("/api/adjustments").json()["adjustments"] == [kept]
    replan(stock)
    assert expected(stock, "A") == pytest.approx(1.5 * before)
    assert expected(stock, "B") == pytest.approx(before)

    taken = api.delete(f"/api/adjustments/{kept['adjustment_id']}", headers={"X-Actor": "Ben"})
    assert taken.status_code == 200
    assert api.get("/api/adjustments").json()["adjustments"] == []
    assert stock.rows("SELECT withdrawn_by FROM plan.demand_adjustment") == [("Ben (api)",)]
    replan(stock)
    assert expected(stock, "A") == pytest.approx(before)
    assert api.delete(f"/api/adjustments/{kept['adjustment_id']}").status_code == 404


def test_what_is_said_of_a_vendor_or_a_category_is_said_of_its_products(
    api: httpx.Client, stock: Warehouse
) -> None:
    """A and B are Acme's, and A alone is tea."""
    stock.product("A", category="Tea")
    replan(stock)
    before = {sku: expected(stock, sku) for sku in ("A", "B")}
    days = {"from_on": f"{stock.now:%Y-%m-%d}", "until_on": "2040-01-01", "kind": "times"}
    for scope, name, times, reached in (
        ("category", "Tea", 3, {"A": 3, "B": 1}), ("vendor", "Acme", 2, {"A": 2, "B": 2}),
    ):  # fmt: skip
        said = {"scope": scope, "name": name, "value": times}
        made = api.post("/api/adjustments", json=said | days).json()
        replan(stock)
        for sku, factor in reached.items():
            assert expected(stock, sku) == pytest.approx(factor * before[sku])
            (why,) = stock.rows(
                "SELECT why FROM mart.forecast WHERE sku = %s ORDER BY snapshot_on DESC LIMIT 1",
                sku,
            )[0]
            assert (f"expects {times} times from" in str(why)) == (factor > 1)
        api.delete(f"/api/adjustments/{made['adjustment_id']}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "nobody"},
        {"value": None},
        {"value": -1},
        {"until_on": "2019-01-01"},
        {"scope": "vendor", "name": "Acme", "kind": "units", "value": 5},
        {"kind": "successor", "predecessor": "A"},
        {"kind": "perhaps"},
        {"surprise": 1},
    ],
)
def test_what_says_nothing_is_refused_and_nothing_is_written(
    api: httpx.Client, stock: Warehouse, wrong: dict[str, object]
) -> None:
    said = {
        "name": "A", "kind": "times", "value": 1.5,
        "from_on": "2026-01-01", "until_on": "2026-02-01",
    }  # fmt: skip
    answer = api.post("/api/adjustments", json=said | wrong)

    assert answer.status_code == 422, answer.text
    assert stock.rows("SELECT count(*) FROM plan.demand_adjustment") == [(0,)]
