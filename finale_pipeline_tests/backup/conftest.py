"""Fixtures of mails and of databases that restores make."""

from collections.abc import Iterator

import pytest

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import swap
from finale_pipeline_tests.backup.backups import databases
from finale_pipeline_tests.notify.conftest import mailing, service, told, warehouse

__all__ = ["mailing", "service", "told", "warehouse"]


@pytest.fixture
def kept(mailing: Settings) -> Iterator[Settings]:
    """Settings whose databases beside are dropped at the end."""
    yield mailing
    url = str(mailing.database_url and mailing.database_url.get_secret_value())
    with swap.maintenance(url) as server:
        for name in databases(url):
            swap.drop(server, name)
