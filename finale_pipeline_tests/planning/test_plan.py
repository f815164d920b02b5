"""A plan of a day, from the rows of a real warehouse to the rows of the plan."""

from datetime import date, timedelta
from typing import Any

import pytest

from finale_pipeline.domain.forecast.methods import MENU
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.plan import PlanReport, plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse

PLAN = (
    "plan.demand", "plan.decision", "plan.forecast_by_location", "plan.calibration",
    "plan.purchase_order_draft_line", "plan.forecast_score",
)  # fmt: skip


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    return Warehouse(connection)


def plan(warehouse: Warehouse, day: date = AS_OF, settings: Settings = SETTINGS) -> PlanReport:
    return plan_day(warehouse.connection, day, settings, now=NOW)


def everything(warehouse: Warehouse) -> dict[str, list[Any]]:
    return {table: warehouse.rows(table) for table in PLAN}


def test_a_steady_product_is_planned_as_the_formulas_say(warehouse: Warehouse) -> None:
    url = warehouse.product("steady", available=100, on_order=10, pack=12)
    warehouse.sales(url, [4.0] * 300)
    warehouse.open_order(url, 10, due_on=AS_OF + timedelta(days=3))
    plan(warehouse)

    found = warehouse.forecast_of("steady")
    assert found["velocity_units_per_day"] == 4
    assert found["protection_days"] == 14 + 7
    assert found["demand_units"] == 84
    assert found["position_units"] == 110
    assert found["days_until_stockout"] == 27.5
    assert found["stockout_on"] == "2026-04-05"
    assert found["must_order_by_on"] == "2026-03-22"
    point = found["reorder_point_units"]
    assert point == pytest.approx(84 + found["safety_stock_units"])
    assert found["reorder_point_source"] == "ours"
    assert found["order_now"] == (point >= 110)
    assert found["abc_class"] == "A"
    assert found["xyz_class"] == "X"
    assert found["flags"] == []
    assert "Sells 4 a day." in found["why"]


def test_every_number_follows_from_what_is_stored_beside_it(warehouse: Warehouse) -> None:
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=7 * n, pack=6 if n % 2 else None)
        warehouse.sales(url, [float((day * (n + 3)) % (n + 4)) for day in range(200)])
    plan(warehouse)

    for n in range(12):
        f = warehouse.forecast_of(f"p{n:02}")
        expected = f["velocity_units_per_day"] * f["protection_days"]
        safety = max(0, f["demand_service_units"] - expected)
        assert f["safety_stock_units"] == pytest.approx(safety, abs=1e-4)
        assert f["our_reorder_point_units"] == pytest.approx(expected + safety, abs=1e-4)
        cover = f["velocity_units_per_day"] * (f["cover_days"] - f["review_period_days"])
        assert f["order_up_to_units"] == pytest.approx(f["reorder_point_units"] + cover, abs=1e-4)
        counted = f["available_units"] + f["arriving_units"]
        assert f["order_now"] == (counted <= f["reorder_point_units"])
        if f["order_now"]:
            assert f["quantity_units"] % f["pack_units"] == 0
            missing = f["order_up_to_units"] - counted
            assert 0 <= f["quantity_units"] - missing < f["pack_units"]
    levels = warehouse.connection.execute(
        "SELECT DISTINCT window_days FROM plan.calibration ORDER BY 1"
    ).fetchall()
    assert [row[0] for row in levels] == [7, 14, 28, 56, 84]


def test_the_same_days_plan_again_is_the_same_plan(warehouse: Warehouse) -> None:
    for n in range(5):
        url = warehouse.product(f"p{n}", available=n)
        warehouse.sales(url, [float(day % (n + 2)) for day in range(150)])
    first = plan(warehouse)
    before = everything(warehouse)

    again = plan(warehouse)

    assert everything(warehouse) == before
    assert first.counts["plan.demand"].inserted == 5
    for counts in again.counts.values():
        assert (counts.inserted, counts.updated, counts.removed) == (0, 0, 0)


