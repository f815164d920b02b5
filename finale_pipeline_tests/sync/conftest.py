"""A shop of three products over HTTP, and settings that sync it."""

from collections.abc import Iterator

import pytest

from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.sync.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def shop_server(shop: Shop) -> Iterator[SandboxServer]:
    with SandboxServer(shop.account, rate_limits=None) as server:
        yield server


@pytest.fixture
def served(url: str, shop_server: SandboxServer) -> Settings:
    return settings_for(url, shop_server)
