"""What the source says about demand, by the whole path: simulated account → sync → plan."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finale_pipeline.cli import main
from finale_pipeline.domain.forecast.history import day_number
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.planning.reading import read_demand
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.adjustments import NewAdjustment, adjust, withdraw
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.planning.warehouse import AS_OF
from finale_pipeline_tests.processes import call
from finale_pipeline_tests.sync.helpers import sync
from finale_pipeline_tests.sync.shop import Shop
from finale_pipeline_tests.warehouse.months import assert_packed_as_daily


def product(shop: Shop, sku: str, *, made: int = 900, **fields: Any) -> str:
    """Add a product that was made so many days ago and edited yesterday."""
    record = {
        "productId": sku,
        "statusId": "PRODUCT_ACTIVE",
        "productTypeId": "GOOD",
        "createdDate": f"{NOW - timedelta(days=made):%Y-%m-%dT%H:%M:%S}",
    }
    return shop.put("product", sku, at=NOW - timedelta(days=1), **record | fields)


def sell(shop: Shop, sku: str, units: dict[int, float]) -> None:
    """Ship orders of some days ago."""
    for ago, count in units.items():
        day = f"{NOW - timedelta(days=ago):%Y-%m-%dT%H:%M:%S}"
        number = f"{sku}-{ago}"
        shop.shipment(number, (sku, count), order=shop.order(number, day), shipped=day)


def planned(connection: Connection, settings: Settings, day: date = AS_OF) -> dict[str, Any]:
    """Plan a day; return the forecasts by SKU."""
    report = plan_day(connection, day, settings, now=NOW)
    return {row["sku"]: row for row in report.planned.products.iter_rows(named=True)}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def settings(url: str, shop: Shop) -> Iterator[Settings]:
    with SandboxServer(shop.account, rate_limits=None) as server:
        yield settings_for(url, server, since=date(2023, 1, 1))


def test_a_product_is_as_old_as_finale_says_and_not_as_its_last_edit(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """Made 25 days ago, edited yesterday, sold 18 once: 18 in 25 days are not 18 a day."""
    product(shop, "steady")
    sell(shop, "steady", dict.fromkeys(range(1, 200, 3), 1))
    product(shop, "once", made=25)
    sell(shop, "once", {5: 18})
    sync(settings, "full")

    found = planned(connection, settings)["once"]

    assert found["history_days"] == 25
    assert 0.7 <= found["velocity_units_per_day"] <= 1.3
    assert "new_product" in found["demand_flags"]


def test_units_per_case_are_read_from_what_finale_sent(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    product(shop, "cased", stdPackingUnitsPerCase=12)
    sell(shop, "cased", dict.fromkeys(range(1, 100), 2))
    sync(settings, "full")

    found = planned(connection, settings)["cased"]

    assert found["pack_units"] == 12
    assert found["quantity_units"] % 12 == 0 < found["quantity_units"]


def test_hours_without_stock_are_kept_by_every_read_and_their_day_is_no_measure(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """20 a day; on one day it was out from noon to evening and sold 6: that day teaches nothing."""
    url = product(shop, "busy")
    sell(shop, "busy", dict.fromkeys(range(1, 60), 20))
    shop.account.set_stock(url, 30)
    sync(settings, "full")
    shop.account.set_stock(url, 0)
    sync(settings, "inventory")
    shop.later(0.25)
    shop.account.set_stock(url, 500)
    sync(settings, "inventory")
    sell(shop, "busy", {0: 6})
    shop.later(1)
    sync(settings, "full")

    spans = connection.execute(
        "SELECT until_at - from_at FROM core.stock_out_span WHERE product_url = %s", (url,)
    ).fetchall()
    found = planned(connection, settings, AS_OF + timedelta(days=1))["busy"]

    assert spans == [(timedelta(hours=6),)]
    assert found["velocity_units_per_day"] == pytest.approx(20, rel=1e-6)
    assert found["counted_days"] == found["history_days"] - 1


SEASON = range(1, 41)
"""Days of the season, counted from the morning a year ago."""


def test_what_changes_in_a_month_that_was_packed_is_planned_by(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """A plan packs the months before its own; then old orders are cancelled, entered, returned."""
    product(shop, "A")
    sell(shop, "A", {400: 5, 200: 7, 100: 2, 60: 6, 3: 1})
    sync(settings, "full")
    planned(connection, settings)
    assert connection.count("SELECT count(*) FROM core.sales_month WHERE sold IS NOT NULL") == 4
    assert demand(connection) == {400: 5, 200: 7, 100: 2, 60: 6, 3: 1}

    shop.later(0.1)
    shop.order("A-200", f"{NOW - timedelta(days=200):%Y-%m-%dT%H:%M:%S}", "CANCELLED")
    sell(shop, "A", {90: 8})
    order = "/demo/api/order/A-60"
    shop.shipment("back", ("A", 4), order=order, shipmentTypeId="SALES_RETURN_SHIPMENT",
                  primaryReturnUrl="/demo/api/return/1", status="DELIVERED",
                  receiveDate=f"{NOW:%Y-%m-%dT%H:%M:%S}")  # fmt: skip
    sync(settings, "full")
    expected = {400: 5, 100: 2, 90: 8, 60: 2, 3: 1}
    assert demand(connection) == expected
    before = planned(connection, settings)["A"]
    assert_packed_as_daily(connection)
    assert demand(connection) == expected
    connection.execute("UPDATE core.sales_month SET sold = NULL")
    assert demand(connection) == expected
    assert planned(connection, settings)["A"] == before

    west = settings.model_copy(update={"timezone": "Pacific/Pago_Pago"})  # 11 hours behind
    sync(west, "full")
    assert demand(connection) == expected  # noon there is one o'clock in the night of the same day
    east = settings.model_copy(update={"timezone": "Pacific/Kiritimati"})  # 14 hours ahead
    sync(east, "full")
    assert demand(connection) == {ago - 1: units for ago, units in expected.items()}
    planned(connection, east)
    assert_packed_as_daily(connection)


def test_months_packed_after_a_restore_are_those_of_the_days_in_the_backup(
    shop: Shop, settings: Settings, url: str, tmp_path: Path
) -> None:
    """The backup has months that are packed and one that is not; what came after it is undone."""
    settings = settings.model_copy(update={"home": tmp_path})
    product(shop, "A")
    sell(shop, "A", {400: 5, 200: 7})
    sync(settings, "full")
    with connect(url, name="tests") as connection:
        planned(connection, settings)
    shop.later(0.1)
    sell(shop, "A", {100: 3, 60: 6})
    sync(settings, "full")
    assert call(settings, "backup", str(tmp_path / "kept.dump")).code == 0
    shop.later(0.1)
    sell(shop, "A", {90: 8})
    shop.order("A-200", f"{NOW - timedelta(days=200):%Y-%m-%dT%H:%M:%S}", "CANCELLED")
    sync(settings, "full")
    with connect(url, name="tests") as connection:
        planned(connection, settings)

    assert call(settings, "restore", str(tmp_path / "kept.dump"), "--replace").code == 0

    with connect(url, name="tests") as connection:
        assert_packed_as_daily(connection)
        planned(connection, settings)
        assert_all_packed(connection)
        assert demand(connection) == {400: 5, 200: 7, 100: 3, 60: 6}
    sync(settings, "full")
    with connect(url, name="tests") as connection:
        planned(connection, settings)
        assert_all_packed(connection)
        assert demand(connection) == {400: 5, 100: 3, 90: 8, 60: 6}


def test_another_packing_or_reading_of_it_rewrites_months_that_were_packed(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """Two cases of twelve are shipped; then they are said to be of six, and then to be units."""
    product(shop, "A")
    sell(shop, "A", {200: 7, 3: 1})
    day = f"{NOW - timedelta(days=100):%Y-%m-%dT%H:%M:%S}"
    order = shop.order("cased", day)

    def ship(packing: str) -> None:
        soap = {"productUrl": "/demo/api/product/A", "normalizedPackingString": packing}
        items = [soap | {"quantity": 2}]
        shop.shipment("cased", order=order, shipped=day, shipmentItemList=items)

    ship("12 cs 12/1")
    cases = settings.model_copy(update={"case_quantities": "cases"})
    units = settings.model_copy(update={"case_quantities": "units"})
    sync(cases, "full")
    planned(connection, cases)
    assert_all_packed(connection)
    assert demand(connection) == {200: 7, 100: 24, 3: 1}

    shop.later(0.1)
    ship("6 cs 6/1")
    for reading, shipped in ((cases, 12), (units, 2), (cases, 12)):
        sync(reading, "full")
        assert_packed_as_daily(connection)
        planned(connection, reading)
        assert_all_packed(connection)
        assert demand(connection) == {200: 7, 100: shipped, 3: 1}


def assert_all_packed(connection: Connection) -> None:
    """All months before the one of the plan are packed, as their days are."""
    assert_packed_as_daily(connection)
    month = AS_OF.replace(day=1)
    empty = "SELECT count(*) FROM core.sales_month WHERE sold IS NULL AND begins_on < %s"
    assert connection.count(empty, month) == 0


def demand(connection: Connection) -> dict[int, float]:
    """Return the units by how many days ago, as a plan of tomorrow reads them."""
    history, _ = read_demand(connection, AS_OF)
    return {
        day_number(AS_OF) - int(day): float(units)
        for day, units in zip(history.sold.days, history.units, strict=True)
    }


def test_what_sold_in_these_weeks_of_both_earlier_years_is_ordered_again(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    """20 a day in each of the last two seasons, nothing since, 20 left, the season is next."""
    product(shop, "always")
    sell(shop, "always", dict.fromkeys(range(1, 800, 7), 10))
    url = product(shop, "seasonal")
    sell(shop, "seasonal", {364 * year - n: 20 for year in (1, 2) for n in SEASON})
    once = product(shop, "once")
    sell(shop, "once", {364 - n: 12 for n in SEASON})
    for stocked in (url, once):
        shop.account.set_stock(stocked, 20)
    sync(settings, "full")

    found = planned(connection, settings)

    days = found["seasonal"]["lead_time_days"] + found["seasonal"]["cover_days"]
    sold = 20 * min(days - 1, 40)
    assert found["seasonal"]["velocity_units_per_day"] == pytest.approx(sold / days, rel=0.02)
    assert found["seasonal"]["order_now"]
    assert f"it sold {sold:g} a year ago" in found["seasonal"]["why"]
    # One year alone is no season; it is said, not ordered.
    assert found["once"]["quantity_units"] == 0
    assert "a year ago, which is not expected again" in found["once"]["why"]


def test_a_promotion_is_ordered_for_and_not_learnt_from(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    product(shop, "promoted")
    sell(shop, "promoted", {n: 40 if n <= 10 else 4 for n in range(1, 100)})
    product(shop, "announced")
    sync(settings, "full")
    begun = AS_OF - timedelta(days=10)
    promoted, announced = (f"/demo/api/product/{sku}" for sku in ("promoted", "announced"))
    ten, twenty, hundred = (AS_OF + timedelta(days=n) for n in (10, 19, 100))
    for said in (
        NewAdjustment("product", promoted, "times", Decimal(10), begun, AS_OF - timedelta(days=1)),
        NewAdjustment("product", promoted, "times", Decimal(3), AS_OF, hundred),
        NewAdjustment("product", announced, "units", Decimal(300), ten, twenty),
    ):
        adjust(connection, said, actor="ana", now=NOW)

    found = planned(connection, settings)

    # Four a day is its pace; ten days at forty were a promotion; three times as much is to come.
    assert found["promoted"]["pace_units_per_day"] == pytest.approx(4)
    assert found["promoted"]["velocity_units_per_day"] == pytest.approx(12)
    assert "ana expects 3 times from" in found["promoted"]["why"]
    days = found["announced"]["lead_time_days"] + found["announced"]["cover_days"]
    assert found["announced"]["velocity_units_per_day"] * days == pytest.approx(300)
    assert found["announced"]["order_now"]


def test_a_successor_sells_what_its_predecessor_sold(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    old = product(shop, "old", statusId="PRODUCT_INACTIVE")
    sell(shop, "old", dict.fromkeys(range(10, 200), 5))
    new = product(shop, "new", made=9)
    sell(shop, "new", dict.fromkeys(range(1, 10), 5))
    sync(settings, "full")
    said = NewAdjustment("product", new, "successor", predecessor_url=old)
    number = adjust(connection, said, actor="ana", now=NOW)

    found = planned(connection, settings)["new"]
    withdraw(connection, number, actor="ben", now=NOW + timedelta(hours=1))
    alone = planned(connection, settings)["new"]

    assert found["velocity_units_per_day"] == pytest.approx(5)
    assert (found["history_days"], alone["history_days"]) == (199, 9)
    assert "new_product" not in found["demand_flags"]
    assert "new_product" in alone["demand_flags"]


def test_no_backtest_is_judged_by_one_order_that_the_plan_would_not_learn_from(
    *,
    shop: Shop,
    settings: Settings,
    url: str,
    connection: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """2 a day, and one order of 5,000: no forecast is wrong by more than a few times two."""
    product(shop, "steady")
    sell(shop, "steady", {ago: 5_000 if ago == 75 else 2 for ago in range(1, 181)})
    sync(settings, "full")
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    monkeypatch.setenv("FINALE_HOME", str(tmp_path))

    assert main(["forecast", "backtest", "--json"]) == 0
    by_command = json.loads(capsys.readouterr().out)["scores"]
    planned(connection, settings)
    weekly = connection.rows("SELECT * FROM plan.forecast_score WHERE source = 'weekly'")

    for scores in (by_command, weekly):
        judged = [score for score in scores if score["window_days"] and score["forecasts"]]
        assert judged
        assert max(float(score["wape"]) for score in judged) < 0.5
