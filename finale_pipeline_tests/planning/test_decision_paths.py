"""The decision by the whole path: simulated account → sync → plan → what a buyer is shown."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from finale_pipeline.commands.explain import explain, shown
from finale_pipeline.commands.points import accept
from finale_pipeline.sandbox.purchases import Purchase
from finale_pipeline.sandbox.records import encoded
from finale_pipeline.sandbox.sales import Product
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.planning.test_demand_paths import product, sell
from finale_pipeline_tests.sync.shop import Shop

BASE = "/demo/api/"
SUPPLIER = f"{BASE}partygroup/10000"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def settings(url: str, shop: Shop) -> Iterator[Settings]:
    """Half of all lead times are to be met: of steady sales no safety stock is kept."""
    with SandboxServer(shop.account, rate_limits=None) as server:
        yield settings_for(url, server, since=NOW.date() - timedelta(days=900), service_level=0.5)


def run(shop: Shop, settings: Settings, strategy: str = "full") -> None:
    with open_sync(
        settings, strategy=strategy, trigger="test", table_sets=TABLE_SETS[strategy],
        clock=shop.clock.now, sleep=lambda _: None,
    ) as opened:  # fmt: skip
        carry_out(opened)
        if strategy == "full":
            plan_today(opened)


def rule(point: float, quantity: float | None = None) -> list[dict[str, Any]]:
    return [
        {
            "facilityUrl": f"{BASE}facility/10001", "reorderCalculationMethodId": "##manual",
            "reorderPoint": point, "reorderQuantity": quantity,
        }
    ]  # fmt: skip


def steady(shop: Shop, sku: str, *, available: float = 0, **fields: Any) -> None:
    """Add a product that sells two a day and takes ten days."""
    product(shop, sku, **{"leadTime": 10} | fields)
    sell(shop, sku, dict.fromkeys(range(1, 200), 2))
    shop.account.set_stock(f"{BASE}product/{sku}", available)


def on_order(shop: Shop, number: str, sku: str, units: float, *, due_in: int) -> None:
    at = int((NOW - timedelta(days=400)).timestamp())
    due = int((NOW + timedelta(days=due_in)).timestamp())
    bought = Product(f"{BASE}product/{sku}", sku, 1.0)
    lines = ((bought, units),)
    shop.account.put(
        Purchase(number, "10000", at=at, due_at=due, lines=lines, changed_at=int(NOW.timestamp()))
    )


def build(shop: Shop, sku: str, status: str, *, use: float) -> None:
    """Write the build that uses a product."""
    used = [{"productUrl": f"{BASE}product/{sku}", "quantity": use}]
    shop.put(
        "workeffort", sku, workEffortUrl=f"{BASE}workeffort/{sku}", statusId=f"PRUN_{status}",
        workEffortConsumeList=used,
    )  # fmt: skip


def decision(connection: Connection, sku: str) -> dict[str, Any]:
    row: Any = connection.execute(
        "SELECT to_jsonb(f) FROM plan.forecast f JOIN core.product p USING (product_url)"
        " WHERE p.sku = %s AND f.snapshot_on = (SELECT max(snapshot_on) FROM plan.demand)",
        (sku,),
    ).fetchone()
    assert row is not None, sku
    found: dict[str, Any] = row[0]
    return found


def test_arrivals_count_by_their_day(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """What comes in half a year stops no order; what is overdue for a year is not counted on."""
    for sku, available in (("far", 0), ("both", 5), ("lost", 0), ("late", 0)):
        steady(shop, sku, available=available)
    on_order(shop, "P1", "far", 500, due_in=180)
    on_order(shop, "P2", "both", 5, due_in=3)
    on_order(shop, "P3", "both", 500, due_in=180)
    on_order(shop, "P4", "lost", 500, due_in=-390)
    on_order(shop, "P5", "late", 500, due_in=-5)
    run(shop, settings)

    assert decision(connection, "far")["quantity_units"] == 76
    both = decision(connection, "both")
    assert both["quantity_units"] == 66
    assert "5 due 2026-03-12, 505 on order in all" in both["why"]
    lost = decision(connection, "lost")
    assert (lost["quantity_units"], lost["overdue_units"]) == (76, 500)
    assert {"overdue_po", "overdue_not_counted"} <= set(lost["flags"])
    late = decision(connection, "late")
    assert (late["quantity_units"], "overdue_not_counted" in late["flags"]) == (0, False)


def test_points_of_people_and_of_finale(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    for sku in ("own", "ruled"):
        product(shop, sku, reorderGuidelineList=rule(20, 50) if sku == "ruled" else [])
        shop.account.set_stock(f"{BASE}product/{sku}", 0)
    product(shop, "idle", reorderGuidelineList=rule(20))
    shop.account.set_stock(f"{BASE}product/idle", 0)
    steady(shop, "best", reorderGuidelineList=rule(20))
    run(shop, settings)
    connection.execute(
        "INSERT INTO plan.product_term (product_url, reorder_point_units, maximum_units)"
        " VALUES (%s, 24, 60)",
        (f"{BASE}product/own",),
    )
    run(shop, settings)

    assert decision(connection, "own")["quantity_units"] == 60
    assert decision(connection, "ruled")["quantity_units"] == 50
    assert decision(connection, "idle")["quantity_units"] == 20
    best = decision(connection, "best")
    assert (best["quantity_units"], best["reorder_point_source"]) == (76, "ours")


def test_alerts_follow_the_same_point_and_a_moved_one_is_no_news(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    steady(shop, "seen", available=60, reorderGuidelineList=rule(50))
    steady(shop, "low", available=30)
    run(shop, settings)
    level = "SELECT level, threshold_units::float8 FROM ops.item_level WHERE product_url = %s"
    seen, low = (f"{BASE}product/{sku}" for sku in ("seen", "low"))
    assert connection.execute(level, (low,)).fetchone() == ("low", 34)
    assert connection.execute(level, (seen,)).fetchone() == ("ok", 34)

    assert accept(settings, "finale", ["seen"])[seen] == 50
    assert decision(connection, "seen")["reorder_point_source"] == "buyer"
    connection.execute("UPDATE plan.product_term SET reorder_point_units = 70")
    shop.later(0.01)
    run(shop, settings, "critical")
    assert connection.execute(level, (seen,)).fetchone() == ("low", 70)
    told = connection.execute(
        "SELECT cause, mail_kind, no_mail FROM mart.alert_history WHERE subject = %s", (seen,)
    ).fetchall()
    assert [row[:2] for row in told] == [("settings", None)]
    assert "digest" in str(told[0][2])


def test_a_read_of_stock_moves_the_decision_and_the_line_and_keeps_the_edit(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    steady(shop, "moves", available=30)
    run(shop, settings)
    assert decision(connection, "moves")["quantity_units"] == 46
    connection.execute(
        "INSERT INTO plan.purchase_order_edit (snapshot_on, vendor_url, product_url,"
        " quantity_units, is_dropped, old_quantity_units, was_dropped, suggested_units,"
        " broken_rules, edited_by, edited_at) SELECT snapshot_on, vendor_url, product_url, 50,"
        " false, 46, false, 46, '{}', 'Anna', now() FROM plan.purchase_order_draft_line"
        " WHERE sku = 'moves'"
    )
    shop.account.set_stock(f"{BASE}product/moves", -10)
    shop.later(0.01)
    run(shop, settings, "critical")

    moved = decision(connection, "moves")
    assert (moved["quantity_units"], moved["days_until_stockout"], moved["level"]) == (86, 0, "out")
    line = connection.execute(
        "SELECT quantity_units, suggested_units, suggested_before_units FROM"
        " mart.purchase_plan_line WHERE sku = 'moves'"
    ).fetchall()
    assert line == [(50, 86, 46)]
    shop.account.set_stock(f"{BASE}product/moves", 900)
    shop.later(0.01)
    run(shop, settings, "critical")
    assert connection.execute(
        "SELECT quantity_units, suggested_units FROM mart.purchase_plan_line WHERE sku = 'moves'"
    ).fetchall() == [(50, 0)]


def test_where_nothing_changed_neither_a_read_of_stock_nor_a_plan_decides_otherwise(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """A plan decides by what it stores: what is made of that again later is the same."""
    product(shop, "uneven", leadTime=11)
    sell(shop, "uneven", {day: day % 7 % 3 for day in range(1, 200)})
    shop.account.set_stock(f"{BASE}product/uneven", 5)
    run(shop, settings)
    rows = (
        "SELECT to_jsonb(d) FROM plan.decision d UNION ALL SELECT to_jsonb(l)"
        " FROM plan.purchase_order_draft_line l"
    )
    planned = connection.execute(rows).fetchall()
    assert decision(connection, "uneven")["quantity_units"] > 0
    for strategy in ("inventory", "full", "critical", "full"):
        shop.later(0.01)
        run(shop, settings, strategy)
        assert connection.execute(rows).fetchall() == planned, strategy


def test_after_the_first_plan_the_server_knows_the_size_of_every_table(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """Pages asked right after a first load took four times as long: none had statistics."""
    steady(shop, "sells", available=3)
    run(shop, settings)
    assert connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.reltuples < 0 AND c.relkind = 'r'"
        " AND c.relnamespace::regnamespace::text IN ('core', 'plan')"
        " AND pg_relation_size(c.oid) > 0"
    ).fetchall() == []  # fmt: skip


def test_what_keeps_no_stock_is_not_planned_and_never_above_the_maximum(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    steady(shop, "service", productTypeId="SERVICE")
    steady(shop, "packed", available=10, stdPackingUnitsPerCase=48)
    steady(shop, "full", available=110, leadTime=60)
    run(shop, settings)
    connection.execute(
        "INSERT INTO plan.product_term (product_url, maximum_units, minimum_order_units)"
        " VALUES (%s, 100, NULL), (%s, 100, 50)",
        (f"{BASE}product/packed", f"{BASE}product/full"),
    )
    run(shop, settings)

    planned = connection.execute(
        "SELECT count(*) FROM plan.demand WHERE product_url LIKE '%service'"
    )
    assert planned.fetchone() == (0,)
    assert decision(connection, "packed")["quantity_units"] == 48
    assert decision(connection, "full")["quantity_units"] == 0


def test_one_order_and_a_launch_are_no_pace(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """500 in one order of what sells one a day, and 26 in the first two days of a new product."""
    product(shop, "daily", leadTime=30)
    sell(shop, "daily", dict.fromkeys(range(1, 118), 1))
    day = f"{NOW - timedelta(days=3):%Y-%m-%dT%H:%M:%S}"
    shop.shipment("big", ("daily", 500), order=shop.order("big", day), shipped=day)
    product(shop, "usual", leadTime=30)
    sell(shop, "usual", dict.fromkeys(range(1, 118), 1))
    product(shop, "lumpy", leadTime=30)
    sell(shop, "lumpy", {n: 500 if n in {3, 60} else 1 for n in range(1, 118)})
    product(shop, "young", made=2, leadTime=30)
    sell(shop, "young", {1: 13, 2: 13})
    for sku in ("daily", "usual", "lumpy", "young"):
        shop.account.set_stock(f"{BASE}product/{sku}", 0)
    run(shop, settings)

    daily, usual = decision(connection, "daily"), decision(connection, "usual")
    assert usual["quantity_units"] <= daily["quantity_units"] < 1.5 * usual["quantity_units"]
    assert "one_large_order" in daily["flags"]
    assert "One order is 81 % of what sold in half a year: of its 500 of" in daily["why"]
    assert "one_large_order" not in usual["flags"]
    lumpy = decision(connection, "lumpy")
    assert "one_large_order" not in lumpy["flags"]
    young = decision(connection, "young")
    assert young["quantity_units"] <= 845 / 3
    assert {"launch", "new_product"} <= set(young["flags"])
    assert "launched 2 days ago" in young["why"]


def test_explain_shows_numbers_that_a_person_can_recompute(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    steady(shop, "tea", available=5)
    on_order(shop, "P1", "tea", 5, due_in=3)
    on_order(shop, "P2", "tea", 500, due_in=180)
    run(shop, settings)

    known = explain(settings, "tea")
    text = shown(known)
    rows = {line[:12].strip(): line[12:].split() for line in text.splitlines()}
    assert json.dumps(known["decision"]["quantity_units"], default=float)
    assert rows["counted"][-1] == "10"
    assert rows["expected"][-1] == "34"
    assert rows["point"][-1] == "34"
    assert rows["up to"][-1] == "76"
    assert rows["missing"][-1] == "66"
    assert "66" in rows["order"]
    assert rows["day 3"][-1] == "5"  # 5 - 3 x 2 is nothing, and 5 come


def test_a_planned_build_reserves_and_nothing_is_reserved_twice(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """Of 80 a build will use 50, whether or not Finale's reserved quantity has some of them."""
    for sku in ("part", "twice", "sold"):
        steady(shop, sku, available=80)
        build(shop, sku, "CREATED", use=50)
    for sku, order in (("twice", None), ("sold", f"{BASE}order/9")):
        row = {
            "productUrl": f"{BASE}product/{sku}", "productId": sku, "quantityReserved": 20,
            "facilityUrl": f"{BASE}facility/10001", "orderUrl": order,
        }  # fmt: skip
        shop.account.tables["inventoryitem"].put(int(NOW.timestamp()), encoded(row), place=None)
    run(shop, settings)

    part, twice, sold = (decision(connection, sku) for sku in ("part", "twice", "sold"))
    assert (part["available_units"], part["quantity_units"]) == (30, 46)
    assert "Planned builds will use 50; these are not available." in part["why"]
    assert (twice["available_units"], twice["quantity_units"]) == (30, 46)
    assert (sold["available_units"], sold["quantity_units"]) == (10, 66)

    build(shop, "part", "CANCELLED", use=50)
    shop.later(0.01)
    run(shop, settings, "sales")
    run(shop, settings, "critical")
    assert decision(connection, "part")["available_units"] == 80
    assert decision(connection, "part")["quantity_units"] == 0
