"""Fixtures: a small warehouse behind the app, and a Dagster that only notes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.api.chromium import Chromium, Page
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.conftest import new_database
from finale_pipeline_tests.notify.warehouse import Warehouse, mail_settings, url_of

CANARY = "canary-5f1c2b"


@pytest.fixture
def dagster() -> Iterator[FakeDagster]:
    made = FakeDagster()
    yield made
    made.close()


def settings_of(url: str, home: Path) -> Settings:
    """Return settings without tokens, for loopback; every other secret is a canary."""
    return mail_settings(
        url, home=home, api_key=f"{CANARY}-key", api_secret=f"{CANARY}-secret",
        pages_url="http://127.0.0.1",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stocked:
    """A database to copy from, its home, and the time it is of."""

    template: str
    home: Path
    now: datetime


@pytest.fixture(scope="session")
def stocked(server: str, upgraded: str, tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """Five products: A ran out, B is low, C is well, D has no rule, one has an odd SKU."""
    url, home = new_database(server, template=upgraded), tmp_path_factory.mktemp("home")
    settings = settings_of(url, home)
    with connect(url, name="tests") as connection:
        made = Warehouse(settings, connection)
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
        plan_day(connection, made.now.date(), settings, now=made.now)
        made.evaluate()
        connection.execute("INSERT INTO ops.feed VALUES ('stock', 1, 5, 1, %s)", (made.now,))
        template = str(made.rows("SELECT current_database()")[0][0])
    return Stocked(template, home, made.now)


@pytest.fixture
def stock(server: str, stocked: Stocked) -> Iterator[Warehouse]:
    """A warehouse like that, of this test alone."""
    url = new_database(server, template=stocked.template)
    with connect(url, name="tests") as connection:
        made = Warehouse(settings_of(url, stocked.home), connection)
        made.now = stocked.now
        yield made


@pytest.fixture
def api(stock: Warehouse, dagster: FakeDagster) -> Iterator[httpx.Client]:
    """A client of the app on that warehouse, without tokens."""
    with running(stock.settings, dagster, stock.clock) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    program = chromium.found()
    assert program is not None
    with chromium.running(program) as made:
        yield made


@pytest.fixture
def tab(browser: Chromium, api: httpx.Client) -> Iterator[Page]:
    """A tab; whatever a test does with it, nothing may fail and no other host be asked."""
    with browser.page(str(api.base_url).rstrip("/")) as opened:
        yield opened
        assert opened.troubles == []
        assert opened.hosts <= {f"{api.base_url.host}:{api.base_url.port}"}