def test_a_row_that_the_day_no_longer_has_is_removed(warehouse: Warehouse) -> None:
    url = warehouse.product("short", available=0)
    warehouse.sales(url, [3.0] * 100)
    plan(warehouse)
    assert len(warehouse.rows("plan.purchase_order_draft_line")) == 1
    warehouse.connection.execute("UPDATE core.stock_level SET on_hand_units = 5000")

    counts = plan(warehouse).counts

    assert warehouse.rows("plan.purchase_order_draft_line") == []
    assert warehouse.rows("mart.purchase_plan") == []
    assert counts["plan.purchase_order_draft_line"].removed == 1


FINALES = SETTINGS.model_copy(update={"reorder_points": "finale"})


def test_finales_rule_wins_where_the_settings_say_so_and_both_are_shown(
    warehouse: Warehouse,
) -> None:
    url = warehouse.product("ruled", available=20)
    warehouse.sales(url, [1.0] * 200)
    warehouse.rule(url, 30, 50)
    warehouse.rule(url, 10, 5, place="/f/2")
    warehouse.rule(url, 999, 999, "##doNotReorder", place="/f/3")
    never = warehouse.product("never", available=0)
    warehouse.sales(never, [1.0] * 200)
    warehouse.rule(never, 9, 9, "##doNotReorder")
    plan(warehouse, settings=FINALES)

    found = warehouse.forecast_of("ruled")
    assert found["reorder_point_units"] == found["finale_reorder_point_units"] == 40
    assert found["finale_reorder_quantity_units"] == 55
    assert found["reorder_point_source"] == "finale"
    assert found["our_reorder_point_units"] != 40
    assert found["order_now"]
    assert "the reorder point 40 (Finale's)" in found["why"]
    shown = warehouse.connection.execute(
        "SELECT finale_says_point_units, we_say_point_units > 0, finale_says_reorder,"
        " we_say_order_now FROM mart.reorder_suggestion WHERE sku = 'ruled'"
    ).fetchall()
    assert shown == [(40, True, True, True)]
    assert warehouse.forecast_of("never")["quantity_units"] == 0
    assert "do_not_reorder" in warehouse.forecast_of("never")["flags"]


def test_what_a_buyer_fixed_wins_over_all(warehouse: Warehouse) -> None:
    url = warehouse.product("fixed", available=4, pack=12)
    warehouse.sales(url, [1.0] * 200)
    warehouse.rule(url, 30)
    warehouse.connection.execute(
        "INSERT INTO plan.product_term VALUES (%s, 5, 50, 48, 10, 0.8)", (url,)
    )
    warehouse.connection.execute("INSERT INTO plan.vendor_term VALUES ('/v/acme', 1000, 20, 1, 10)")
    plan(warehouse)

    found = warehouse.forecast_of("fixed")
    assert (found["reorder_point_units"], found["reorder_point_source"]) == (5, "buyer")
    assert found["order_up_to_units"] == 50
    assert found["quantity_units"] == 0  # 48 at least, in tens: above the maximum
    assert "terms_prevent_order" in found["flags"]
    assert found["service_level"] == 0.8
    assert (found["lead_time_days"], found["lead_time_source"]) == (20, "agreed")
    warehouse.connection.execute("UPDATE plan.product_term SET maximum_units = 54")
    plan(warehouse)
    (draft,) = warehouse.rows("mart.purchase_plan")
    assert draft["total"] == 125
    assert draft["minimum_gap"] == 875


