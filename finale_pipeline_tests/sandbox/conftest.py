"""A small account and somebody who buys for it."""

from collections.abc import Iterator

import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.conftest import NOW
from finale_pipeline_tests.sandbox.writing import Buyer, buyer_of


def small_account() -> Account:
    """Make an account with few products, whose clock stands still."""
    return invented_account(products=40, clock=Clock(frozen_at=NOW), years=0.1, sales_days=30)


@pytest.fixture
def buyer() -> Iterator[Buyer]:
    with SandboxServer(small_account(), rate_limits=None) as sandbox, buyer_of(sandbox) as made:
        yield made
