"""Fixtures: the warehouse of a few products, and a mail service on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.mail_server import KEY, MailServer
from finale_pipeline_tests.notify.warehouse import Warehouse, mail_settings


@pytest.fixture
def service() -> Iterator[MailServer]:
    """A mail service that takes everything until told otherwise."""
    with MailServer() as server:
        yield server


@pytest.fixture
def mailing(url: str, service: MailServer, tmp_path: Path) -> Settings:
    """Settings that send to it."""
    return mail_settings(
        url, home=tmp_path, sendgrid_api_key=KEY, sendgrid_base_url=service.base_url
    )


@pytest.fixture
def warehouse(mailing: Settings, connection: Connection) -> Warehouse:
    """A warehouse without products yet."""
    return Warehouse(mailing, connection)


@pytest.fixture
def told(warehouse: Warehouse) -> Warehouse:
    """Two products; the summary of the first evaluation is out of the way, one has run out."""
    warehouse.add("A", "B")
    warehouse.evaluate()
    warehouse.connection.execute("UPDATE ops.outbox SET state = 'sent'")
    warehouse.stock(A=0)
    warehouse.evaluate()
    return warehouse
