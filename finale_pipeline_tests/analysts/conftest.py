"""A warehouse that followed an account for five weeks: synced, planned, alerted, sold, bought."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import NOW, new_database, settings_for

STEPS = 7
STEP = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Followed:
    """A database to copy from, and the days it was followed on.

    Attributes:
        template: Name of the database.
        first_on: Day of the first sync.
        last_on: Day of the last.
    """

    template: str
    first_on: date
    last_on: date


def _sync(settings: Settings, account: Account, strategy: str) -> None:
    with open_sync(
        settings, strategy=strategy, trigger="test", table_sets=TABLE_SETS[strategy],
        clock=account.clock.now, sleep=lambda _: None,
    ) as run:  # fmt: skip
        carry_out(run)


@pytest.fixture(scope="session")
def followed(server: str, upgraded: str) -> Followed:
    """Follow a small account: all of it first, then every five days what changed."""
    url = new_database(server, template=upgraded)
    account = invented_account(products=200, clock=Clock(frozen_at=NOW), years=0.4, sales_days=90)
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox, alert_emails=("buyer@shop.example",))
        _sync(settings, account, "full")
        with connect(url, name="tests") as connection:
            plan_day(connection, NOW.date(), settings, now=NOW)
            for _ in range(STEPS):
                account.clock.advance(seconds=STEP.total_seconds())
                account.catch_up()
                _sync(settings, account, "active")
            now = account.clock.now()
            plan_day(connection, now.date(), settings, now=now)
            row = connection.execute("SELECT current_database()").fetchone()
    assert row
    return Followed(str(row[0]), NOW.date(), now.date())


@pytest.fixture
def url(server: str, followed: Followed) -> str:
    """URL of a copy of that warehouse, of this test alone."""
    return new_database(server, template=followed.template)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with connect(url, name="tests") as opened:
        yield opened


@pytest.fixture
def settings(url: str) -> Settings:
    """Settings that only name that warehouse."""
    return Settings.model_validate({"database_url": url})
