"""What the views for analysts answer, against numbers worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.rows import dict_row

from finale_pipeline.clock import utc_now
from finale_pipeline.health import rules
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF
from finale_pipeline_tests.warehouse.purchases import Purchases

VIEWS = (
    "stock_day", "stock_daily", "stock_now", "dead_stock", "vendor_delivery", "vendor_scorecard",
    "sync_history", "low_stock", "reorder_suggestion", "sales_daily", "alert_history",
)  # fmt: skip


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def ask(connection: Connection, query: str, *values: object) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(connection: Connection, query: str, *values: object) -> dict[str, Any]:
    (row,) = ask(connection, query, *values)
    return row


@pytest.fixture
def shop(connection: Connection) -> Purchases:
    return Purchases(connection)


def test_an_empty_warehouse_has_no_rows_and_no_errors(connection: Connection) -> None:
    for view in VIEWS:
        assert ask(connection, f"SELECT * FROM mart.{view}") == [], view  # noqa: S608 - ours


def test_an_empty_warehouse_is_late_with_everything(connection: Connection) -> None:
    found = ask(connection, "SELECT * FROM mart.freshness")
    assert len(found) == 8
    assert all(row["is_late"] and row["read_at"] is None for row in found)
    assert ask(connection, "SELECT * FROM mart.stock_as_of('2030-01-01')") == []


def test_stock_now_says_what_it_is_worth_and_when_it_sold(shop: Purchases) -> None:
    sold = shop.product("sold", available=10, cost="2.5")
    shop.product("priced", available=4, cost=None, vendor=None)
    shop.supplier("/p/priced", "acme", "3", 14)
    shop.product("overshipped", available=-4, cost="2.5")
    shop.product("unknown", available=7, cost=None, vendor=None)
    shop.sales(sold, [5, 0, 0])

    rows = {row["sku"]: row for row in ask(shop.connection, "SELECT * FROM mart.stock_now")}
    assert {sku: (row["value"], row["currency"]) for sku, row in rows.items()} == {
        "sold": (Decimal(25), None), "priced": (Decimal(12), "USD"),
        "overshipped": (Decimal(0), None), "unknown": (None, None),
    }  # fmt: skip
    assert (rows["sold"]["last_sold_on"], rows["sold"]["days_since_sale"]) == (ago(3), 3)
    assert (rows["priced"]["last_sold_on"], rows["priced"]["days_since_sale"]) == (None, None)
    assert rows["sold"]["vendor"] == "acme"
    assert 0 <= rows["sold"]["age_minutes"] < 5


def test_a_sale_dated_ahead_is_shown_as_it_is(shop: Purchases) -> None:
    """It would otherwise look like a sale of today."""
    shop.sales(shop.product("early", available=1), [1], until=AS_OF + timedelta(days=4))
    assert one(shop.connection, "SELECT * FROM mart.stock_now")["days_since_sale"] == -3


DAYS: list[tuple[str, str | None, dict[str, int]]] = [
    ("2026-02-28", None, {}),
    ("2026-03-01", "2026-03-01", {"a": 10}),
    ("2026-03-04", "2026-03-02", {"a": 10}),
    ("2026-03-05", "2026-03-05", {"a": 4, "b": 7}),
    ("2026-03-09", "2026-03-09", {"a": 4, "b": 7}),
    ("2030-01-01", "2026-03-09", {"a": 4, "b": 7}),
]


def test_stock_as_of_carries_the_last_observed_day_forward(shop: Purchases) -> None:
    shop.connection.execute(
        "INSERT INTO core.stock_day SELECT d::date, now()"
        " FROM unnest('{2026-03-01,2026-03-02,2026-03-05}'::date[]) d"
    )
    shop.stock_then(shop.product("a"), {date(2026, 3, 1): 10, date(2026, 3, 5): 4})
    shop.stock_then(shop.product("b"), {date(2026, 3, 5): 7})

    for day, observed, expected in DAYS:
        rows = ask(shop.connection, "SELECT * FROM mart.stock_as_of(%s)", day)
        assert {row["sku"]: row["on_hand_units"] for row in rows} == expected, day
        assert {str(row["observed_on"]) for row in rows} == ({observed} if observed else set())


def test_a_removed_product_stays_in_the_stock_of_past_days(shop: Purchases) -> None:
    shop.stock_then(shop.product("gone"), {AS_OF: 3})
    shop.connection.execute("UPDATE core.product SET removed_at = now()")
    assert ask(shop.connection, "SELECT * FROM mart.stock_now") == []
    assert one(shop.connection, "SELECT * FROM mart.stock_as_of(%s)", AS_OF)["on_hand_units"] == 3


def _aged(shop: Purchases, sku: str, created_on: date | None, first_seen_on: date = AS_OF) -> str:
    url = shop.product(sku, available=6, cost="2")
    created = datetime.combine(created_on, datetime.min.time(), UTC) if created_on else None
    shop.connection.execute(
        "UPDATE core.product SET created_at = %s, first_seen_at = %s WHERE product_url = %s",
        (created, first_seen_on, url),
    )
    return url


def test_dead_stock_is_quiet_since_its_last_sale_or_receipt(shop: Purchases) -> None:
    shop.sales(_aged(shop, "first", ago(900)), [1], until=ago(180 - 1))
    shop.sales(_aged(shop, "old", ago(900)), [1], until=ago(98 - 1))
    restocked = _aged(shop, "restocked", ago(900))
    shop.sales(restocked, [1], until=ago(98 - 1))
    shop.receive(None, ago(8), restocked, 5)
    _aged(shop, "never sold", ago(900))
    _aged(shop, "new", ago(10))
    _aged(shop, "undated", None, first_seen_on=ago(5))
    shop.product("empty", available=0)

    rows = {row["sku"]: row for row in ask(shop.connection, "SELECT * FROM mart.dead_stock")}
    assert {sku: row["quiet_days"] for sku, row in rows.items()} == {
        "first": 180, "old": 98, "restocked": 8, "never sold": 180, "new": 10, "undated": 5,
    }  # fmt: skip
    assert rows["restocked"]["days_since_sale"] == 98
    assert rows["restocked"]["days_since_receipt"] == 8
    assert rows["old"]["days_since_receipt"] is None
    assert rows["never sold"]["days_since_sale"] is None
    assert {row["value"] for row in rows.values()} == {Decimal(12)}


def test_without_any_sales_nothing_is_called_dead(shop: Purchases) -> None:
    """Sales that were not read yet are no proof that nothing sells."""
    _aged(shop, "unknown", ago(900))
    assert one(shop.connection, "SELECT * FROM mart.dead_stock")["quiet_days"] is None


@pytest.fixture
def ordered(shop: Purchases) -> Purchases:
    """A year with acme: one order in time, one late and short, one overdue, one to come."""
    a, b = shop.product("a", lead_days=14), shop.product("b", lead_days=10)
    shop.product("c", vendor="idle")
    buy = shop.buy
    first = buy("1", "acme", date(2026, 1, 1), date(2026, 1, 15), [(a, 100, "2.00")])
    shop.receive(first, date(2026, 1, 15), a, 100)
    short = buy(
        "2", "acme", date(2026, 2, 1), date(2026, 2, 10), [(a, 50, "2.20")],
        status="ORDER_COMPLETED",
    )  # fmt: skip
    shop.receive(short, date(2026, 2, 13), a, 40)
    overdue = buy("3", "acme", date(2026, 2, 20), date(2026, 3, 1), [(b, 10, "1.00")])
    shop.receive(overdue, date(2026, 2, 24), b, 4)
    buy("4", "acme", date(2026, 3, 5), date(2026, 3, 20), [(b, 30, "0.90")])
    buy("5", "acme", date(2026, 3, 5), date(2026, 3, 6), [(b, 9, "9")], status="ORDER_CREATED")
    buy("6", "acme", date(2026, 2, 5), date(2026, 2, 6), [(b, 9, "9")], status="ORDER_CANCELLED")
    last_year = buy("7", "acme", date(2025, 1, 1), date(2025, 1, 10), [(a, 9, "9")])
    shop.receive(last_year, date(2025, 1, 20), a, 9)
    shop.settle()
    return shop


SCORE = "SELECT * FROM mart.vendor_scorecard WHERE vendor = %s"


def test_the_scorecard_of_a_vendor_is_that_of_its_year(ordered: Purchases) -> None:
    found = one(ordered.connection, SCORE, "acme")
    assert found == found | {
        "reckoned_on": AS_OF, "open_orders": 2, "open_units": 6 + 30, "overdue_orders": 1,
        "orders_placed": 4, "spend": Decimal(200 + 110 + 10 + 27),
        "orders_received": 3, "last_received_on": date(2026, 2, 24),
        "orders_due": 3, "orders_on_time": 1,
        "due_units": 100 + 50 + 10, "filled_units": 100 + 40 + 4,
        "products_bought_again": 2, "products_dearer": 1, "products_cheaper": 1,
        "products": 2, "products_out": 0, "products_low": 0,
    }  # fmt: skip
    assert found["measured_lead_time_days"] == 12  # of 14, 12 and 4
    assert found["measured_lead_time_p90_days"] == pytest.approx(13.6)
    assert found["measured_lead_time_sd_days"] == pytest.approx(28**0.5)
    assert (found["stated_lead_time_days"], found["lead_time_gap_days"]) == (12, 0)
    assert found["on_time_share"] == pytest.approx(1 / 3)
    assert found["fill_rate"] == pytest.approx(0.9)
    assert found["median_price_change"] == pytest.approx(0)  # + 10 % and - 10 %


def test_what_was_agreed_with_a_vendor_is_what_it_is_measured_against(ordered: Purchases) -> None:
    ordered.connection.execute(
        "INSERT INTO plan.vendor_term (vendor_url, lead_time_days) VALUES ('/v/acme', 8)"
    )
    assert one(ordered.connection, SCORE, "acme")["lead_time_gap_days"] == 4


def test_a_vendor_without_orders_has_zeros_and_unknowns(ordered: Purchases) -> None:
    found = one(ordered.connection, SCORE, "idle")
    assert found == found | {
        "open_orders": 0, "orders_placed": 0, "orders_received": 0, "orders_due": 0, "spend": 0,
        "due_units": 0, "products": 1, "on_time_share": None, "fill_rate": None,
        "measured_lead_time_days": None, "median_price_change": None,
    }  # fmt: skip


def test_what_came_beyond_an_order_fills_no_other_one(ordered: Purchases) -> None:
    ordered.receive("/o/2", date(2026, 2, 14), "/p/a", 500)
    ordered.settle()
    assert one(ordered.connection, SCORE, "acme")["filled_units"] == 100 + 50 + 4


def test_products_out_count_for_their_main_vendor(ordered: Purchases) -> None:
    run = ordered.connection.execute
    run("INSERT INTO ops.evaluation VALUES (true, %s, now(), 10, 0, now(), 1, 3)", (AS_OF,))
    for product, level, day in (("a", "out", 0), ("b", "low", 0), ("b", "out", 1)):
        run(
            "INSERT INTO plan.critical_item (snapshot_on, product_url, level, on_hand_units,"
            " reserved_units, available_units, on_order_units, threshold_units, vendor_url, why,"
            " changed_at) VALUES (%s, %s, %s, 0, 0, 0, 0, 10, '/v/acme', '', now())",
            (ago(day), f"/p/{product}", level),
        )
    found = one(ordered.connection, SCORE, "acme")
    assert (found["products_out"], found["products_low"]) == (1, 1)


def test_deliveries_add_up_to_the_lead_times_that_the_plan_uses(ordered: Purchases) -> None:
    again = one(
        ordered.connection,
        "SELECT vendor, count(*) AS orders, percentile_cont(0.5) WITHIN GROUP (ORDER BY"
        " lead_time_days) AS median_days FROM mart.vendor_delivery GROUP BY 1",
    )
    used = one(ordered.connection, "SELECT * FROM mart.vendor_lead_time")
    assert used == used | again
    late = ask(ordered.connection, "SELECT order_id, days_late FROM mart.vendor_delivery")
    assert {row["order_id"]: row["days_late"] for row in late} == {
        "1": 0, "2": 3, "3": -5, "7": 10,
    }  # fmt: skip


def _run(connection: Connection, strategy: str, minutes: int, *tables: str, **facts: str) -> int:
    counts = dict.fromkeys(tables, '{"read": 7, "inserted": 1, "updated": 2, "unchanged": 3,'
                                   ' "removed": 4, "rejected": 1}')  # fmt: skip
    row = connection.execute(
        "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
        " finished_at, counts, locks, api_calls, bytes) VALUES (%s, 'test', %s,"
        " now() - make_interval(mins => %s + 2), now(), now() - make_interval(mins => %s),"
        " %s::jsonb, '{}', 5, 1000) RETURNING run_id",
        (
            strategy, facts.get("status", "done"), minutes, minutes,
            "{" + ", ".join(f'"{table}": {count}' for table, count in counts.items()) + "}",
        ),
    ).fetchone()  # fmt: skip
    assert row
    return int(str(row[0]))


def test_fresh_is_what_a_whole_read_brought_not_a_backfill_or_a_failure(
    connection: Connection,
) -> None:
    full = _run(connection, "full", 27 * 60, "core.product", "core.stock_entry", "core.facility")
    stock = _run(connection, "critical", 10, "core.stock_entry")
    _run(connection, "products", 5, "core.product")
    _run(connection, "full", 3, "core.product", status="failed")

    found = {row["asset"]: row for row in ask(connection, "SELECT * FROM mart.freshness")}
    assert (found["products"]["run_id"], found["products"]["is_late"]) == (full, True)
    assert found["products"]["age_minutes"] == pytest.approx(27 * 60, abs=2)
    assert (found["inventory_levels"]["run_id"], found["inventory_levels"]["is_late"]) == (
        stock, False,
    )  # fmt: skip
    assert found["shipments"]["is_late"]


def test_the_doctor_says_what_is_late(connection: Connection) -> None:
    _run(connection, "full", 27 * 60, "core.product")
    _run(connection, "critical", 10, "core.stock_entry")
    found = {
        finding.says.partition(":")[0]: finding
        for finding in rules.ledger(connection, now=utc_now())
        if finding.what == "freshness"
    }
    assert len(found) == 8
    assert (found["inventory_levels"].state, found["products"].state) == ("ok", "warning")
    assert "more than 26 h" in found["products"].says
    assert "never" in found["purchase_orders"].says


def test_the_history_of_syncs_adds_up(connection: Connection) -> None:
    run_id = _run(connection, "full", 10, "core.product", "core.vendor")
    found = one(connection, "SELECT * FROM mart.sync_history WHERE run_id = %s", run_id)
    assert found == found | {
        "rows_read": 14, "rows_inserted": 2, "rows_updated": 4, "rows_unchanged": 6,
        "rows_removed": 8, "rows_rejected": 2, "requests": 5, "bytes": 1000, "status": "done",
    }  # fmt: skip
    assert found["duration_seconds"] == 120


def test_a_run_that_goes_on_shows_the_rows_so_far(connection: Connection) -> None:
    run_id = _run(connection, "full", 0, status="running")
    connection.execute("UPDATE ops.sync_run SET finished_at = NULL, rows_done = 500")
    found = one(connection, "SELECT * FROM mart.sync_history WHERE run_id = %s", run_id)
    assert (found["rows_read"], found["finished_at"], found["duration_seconds"]) == (500, None, 120)
