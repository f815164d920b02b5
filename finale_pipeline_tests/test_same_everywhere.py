"""Mail, list, page, plan, API and table say the same of a product, at every moment.

An account is read, planned, and then lives: stock moves, buyers edit lines and set points. After
each move everything is asked through its real entry point and held against the table.
"""

import csv
import html
import io
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.conftest import NOW, new_database, settings_for

PRODUCTS = 50


def small_account() -> Account:
    return invented_account(products=PRODUCTS, clock=Clock(frozen_at=NOW), years=0.6)


def mailing(url: str, sandbox: SandboxServer, home: Path) -> Settings:
    return settings_for(
        url, sandbox, alert_emails=("buyer@shop.example",), alert_from="s@shop.example", home=home,
        breaker_share=1,
    )  # fmt: skip


def run(given_settings: Settings, account: Account, strategy: str) -> None:
    """Run a strategy as the command line does, by the account's clock."""
    with open_sync(
        given_settings, strategy=strategy, trigger="test", table_sets=TABLE_SETS[strategy],
        clock=account.clock.now, sleep=lambda _: None,
    ) as opened:  # fmt: skip
        carry_out(opened)
        if strategy == "full":
            plan_today(opened)


@pytest.fixture(scope="module")
def lived(server: str, upgraded: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database with an account that was read and planned, to copy from."""
    url, account = new_database(server, template=upgraded), small_account()
    with SandboxServer(account, rate_limits=None) as sandbox:
        run(mailing(url, sandbox, tmp_path_factory.mktemp("home")), account, "full")
    with connect(url, name="tests") as connection:
        row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    return str(row[0])


Everyday = dict[str, dict[str, Any]]


def decided(connection: Connection) -> Everyday:
    """Return the newest decisions by product."""
    rows: list[Any] = connection.execute(
        "SELECT to_jsonb(d) || jsonb_build_object('sku', p.sku) FROM plan.decision d"
        " JOIN core.product p USING (product_url)"
        " WHERE d.snapshot_on = (SELECT max(snapshot_on) FROM plan.demand)"
    ).fetchall()
    return {row[0]["product_url"]: row[0] for row in rows}


def same(found: Any, expected: Any) -> bool:
    if found in {None, ""} or expected is None:
        return found in {None, ""} and expected is None
    return abs(Decimal(str(found)) - Decimal(str(expected))) < Decimal("0.000001")


def pages_of(api: httpx.Client, path: str, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        answer = api.get(path, params=query).json()
        rows += answer[name]
        cursor = answer.get("next_cursor")
        if not cursor:
            return rows


def check_forecasts(api: httpx.Client, table: Everyday) -> None:
    shown = {row["product_url"]: row for row in pages_of(api, "/api/forecasts", "forecasts")}
    assert shown.keys() == table.keys()
    for url, row in table.items():
        for name in (
            "available_units", "days_until_stockout", "quantity_units", "reorder_point_units",
            "arriving_units", "cover_after_days",
        ):  # fmt: skip
            assert same(shown[url][name], row[name]), (url, name)
        for name in ("stockout_on", "must_order_by_on", "level", "why"):
            assert shown[url][name] == row[name], (url, name)


def check_plan(api: httpx.Client, table: Everyday) -> None:
    plan = api.get("/api/purchase-plan").json()
    lines = [line for order in plan["orders"] for line in order["order_lines"]] + plan["dropped"]
    suggested = {line["product_url"]: line["suggested_units"] for line in lines}
    for url, row in table.items():
        assert same(suggested.get(url, 0), row["quantity_units"]), url
    for order in plan["orders"]:
        page = api.get("/plan/order", params={"vendor": order["vendor_url"]}).text
        for line in order["order_lines"]:
            assert line["why"] in html.unescape(page), line["sku"]


def check_critical(api: httpx.Client, table: Everyday) -> None:
    answer = api.get("/api/sync-finale/critical").json()
    parts = ("out_of_stock", "below_reorder_point", "low_without_reorder_point")
    shown = {item["product_url"]: item for part in parts for item in answer[part]}
    for url, row in table.items():
        item = shown.get(url)
        if item is None:
            continue
        assert item["level"] == row["level"], url
        assert same(item["suggested_units"], row["quantity_units"]), url
        assert same(item["days_left"], row["days_until_stockout"]), url
        assert same(item["available_units"], row["available_units"]), url
        assert item["why"] == row["why"]
        if row["reorder_point_units"] is not None:
            assert same(item["threshold_units"], row["reorder_point_units"]), url
    assert {u for u, row in table.items() if row["level"] == "ok"}.isdisjoint(shown)
    today = html.unescape(api.get("/").text)
    for item in list(shown.values())[:3]:
        assert item["why"] in today
        product = html.unescape(api.get(f"/products/{quote(item['sku'], safe='')}").text)
        assert item["why"] in product


def check_mails(connection: Connection, table: Everyday, seen: set[str]) -> None:
    """Mails that were written since the last look say what the table says now."""
    rows: list[Any] = connection.execute("SELECT message_id, attachment FROM ops.outbox").fetchall()
    for message_id, attachment in rows:
        if message_id in seen or attachment is None:
            continue
        for line in csv.DictReader(io.StringIO(bytes(attachment).decode("utf-8-sig"))):
            row = table.get(line["product_url"])
            if row is not None:
                assert same(line["suggested_units"], row["quantity_units"]), line
                assert same(line["days_left"], row["days_until_stockout"]), line
                assert same(line["available_units"], row["available_units"]), line
    seen |= {str(message_id) for message_id, _ in rows}


moves = st.lists(
    st.tuples(
        st.sampled_from(["stock", "stock", "stock", "edit", "point"]),
        st.integers(0, PRODUCTS - 1),
        st.sampled_from([0, 3, 40, 700]),
    ),
    min_size=2,
    max_size=3,
)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves)
def test_everything_shows_the_one_decision_at_every_moment(
    server: str, lived: str, tmp_path: Path, moves: list[tuple[str, int, int]]
) -> None:
    url, account, dagster = new_database(server, template=lived), small_account(), FakeDagster()
    with (
        SandboxServer(account, rate_limits=None) as sandbox,
        connect(url, name="tests") as connection,
    ):
        given_settings = mailing(url, sandbox, tmp_path)
        with running(given_settings, dagster, account.clock.now) as api:
            seen: set[str] = set()

            def check() -> None:
                table = decided(connection)
                check_mails(connection, table, seen)
                check_forecasts(api, table)
                check_plan(api, table)
                check_critical(api, table)

            check()
            for move, place, units in moves:
                _move(api, connection, account, (move, place, units))
                account.clock.advance(seconds=900)
                run(given_settings, account, "critical")
                check()
    dagster.close()


def _move(
    api: httpx.Client, connection: Connection, account: Account, move: tuple[str, int, int]
) -> None:
    kind, place, units = move
    if kind == "edit":
        orders = api.get("/api/purchase-plan").json()["orders"]
        lines = [line for order in orders for line in order["order_lines"]]
        if lines:
            line = lines[place % len(lines)]
            keys = ("snapshot_on", "vendor_url", "product_url", "version")
            body = {key: line[key] for key in keys} | {"quantity_units": units + 1, "insist": True}
            answer = api.patch("/api/purchase-plan/lines", json=body)
            assert answer.status_code == 200, answer.text
        return
    urls = sorted(r["productUrl"] for r in account.records("product"))
    if kind == "stock":
        account.set_stock(urls[place % len(urls)], units)
        return
    connection.execute(
        "INSERT INTO plan.product_term (product_url, reorder_point_units) VALUES (%s, %s)"
        " ON CONFLICT (product_url)"
        " DO UPDATE SET reorder_point_units = excluded.reorder_point_units",
        (urls[place % len(urls)], units),
    )
