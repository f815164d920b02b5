"""The page of forecasts: its numbers can be recomputed, and what a buyer says is kept."""

import re
from datetime import date, timedelta
from decimal import Decimal

import httpx

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.forecasts import outcomes
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of
from finale_pipeline_tests.planning.test_demand_paths import product, sell
from finale_pipeline_tests.sync.helpers import sync
from finale_pipeline_tests.sync.shop import Shop


def lived_through(stock: Warehouse) -> None:
    """Plans of three weeks ago and of seven, as they would have been made then."""
    for weeks in (7, 3):
        plan_day(
            stock.connection,
            stock.now.date() - timedelta(weeks=weeks),
            stock.settings,
            now=stock.now,
        )


def test_what_the_plans_said_and_what_came_can_be_recomputed(
    api: httpx.Client, stock: Warehouse
) -> None:
    lived_through(stock)
    found = outcomes(stock.connection)

    # A and B sell three a day on every day; a plan of three weeks ago expects just that.
    newest = found.weeks[0]
    (days,) = stock.rows("SELECT DISTINCT protection_days FROM mart.forecast WHERE sku = 'A'")[0]
    assert newest["snapshot_on"] == stock.now.date() - timedelta(weeks=3)
    assert newest["forecasts"] == 2
    assert newest["demanded_units"] == 2 * 3 * days
    assert float(newest["expected_units"]) == float(newest["demanded_units"])
    assert (newest["held"], float(newest["bias"])) == (1, 0)
    assert [row["kind"] for row in found.groups][:1] == ["all"]
    shown = api.get("/forecasts").text
    assert f"{newest['snapshot_on']}" in shown
    assert "Methods, on the account" not in shown or "30-day mean" in shown
    of_vendor = api.get("/forecasts", params={"vendor": "nobody"}).text
    assert "No plan is old enough yet" in of_vendor


def test_what_is_shown_is_of_the_newest_plans(api: httpx.Client, stock: Warehouse) -> None:
    """Twice A was sold as often as is known now: the next plan knows, and so does the page."""
    lived_through(stock)
    before = measures(api.get("/forecasts").text)
    assert measures(api.get("/forecasts").text) == before
    stock.connection.execute(
        "UPDATE core.sales_daily SET units = units * 2 WHERE product_url = %s", (url_of("A"),)
    )
    stock.now += timedelta(minutes=1)
    plan_day(stock.connection, stock.now.date(), stock.settings, now=stock.now)
    after = measures(api.get("/forecasts").text)
    came = [float(shown["Came"].replace(",", "")) for shown in (before, after)]
    assert came[1] == came[0] * 1.5
    assert measures(api.get("/forecasts?sku=B").text)["Came"] != after["Came"]


def measures(page: str) -> dict[str, str]:
    """Return the first row of the page's first table by the heads of its columns."""
    heads = re.findall(r"<th[^>]*>(.*?)</th>", page.partition("</thead>")[0])
    row = re.search(r"<tbody>\s*<tr>(.*?)</tr>", page, re.DOTALL)
    assert row
    return dict(zip(heads, re.findall(r"<td[^>]*>(.*?)</td>", row[1], re.DOTALL), strict=True))


def test_what_came_is_net_of_returns_as_what_was_expected_is(
    url: str, connection: Connection, dagster: FakeDagster
) -> None:
    """2 a day; of one day's order half came back, and 5 of another day were entered late."""
    shop, then = Shop(), NOW.date() - timedelta(days=40)
    product(shop, "soap")
    sell(shop, "soap", dict.fromkeys(range(1, 200), 2))
    with SandboxServer(shop.account, rate_limits=None) as server:
        settings = settings_for(url, server, since=date(2023, 1, 1))
        sync(settings, "full", clock=shop.clock.now)
        plan_day(connection, then, settings, now=NOW)
        shop.later(0.1)
        shop.shipment(
            "back", ("soap", 1), order="/demo/api/order/soap-35", status="DELIVERED",
            shipmentTypeId="SALES_RETURN_SHIPMENT", primaryReturnUrl="/demo/api/return/1",
            receiveDate=f"{NOW - timedelta(days=3):%Y-%m-%dT%H:%M:%S}",
        )  # fmt: skip
        day = f"{NOW - timedelta(days=30):%Y-%m-%dT%H:%M:%S}"
        shop.shipment("late", ("soap", 5), order=shop.order("late", day), shipped=day)
        sync(settings, "full", clock=shop.clock.now)
    plan_day(connection, NOW.date(), settings, now=NOW)
    with running(settings, dagster, shop.clock.now) as api:
        shown = measures(api.get("/forecasts", params={"sku": "soap"}).text)
        of_all = measures(api.get("/forecasts").text)

    days: tuple[Decimal] | None = connection.execute(
        "SELECT protection_days FROM mart.forecast_outcome WHERE sku = 'soap'"
    ).fetchone()
    assert days
    expected = 2 * int(days[0])
    came = expected - 1 + 5
    assert shown == of_all
    assert (shown["Forecasts"], shown["Expected"], shown["Came"]) == (
        "1", f"{expected}", f"{came}",
    )  # fmt: skip
    assert shown["Bias"] == f"{100 * (expected - came) / came:.1f} %"
    assert shown["Error"] == f"{100 * (came - expected) / came:.1f} %"
    assert connection.execute(
        "SELECT demanded_units, error_units, naive_units, snapshot_on FROM mart.forecast_outcome"
        " WHERE sku = 'soap'"
    ).fetchall() == [(came, came - expected, expected, then)]


def test_what_a_buyer_knows_is_kept_with_who_and_can_be_taken_back(
    api: httpx.Client, stock: Warehouse
) -> None:
    form = {
        "scope": "product", "name": "A", "kind": "times", "value": "1.5", "note": "spring sale",
        "from_on": "2030-01-01", "until_on": "2030-02-01",
    }  # fmt: skip
    sent = api.post("/forecasts", data=form, auth=("ana", ""))
    refused = api.post("/forecasts", data=form | {"name": "nothing of that name"})
    backwards = api.post("/forecasts", data=form | {"until_on": "2029-01-01"})

    assert sent.status_code in {200, 303}
    assert (refused.status_code, backwards.status_code) == (422, 422)
    rows = stock.rows("SELECT scope_key, value, made_by FROM plan.demand_adjustment")
    assert rows == [(url_of("A"), Decimal("1.5"), "ana (page)")]
    shown = api.get("/forecasts").text
    assert "A: 1.5 times from 2030-01-01 to 2030-02-01" in shown
    assert "spring sale" in shown

    (number,) = stock.rows("SELECT adjustment_id FROM plan.demand_adjustment")[0]
    api.post("/forecasts", data={"withdraw": number}, auth=("ben", ""))
    assert stock.rows("SELECT withdrawn_by FROM plan.demand_adjustment") == [("ben (page)",)]
    assert "spring sale" not in api.get("/forecasts").text
