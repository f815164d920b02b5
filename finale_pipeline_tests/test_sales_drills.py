"""Syncs of sales killed at their worst moments end equal to undisturbed ones."""

import signal

import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.processes import Ended, finale, start, until_its_sessions_end
from finale_pipeline_tests.sync.demand import demand_of, on_order, stored_demand, stored_on_order
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed
from finale_pipeline_tests.test_drills import CAP, Trap


class PathTrap(Trap):
    """Acts on a process when the sandbox gets its n-th request of a kind."""

    def __init__(self, path: str, at: int) -> None:
        super().__init__(at, signal.SIGKILL)
        self._path = path

    def __call__(self, path: str) -> None:
        if path.startswith(self._path):
            super().__call__(path)


@pytest.mark.parametrize(
    ("path", "at"), [("/demo/api/order?", 4), ("/demo/api/shipment?", 5), ("/demo/api/order/", 3)]
)
def test_a_killed_sync_of_sales_goes_on_where_it_stopped(
    url: str, account: Account, connection: Connection, path: str, at: int
) -> None:
    trap = PathTrap(path, at)
    with SandboxServer(account, rate_limits=None, row_cap=CAP, on_request=trap) as sandbox:
        settings = settings_for(url, sandbox, row_cap=CAP, lanes=1)
        process = start(settings, "sync", "sales")
        trap.watch(process)
        assert Ended(process).code == -signal.SIGKILL
        first = len(sandbox.requests)
        until_its_sessions_end(settings)
        account.clock.advance(seconds=3600)
        assert finale(settings, "sync", "sales").code == 0
        assert len(sandbox.requests) > first
    assert stored_demand(connection) == demand_of(account)
    assert stored_on_order(connection) == on_order(account)
    assert_ledger_is_closed(connection)