def test_what_lacks_data_is_listed_and_not_dropped(warehouse: Warehouse) -> None:
    complete = warehouse.product("complete")
    bare = warehouse.product("bare", vendor=None, cost=None)
    for url in (complete, bare):
        warehouse.sales(url, [1.0] * 100)
    plan(warehouse)

    drafts = {row["vendor_url"]: row for row in warehouse.rows("mart.purchase_plan")}
    assert drafts["/v/acme"]["needs_data"] == []
    assert drafts["/v/acme"]["urgency"] == "late"
    assert drafts["/v/acme"]["arrival_on"] == "2026-03-23"
    assert drafts[""]["needs_data"] == ["cost", "lead_time", "vendor"]
    assert drafts[""]["total"] is None
    assert "default_lead_time" in warehouse.forecast_of("bare")["flags"]
    names = warehouse.connection.execute("SELECT vendor FROM mart.purchase_plan ORDER BY 1")
    assert names.fetchall() == [("(no supplier known)",), ("acme",)]


def test_the_edges(warehouse: Warehouse) -> None:
    warehouse.product("dust", available=0)
    warehouse.product("shelf", available=9)
    owed = warehouse.product("owed", available=-3)
    dull = warehouse.product("dull", available=5)
    warehouse.sales(dull, [1.0] + [0.0] * 300)
    gone = warehouse.product("gone", available=5, active=False)
    warehouse.sales(gone, [1.0] * 100)
    new = warehouse.product("new", available=5)
    warehouse.sales(new, [2.0] * 10)
    plan(warehouse)

    skus = {row["product_url"] for row in warehouse.rows("plan.forecast")}
    assert "/p/dust" not in skus
    shelf = warehouse.forecast_of("shelf")
    assert (shelf["velocity_units_per_day"], shelf["quantity_units"]) == (0, 0)
    assert shelf["stockout_on"] is shelf["reorder_on"] is shelf["must_order_by_on"] is None
    assert shelf["flags"] == ["never_sold"]
    assert warehouse.forecast_of("owed")["quantity_units"] == 3
    assert owed == "/p/owed"
    assert warehouse.forecast_of("dull")["velocity_units_per_day"] == 0
    assert warehouse.forecast_of("gone")["quantity_units"] == 0
    assert warehouse.forecast_of("gone")["stockout_on"] == "2026-03-14"
    assert warehouse.forecast_of("gone")["reorder_on"] is None
    found = warehouse.forecast_of("new")
    assert found["velocity_units_per_day"] == pytest.approx(2)
    assert {"new_product", "low_confidence"} <= set(found["flags"])


def test_orders_on_their_way(warehouse: Warehouse) -> None:
    late = warehouse.product("late", available=10, on_order=50)
    warehouse.open_order(late, 20, due_on=AS_OF - timedelta(days=5))
    warehouse.open_order(late, 20, ordered_on=AS_OF - timedelta(days=4))
    received = warehouse.product("received", available=10, on_order=5)
    warehouse.open_order(received, 30, due_on=AS_OF + timedelta(days=1))
    for url in (late, received):
        warehouse.sales(url, [5.0] * 200)
    plan(warehouse)

    found = warehouse.forecast_of("late")
    assert "overdue_po" in found["flags"]
    assert found["on_order_units"] == 50  # ten of them no line explains
    # 10 now, 20 tomorrow, 20 in 10 days: they end after 6 days.
    assert found["days_until_stockout"] == pytest.approx(6)
    assert found["days_without_stock"] == pytest.approx(4)
    assert found["lost_units"] == pytest.approx(20)
    assert warehouse.forecast_of("received")["position_units"] == 15


def test_a_past_day_is_planned_from_what_was_recorded_by_then(warehouse: Warehouse) -> None:
    day = AS_OF - timedelta(days=60)
    url = warehouse.product("past", available=1)
    warehouse.sales(url, [3.0] * 140 + [50.0] * 60)
    warehouse.stock_then(url, {day - timedelta(days=1): 70, day: 5})
    early = warehouse.product("unseen", available=1)
    warehouse.sales(early, [1.0] * 200)
    plan(warehouse, day)

    found = warehouse.forecast_of("past", day)
    assert found["available_units"] == 70
    assert found["velocity_units_per_day"] == pytest.approx(3)
    unseen = warehouse.forecast_of("unseen", day)
    assert unseen["available_units"] is None
    assert unseen["velocity_units_per_day"] == pytest.approx(1)
    assert (unseen["quantity_units"], unseen["stockout_on"]) == (0, None)
    assert "stock_unknown" in unseen["flags"]


