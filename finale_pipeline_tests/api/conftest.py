"""Fixtures: a small warehouse behind the app, and a Dagster that only notes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse, mail_settings, url_of

CANARY = "canary-5f1c2b"


@pytest.fixture
def dagster() -> Iterator[FakeDagster]:
    made = FakeDagster()
    yield made
    made.close()


@pytest.fixture
def open_settings(url: str, tmp_path: Path) -> Settings:
    """Settings without tokens, for loopback; every other secret is a canary."""
    return mail_settings(
        url, home=tmp_path, api_key=f"{CANARY}-key", api_secret=f"{CANARY}-secret",
        pages_url="http://127.0.0.1",
    )  # fmt: skip


@pytest.fixture
def stock(open_settings: Settings, connection: Connection) -> Warehouse:
    """Five products: A ran out, B is low, C is well, D has no rule, one has an odd SKU."""
    made = Warehouse(open_settings, connection)
    made.add("A", "B", "C", "=1+1/ö")
    made.add("D", units=50, point=None)
    for sku in ("A", "B", "C"):
        made.supplier(sku, "Acme", "sales@acme.example")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO core.sales_daily (product_url, sold_on, units, orders, dated_by,"
            " units_by_ship_date, changed_at)"
            " SELECT %s, %s::date - n, 3, 1, 'order', 0, now() FROM generate_series(1, 60) n",
            [(url_of(sku), made.now.date()) for sku in ("A", "B")],
        )
    made.evaluate()
    made.stock(A=0, B=5)
    made.evaluate()
    plan_day(connection, made.now.date(), open_settings, now=made.now)
    connection.execute("INSERT INTO ops.feed VALUES ('stock', 1, 5, 1, %s)", (made.now,))
    return made


@pytest.fixture
def api(stock: Warehouse, dagster: FakeDagster) -> Iterator[httpx.Client]:
    """A client of the app on that warehouse, without tokens."""
    with running(stock.settings, dagster, stock.clock) as client:
        yield client
