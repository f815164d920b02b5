"""Fixtures: a warehouse synced once from the small account, and that account for each test."""

from datetime import UTC, datetime

import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, new_database, settings_for
from finale_pipeline_tests.ordering.shelf import Shelf, fill


@pytest.fixture(scope="session")
def synced(server: str, upgraded: str) -> str:
    """Name of a database that a full sync of the small account has filled, to copy from."""
    account = invented_account(products=400, clock=Clock(frozen_at=NOW), years=0.4)
    return fill(new_database(server, template=upgraded), account)


STARTED = datetime.now(UTC).replace(microsecond=0)
"""Processes have the machine's time, so the account that they meet has it too."""


def present_account() -> Account:
    """Return a small account of today."""
    return invented_account(products=60, clock=Clock(frozen_at=STARTED), years=0.2)


@pytest.fixture(scope="session")
def synced_today(server: str, upgraded: str) -> str:
    """Name of a database synced from that account, to copy from."""
    return fill(new_database(server, template=upgraded), present_account())


@pytest.fixture
def url(server: str, synced: str) -> str:
    """URL of a synced database, of this test alone."""
    return new_database(server, template=synced)


@pytest.fixture
def shelf(url: str, sandbox: SandboxServer, account: Account, connection: Connection) -> Shelf:
    """A plan's home: the warehouse and the account it mirrors."""
    settings = settings_for(url, sandbox, allow_writes=True, post_per_minute=100_000)
    return Shelf(connection, account, sandbox, settings)
