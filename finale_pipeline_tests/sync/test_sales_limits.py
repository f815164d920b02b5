"""Sales and purchases at the source's limits, and when nothing is new."""

from datetime import date

import pytest

from finale_pipeline.errors import DriftError, ThrottledError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.sales import DAY
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.sync.demand import (
    demand_of,
    stored_demand,
)
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, contents, sync


def test_windows_above_the_cap_are_halved(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=60) as sandbox:
        sync(settings_for(url, sandbox, row_cap=60), "sales")
        account.clock.advance(seconds=30 * DAY)
        sync(settings_for(url, sandbox, row_cap=60), "sales")
    assert stored_demand(connection) == demand_of(account)


def test_a_history_beyond_the_budget_goes_on_at_the_next_run(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=100) as sandbox:
        small = settings_for(url, sandbox, row_cap=100, collections_per_hour=16)
        runs = 0
        while runs < 30:
            runs += 1
            try:
                sync(small, "sales")
                break
            except ThrottledError:
                assert_ledger_is_closed(connection)
                connection.execute("DELETE FROM ops.request")  # an hour passes
    assert 2 < runs < 30
    assert stored_demand(connection) == demand_of(account)


def test_too_many_unreadable_shipments_change_nothing(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("drop-column=shipmentTypeId@shipment")
    with pytest.raises(DriftError, match="no shipmentTypeId any more"):
        sync(settings, "sales")
    assert stored_demand(connection) == {}
    sandbox.clear_faults()
    sync(settings, "sales")
    assert stored_demand(connection)


def test_a_second_sync_after_all_history_writes_nothing(
    settings: Settings, connection: Connection
) -> None:
    sync(settings, "full")
    before = contents(connection)
    sync(settings, "full")
    assert contents(connection) == before


def test_sales_before_the_first_day_are_not_asked_for(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=100) as sandbox:
        recent = settings_for(url, sandbox, row_cap=100, since=date(2026, 2, 20))
        sync(recent, "sales")
    first = connection.execute("SELECT min(updated_at) FROM core.shipment").fetchone()
    assert first is not None
    assert str(first[0]) >= "2026-02-20"