def test_a_day_to_come_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ConfigError, match="has not come yet"):
        plan(warehouse, AS_OF + timedelta(days=1))


def test_products_have_service_levels_of_their_own(warehouse: Warehouse) -> None:
    rich, poor = warehouse.product("rich", cost="100"), warehouse.product("poor", cost="0.01")
    for url in (rich, poor):
        warehouse.sales(url, [float(n % 3) for n in range(200)])
    warehouse.connection.execute(
        "INSERT INTO plan.product_term (product_url, service_level) VALUES (%s, 0.99)", (rich,)
    )
    plan(warehouse)

    a, c = warehouse.forecast_of("rich"), warehouse.forecast_of("poor")
    assert (a["abc_class"], a["service_level"]) == ("A", 0.99)
    assert (c["abc_class"], c["service_level"]) == ("C", 0.95)
    assert a["demand_service_units"] > a["demand_q95_units"] == c["demand_service_units"]


def test_the_method_is_chosen_once_a_week_on_the_accounts_own_past(warehouse: Warehouse) -> None:
    for n in range(30):
        url = warehouse.product(f"p{n}", available=5)
        warehouse.sales(url, [float((day * 7 + n) % 5 == 0) * (n + 1) for day in range(400)])
    report = plan(warehouse)

    rows = warehouse.rows("plan.forecast_score")
    assert {row["scored_on"] for row in rows} == {"2026-03-09"}
    assert {row["method"] for row in rows if row["is_in_use"]} == {report.method.name}
    warehouse.connection.execute(
        "UPDATE plan.forecast_score SET is_in_use = method = '30-day mean + normal'"
    )
    fallen_back = plan(warehouse)
    assert fallen_back.method.name == "30-day mean + normal"
    found = warehouse.forecast_of("p3")
    assert (found["method"], found["basis"]) == ("naive", "normal")
    assert "naive_in_use" in found["flags"]


def test_a_method_stays_until_another_was_better_for_three_weeks_and_a_change_is_said(
    warehouse: Warehouse,
) -> None:
    """Week by week it changed 13 times in 42 weeks, and moved every number each time."""
    for n in range(30):
        url = warehouse.product(f"p{n}", available=5)
        warehouse.sales(url, [float((day * 7 + n) % 5 == 0) * (n + 1) for day in range(400)])
    best = plan(warehouse).method.name
    other = next(name for name in MENU if name != best)
    copied = (
        "INSERT INTO plan.forecast_score SELECT f.* FROM plan.forecast_score s,"
        " jsonb_populate_record(s, jsonb_build_object('scored_on', s.scored_on - 7 * %s,"
        " 'is_in_use', s.method = %s)) f WHERE s.scored_on = %s"
    )
    for weeks in (1, 2):
        warehouse.connection.execute(copied, (weeks, other, AS_OF))
    warehouse.connection.execute("DELETE FROM plan.forecast_score WHERE scored_on = %s", (AS_OF,))
    warehouse.connection.execute(
        "DELETE FROM plan.forecast_score WHERE scored_on = %s", (AS_OF - timedelta(weeks=2),)
    )
    kept = plan(warehouse).method
    assert (kept.name, kept.change) == (other, None)

    warehouse.connection.execute(copied, (2, other, AS_OF))
    warehouse.connection.execute("DELETE FROM plan.forecast_score WHERE scored_on = %s", (AS_OF,))
    changed = plan(warehouse).method
    assert (changed.name, changed.before) == (best, other)
    assert f"Method changed: {best} instead of {other}" in (changed.change or "")
    assert plan(warehouse).method == changed  # the same week says the same


def test_an_empty_warehouse_has_an_empty_plan(warehouse: Warehouse) -> None:
    report = plan(warehouse)

    assert all(counts.read == 0 for counts in report.counts.values())
