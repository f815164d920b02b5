"""Sales of the sandbox: invented ones, those of a file, and time that brings them."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import polars as pl
import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.orders import account_from
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.sync.helpers import assert_mirrors, sync

LINES = [
    # invoice, sku, description, units, days before the end, price
    ("100", "SOAP", "OLIVE SOAP", 10, 100.0, 2.5),
    ("100", "MUG", None, 4, 100.0, 5.0),
    ("101", "SOAP", "OLIVE SOAP, LARGE", 6, 30.0, 2.75),
    ("C102", "SOAP", None, -2, 20.0, 2.75),
    ("103", "MUG", "TIN MUG", 3, 2.0, 5.5),
    ("104", "SOAP", None, 1, 0.0, 2.75),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    end = datetime(2011, 12, 9, 12, 50)  # noqa: DTZ001 - the file has local times
    pl.DataFrame(
        {
            "invoice_no": [line[0] for line in LINES],
            "sku": [line[1] for line in LINES],
            "description": [line[2] for line in LINES],
            "quantity": [line[3] for line in LINES],
            "invoice_at": [end - timedelta(days=line[4]) for line in LINES],
            "unit_price_gbp": [line[5] for line in LINES],
        }
    ).write_parquet(tmp_path / "lines.parquet")
    return tmp_path / "lines.parquet"


def shipped(account: Account) -> Counter[str]:
    units: Counter[str] = Counter()
    for shipment in account.records("shipment"):
        if shipment["shipmentTypeId"] != "SALES_SHIPMENT":
            continue
        for line in shipment["shipmentItemList"]:
            units[line["productId"]] += int(line["quantity"])
    return units


def test_a_file_of_orders_becomes_products_and_sales(file: Path) -> None:
    clock = Clock(frozen_at=NOW)
    account = account_from(file, clock, ahead=timedelta(weeks=4))
    products = {p["productId"]: p for p in account.records("product")}
    assert products["SOAP"]["internalName"] == "OLIVE SOAP, LARGE"
    assert products["MUG"]["priceList"][0]["price"] == 5.5
    assert shipped(account) == {"SOAP": 16, "MUG": 4}
    assert {u: s[0] for u, s in account.stock_sums().items()} == {
        products["SOAP"]["productUrl"]: 0, products["MUG"]["productUrl"]: 3,
    }  # fmt: skip
    clock.advance(seconds=60 * 86_400)
    assert account.catch_up() == 3
    assert shipped(account) == {"SOAP": 17, "MUG": 7}  # what came back is no negative sale
    assert {s[0] for s in account.stock_sums().values()} == {0, 1}


def test_weekdays_of_the_file_stay(file: Path) -> None:
    account = account_from(file, Clock(frozen_at=NOW), ahead=timedelta())
    days = {s["shipDate"][:10] for s in account.records("shipment") if s["shipDate"]}
    ended = {datetime.fromisoformat(day).weekday() for day in days}
    assert datetime(2011, 12, 9).weekday() in ended  # noqa: DTZ001 - the file has local times


def test_the_warehouse_equals_the_file(file: Path, url: str, connection: Connection) -> None:
    clock = Clock(frozen_at=NOW)
    account = account_from(file, clock)
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox)
        sync(settings)
        assert_mirrors(connection, account)
        clock.advance(seconds=90 * 86_400)
        sync(settings, "inventory")
        assert_mirrors(connection, account)
    names = connection.execute("SELECT sku, name FROM core.product ORDER BY 1").fetchall()
    assert names == [("MUG", "TIN MUG"), ("SOAP", "OLIVE SOAP, LARGE")]


def test_a_file_that_is_none_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        account_from(tmp_path / "missing.parquet")
    pl.DataFrame({"sku": ["A"]}).write_parquet(tmp_path / "short.parquet")
    with pytest.raises(ConfigError, match="has no description, invoice_at"):
        account_from(tmp_path / "short.parquet")


def test_a_day_of_sales_makes_stock_fall(
    account: Account, settings: Settings, connection: Connection
) -> None:
    sync(settings)
    before = sum(sums[0] for sums in account.stock_sums().values())
    account.clock.advance(seconds=86_400)
    sync(settings, "inventory")
    after = sum(sums[0] for sums in account.stock_sums().values())
    assert after < before
    assert_mirrors(connection, account)


def test_order_lines_are_only_in_the_single_record(sandbox: SandboxServer) -> None:
    with httpx.Client(auth=("sandbox-key", "sandbox-secret"), base_url=sandbox.base_url) as http:
        orders = http.get("/demo/api/order").json()
        assert "orderItemList" not in orders
        assert set(orders["orderTypeId"]) == {"SALES_ORDER", "PURCHASE_ORDER"}
        bought = orders["orderUrl"][orders["orderTypeId"].index("PURCHASE_ORDER")]
        assert http.get(quote(bought)).json()["orderItemList"][0]["quantity"] >= 24
        assert len(http.get("/demo/api/shipment").json()["shipmentItemList"]) > 100
