"""Any order of edits, sales, faults, stops and syncs ends with a warehouse equal to the account."""

from typing import Any

import pytest
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from finale_pipeline.errors import InterruptedSync, PipelineError
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse.connect import connect
from finale_pipeline.warehouse.leases import Progress
from finale_pipeline_tests.conftest import NOW, new_database, settings_for
from finale_pipeline_tests.sync.helpers import (
    assert_ledger_is_closed,
    assert_mirrors,
    contents,
    let_the_pause_pass,
    sync,
)

PRODUCTS, CAP, REMOVABLE = 60, 25, 6
"""The cap makes windows of a small account; so few products vanish that it stays plausible."""

STOCK = ("core.stock_entry", "core.stock_level", "core.stock_level_by_location")
UNFINISHED = (
    "SELECT EXISTS (SELECT FROM ops.scan WHERE table_name = 'core.product' AND finished_at IS NULL)"
)
FAULTS = (
    "status=503", "revoke", "truncate", "html", "empty-object", "half", "duplicate-rows",
    "short-column", "drop-column", "bad-rows=9", "reset-mid", "throttle-reset=3600",
)  # fmt: skip


class Machine(RuleBasedStateMachine):
    """An account that changes, a source that fails, a sync that is stopped.

    Args:
        url: Of an empty database.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        clock = Clock(frozen_at=NOW)
        self.account = invented_account(products=PRODUCTS, clock=clock, years=0.4, sales_days=3)
        self.sandbox = SandboxServer(self.account, rate_limits=None, row_cap=CAP)
        self.sandbox.__enter__()
        self.settings = settings_for(url, self.sandbox, row_cap=CAP, lanes=2)
        self.connection = connect(url, name="tests")
        self.removed = 0
        self.is_removal_late = False

    @rule(hours=st.integers(1, 40))
    def sell(self, hours: int) -> None:
        self.account.clock.advance(seconds=3600 * hours)

    @rule(count=st.integers(1, 9))
    def edit(self, count: int) -> None:
        self.account.clock.advance(seconds=1)
        self.account.edit_products(count)

    @rule(count=st.integers(1, 3))
    def create(self, count: int) -> None:
        self.account.clock.advance(seconds=1)
        self.account.create_products(count)

    @precondition(lambda self: self.removed < REMOVABLE)
    @rule()
    def remove(self) -> None:
        self.account.remove_products(1)
        self.removed += 1
        self.is_removal_late |= self.connection.is_true(UNFINISHED)

    @rule()
    def read_all(self) -> None:
        self._sync_until_removals_are_seen()
        assert_mirrors(self.connection, self.account)

    def _sync_until_removals_are_seen(self) -> None:
        """A scan that goes on reads no window twice; what vanished meanwhile, the next one sees."""
        sync(self.settings)
        if self.is_removal_late:
            sync(self.settings)
        self.is_removal_late = False

    @rule()
    def read_stock(self) -> None:
        sync(self.settings, "inventory")

    @rule(fault=st.sampled_from(FAULTS), path=st.sampled_from(["product", "inventoryitem"]))
    def fail(self, fault: str, path: str) -> None:
        before = self._what_must_stay(path)
        self.sandbox.add_fault(f"{fault}@{path}")
        try:
            sync(self.settings)
        except PipelineError:
            assert self._what_must_stay(path) == before
        self.sandbox.clear_faults()
        let_the_pause_pass(self.connection)

    def _what_must_stay(self, path: str) -> Any:
        """What a failed read may not touch: stock, and which products are removed."""
        if path == "inventoryitem":
            found = contents(self.connection)
            return [found[table] for table in STOCK]
        removed = "SELECT product_url FROM core.product WHERE removed_at IS NOT NULL ORDER BY 1"
        return self.connection.execute(removed).fetchall()

    @rule(after=st.integers(1, 6))
    def stop(self, after: int) -> None:
        left = iter(range(after - 1))

        def count(_far: Progress) -> None:
            if next(left, None) is None:
                raise InterruptedSync("The test stops it here.")

        try:
            with open_sync(
                self.settings, strategy="full", trigger="test", table_sets=TABLE_SETS["full"],
                on_progress=count, sleep=lambda _: None,
            ) as run:  # fmt: skip
                carry_out(run)
        except InterruptedSync:
            return

    def teardown(self) -> None:
        try:
            self._sync_until_removals_are_seen()
            assert_mirrors(self.connection, self.account)
            again = sync(self.settings)
            assert {(c.inserted, c.updated, c.removed) for c in again.counts.values()} == {
                (0, 0, 0)
            }
            assert_ledger_is_closed(self.connection)
        finally:
            self.connection.close()
            self.sandbox.__exit__(None, None, None)


def machine(server: str, upgraded: str) -> type[Machine]:
    """Return the machine, with a database of its own for each history."""

    class WithDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(new_database(server, template=upgraded))

    return WithDatabase


def test_a_few_histories_end_equal_to_the_account(server: str, upgraded: str) -> None:
    run_state_machine_as_test(
        machine(server, upgraded),
        settings=example_settings(
            max_examples=3, stateful_step_count=7, derandomize=True, deadline=None
        ),
    )


@pytest.mark.slow
def test_many_histories_end_equal_to_the_account(server: str, upgraded: str) -> None:
    run_state_machine_as_test(
        machine(server, upgraded),
        settings=example_settings(max_examples=40, stateful_step_count=20, deadline=None),
    )
