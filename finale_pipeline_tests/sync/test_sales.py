"""Sales and purchases: whatever happened, in whatever order it is read, the days add up."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.sales import DAY
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.sales import backfill_shipments
from finale_pipeline.sync.session import open_sync
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.sales_months import pack
from finale_pipeline_tests.conftest import NOW, new_database, settings_for
from finale_pipeline_tests.sync.demand import (
    demand_of,
    on_order,
    stored_demand,
    stored_on_order,
)
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, sync
from finale_pipeline_tests.sync.shop import Shop
from finale_pipeline_tests.warehouse.months import assert_packed_as_daily


def days(connection: Connection) -> dict[str, dict[str, float]]:
    """Return units per day and product."""
    found: dict[str, dict[str, float]] = {}
    for (product, sold_on), units in stored_demand(connection).items():
        found.setdefault(str(sold_on), {})[product.rpartition("/")[2]] = float(units)
    return found


def test_demand_is_dated_by_the_order_and_not_by_the_shipment(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    shop.shipment("1", ("A", 5), order=shop.order("1", "2026-02-20T10:00:00"))
    shop.shipment("2", ("A", "2.5"), shipped="2026-03-08T23:30:00")
    waits = shop.order("3", "2026-03-01T00:00:00", "LOCKED")
    shop.shipment("3", ("B", 4), order=waits, status="INPUT")
    sync(served, "sales")
    assert days(connection) == {
        "2026-02-20": {"A": 5}, "2026-03-08": {"A": 2.5}, "2026-03-01": {"B": 4},
    }  # fmt: skip
    dated = connection.execute("SELECT dated_by, sum(units_by_ship_date) FROM core.sales_daily"
                               " GROUP BY 1 ORDER BY 1").fetchall()  # fmt: skip
    assert [(by, float(str(units))) for by, units in dated] == [("order", 0), ("shipment", 2.5)]


def test_an_order_that_is_read_later_dates_its_shipment_anew(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    shop.shipment("1", ("A", 5), order="/demo/api/order/1", shipped="2026-03-08T10:00:00")
    sync(served, "sales")
    assert days(connection) == {"2026-03-08": {"A": 5}}
    shop.later()
    shop.order("1", "2026-02-20T10:00:00")
    sync(served, "sales")
    assert days(connection) == {"2026-02-20": {"A": 5}}


def test_what_is_no_demand_counts_nowhere(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    draft = shop.order("1", "2026-03-01T00:00:00", "CREATED")
    cancelled = shop.order("2", "2026-03-01T00:00:00", "CANCELLED")
    sold = shop.order("3", "2026-03-01T00:00:00")
    shop.shipment("1", ("A", 1), order=draft, status="INPUT")
    shop.shipment("2", ("A", 2), order=cancelled)
    shop.shipment("3", ("A", 3), order=sold, status="CANCELLED")
    shop.shipment("4", ("A", 4), status="INPUT")
    shop.shipment("5", ("A", 5), order=sold, shipmentTypeId="TRANSFER")
    shop.shipment("6", ("A", 6), order=sold, shipmentTypeId="PURCHASE_SHIPMENT")
    shop.shipment("7", ("A", -7), order=sold, primaryReturnUrl="/demo/api/return/7")
    shop.shipment("8", ("A", -8))
    sync(served, "sales")
    assert days(connection) == {}
    assert connection.execute("SELECT count(*) FROM core.shipment_line").fetchall() == [(8,)]
    shop.later()
    shop.shipment("9", ("A", 9), order=sold)
    sync(served, "sales")
    assert days(connection) == {"2026-03-01": {"A": 9}}  # the return took nothing off it


def test_a_correction_lowers_its_own_order_and_no_other(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    first = shop.order("1", "2026-03-01T00:00:00")
    other = shop.order("2", "2026-03-01T00:00:00")
    shop.shipment("1", ("A", 5), ("B", 1), order=first)
    shop.shipment("2", ("A", 7), order=other)
    sync(served, "sales")
    shop.later()
    shop.shipment("1", ("A", 5), ("B", 1), ("A", -9), order=first)
    sync(served, "sales")
    assert days(connection) == {"2026-03-01": {"A": 7, "B": 1}}
    shop.later()
    shop.shipment("1", ("B", 2), order=first)
    shop.order("2", "2026-03-01T00:00:00", "CANCELLED")
    sync(served, "sales")
    assert days(connection) == {"2026-03-01": {"B": 2}}
    assert_ledger_is_closed(connection)


def test_an_older_version_never_wins(shop: Shop, served: Settings, connection: Connection) -> None:
    order = shop.order("1", "2026-03-01T00:00:00")
    shop.shipment("1", ("A", 5), order=order)
    sync(served, "sales")
    shop.shipment("1", ("A", 50), order=order, at=NOW - timedelta(minutes=3))
    sync(served, "sales")
    assert days(connection) == {"2026-03-01": {"A": 5}}


ZONE = "America/Denver"


@pytest.mark.parametrize(
    ("ordered", "on"),
    [
        ("2026-03-07T06:59:59", "2026-03-06"),  # winter: the day begins at seven
        ("2026-03-07T07:00:00", "2026-03-07"),
        ("2026-03-09T05:59:59", "2026-03-08"),  # summer time came on the 8th: now at six
        ("2026-03-09T06:00:00", "2026-03-09"),
        ("2026-11-02T06:59:59", "2026-11-01"),  # the day of 25 hours
    ],
)
def test_business_days_change_at_midnight_of_the_accounts_zone(
    shop: Shop, served: Settings, connection: Connection, ordered: str, on: str
) -> None:
    shop.shipment("1", ("A", 1), order=shop.order("1", ordered))
    sync(served.model_copy(update={"timezone": ZONE}), "sales")
    assert days(connection) == {on: {"A": 1}}


def test_another_time_zone_dates_everything_anew(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    shop.shipment("1", ("A", 1), order=shop.order("1", "2026-03-07T03:00:00"))
    shop.shipment("2", ("A", 2), shipped="2026-03-07T03:00:00")
    sync(served, "sales")
    assert days(connection) == {"2026-03-07": {"A": 3}}
    sync(served.model_copy(update={"timezone": ZONE}), "sales")
    assert days(connection) == {"2026-03-06": {"A": 3}}


STATES = st.sampled_from(("SHIPPED", "INPUT", "CANCELLED"))
EDITS = st.one_of(
    st.tuples(
        st.just("shipment"), st.integers(0, 3), st.sampled_from((None, "0", "1", "2")), STATES,
        st.lists(st.tuples(st.sampled_from("AB"), st.integers(-3, 9)), max_size=4),
    ),
    st.tuples(
        st.just("order"), st.integers(0, 2), st.integers(1, 4),
        st.sampled_from(("CREATED", "LOCKED", "COMPLETED", "CANCELLED")),
    ),
    st.tuples(st.just("wait"), st.floats(0.01, 40)),
    st.tuples(st.just("read"), st.sampled_from(("sales", "backfill"))),
    st.tuples(st.just("pack")),
)  # fmt: skip


def apply(shop: Shop, edit: Any) -> None:
    if edit[0] == "wait":
        shop.later(edit[1])
    elif edit[0] == "order":
        _, number, on, status = edit
        shop.order(str(number), f"2026-03-0{on}T12:00:00", status)
    elif edit[0] == "shipment":
        _, number, order, status, lines = edit
        url = None if order is None else f"/demo/api/order/{order}"
        shop.shipment(str(number), *lines, order=url, status=status)
    shop.clock.advance(seconds=1)  # two versions of a record never share their time


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=st.lists(EDITS, min_size=4, max_size=14))
def test_any_history_read_in_any_windows_gives_the_plain_sums(
    server: str, upgraded: str, edits: list[Any]
) -> None:
    shop = Shop()
    url = new_database(server, template=upgraded)
    with (
        SandboxServer(shop.account, rate_limits=None) as sandbox,
        connect(url, name="tests") as connection,
    ):
        given_settings = settings_for(url, sandbox)
        for edit in edits:
            if edit == ("read", "sales"):
                sync(given_settings, "sales")
            elif edit[0] == "read":
                read_again(given_settings, shop.clock.now() - timedelta(days=3), shop.clock.now())
            elif edit[0] == "pack":
                pack(connection, shop.clock.now().date() + timedelta(days=40))
            else:
                apply(shop, edit)
        sync(given_settings, "sales")
        assert stored_demand(connection) == demand_of(shop.account)
        assert_packed_as_daily(connection)
        assert_ledger_is_closed(connection)


def read_again(given: Settings, since: datetime, until: datetime) -> None:
    with open_sync(given, strategy="shipments", trigger="test", table_sets=["sales"]) as run:
        backfill_shipments(run, since, until)


def test_a_backfill_of_today_hides_nothing_that_changed_before(
    shop: Shop, served: Settings, connection: Connection
) -> None:
    sync(served, "sales")
    shop.later(5)
    shop.shipment("1", ("A", 5), shipped="2026-03-10T10:00:00")
    shop.later(20)
    shop.shipment("2", ("B", 6), shipped="2026-03-30T10:00:00")
    read_again(served, shop.clock.now() - timedelta(days=1), shop.clock.now() + timedelta(hours=1))
    assert days(connection) == {"2026-03-30": {"B": 6}}
    sync(served, "sales")
    assert days(connection) == {"2026-03-10": {"A": 5}, "2026-03-30": {"B": 6}}


def test_an_account_that_was_left_alone_for_months_is_read_in_allowed_windows(
    settings: Settings, account: Account, sandbox: SandboxServer, connection: Connection
) -> None:
    sync(settings, "sales")
    before = len(sandbox.requests)
    account.clock.advance(seconds=100 * DAY)
    run = sync(settings, "sales")
    assert stored_demand(connection) == demand_of(account)
    collections = [r for r in sandbox.requests[before:] if "filter=" in r]
    assert len(collections) == 16  # 100 days in four windows, of four collections
    assert run.counts["core.sales_daily"].inserted > 0
    again = sync(settings, "sales")
    assert again.client.usage.api_calls == 4
    assert all(c.inserted == c.updated == c.removed == 0 for c in again.counts.values())


def test_everything_that_happens_in_the_sandbox_adds_up(
    settings: Settings, account: Account, connection: Connection
) -> None:
    for _ in range(3):
        sync(settings, "sales")
        assert stored_demand(connection) == demand_of(account)
        assert stored_on_order(connection) == on_order(account)
        account.clock.advance(seconds=11 * DAY)
    kinds = connection.execute("SELECT DISTINCT dated_by FROM core.sales_daily").fetchall()
    assert {kind for (kind,) in kinds} >= {"order", "shipment"}
