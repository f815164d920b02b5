"""Any history of faults, lost connections, edits and decisions ends with each order made once."""

from typing import Any

import pytest
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from finale_pipeline.errors import PipelineError
from finale_pipeline.ordering.resolving import abandon, check
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.conftest import NOW, new_database, settings_for
from finale_pipeline_tests.ordering.shelf import Shelf
from finale_pipeline_tests.sync.helpers import sync

POSTS = (
    "post-lost", "post-cut", "post-status", "post-status-after=503", "post-html-after",
    "post-empty", "post-truncate", "post-error", "post-throttle=1", "post-readonly",
    "post-garbage=price", "post-garbage=unlinked",
)  # fmt: skip
READS = (
    "empty-object@order", "half@order", "html@record", "truncate@record", "error-object@order",
    "drop-column=referenceNumber@order", "record-garbage=quantity",
)  # fmt: skip
SENT = {"sent", "unknown", "unverified", "created", "differs", "abandoned"}


class Machine(RuleBasedStateMachine):
    """A buyer who drafts, edits, looks, decides, while everything fails.

    Args:
        url: Of a synced database.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        account = invented_account(products=400, clock=Clock(frozen_at=NOW), years=0.4)
        self.sandbox = SandboxServer(account, rate_limits=None, on_request=self._on_request)
        self.sandbox.__enter__()
        settings = settings_for(url, self.sandbox, allow_writes=True, post_per_minute=100_000)
        self.connection = connect(url, name="tests")
        self.shelf = Shelf(self.connection, account, self.sandbox, settings)
        self.shelf.plan(vendors=2, lines=2)
        self.cut_at = 0

    def _on_request(self, _path: str) -> None:
        self.cut_at -= 1
        if self.cut_at == 0:
            self.connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE application_name = 'finale orders' AND datname = current_database()"
            )

    def _draft(self, **request: Any) -> None:
        try:
            self.shelf.draft(accept_duplicates=True, **request)
        except PipelineError:
            pass
        finally:
            self.sandbox.clear_faults()
            self.cut_at = 0

    @rule(again=st.booleans())
    def draft(self, again: bool) -> None:
        self._draft(again=again)

    @rule(
        fault=st.sampled_from(POSTS),
        skip=st.integers(0, 1),
        form=st.sampled_from(["200", "400", "403", "500"]),
        late=st.sampled_from([0, 300, 3000]),
    )
    def draft_while_creations_fail(self, fault: str, skip: int, form: str, late: int) -> None:
        """Orders may show only after an hour: then the clash of the number alone protects."""
        self.shelf.account.quirks.clash = form
        self.shelf.account.quirks.shown_after_seconds = late
        self.sandbox.add_fault(f"{fault}@order*1+{skip}")
        self._draft()

    @rule(form=st.sampled_from(["200", "400", "403", "500"]))
    def lose_one_that_shows_late_and_draft_again(self, form: str) -> None:
        """Chance alone seldom plays these three in a row."""
        self.shelf.account.quirks.clash = form
        self.shelf.account.quirks.shown_after_seconds = 3000
        self.sandbox.add_fault("post-lost@order*1")
        self._draft()
        self.shelf.later(minutes=16)
        self._draft()

    @rule(fault=st.sampled_from(READS), lost=st.booleans())
    def draft_while_reads_fail(self, fault: str, lost: bool) -> None:
        self.sandbox.add_fault(fault)
        if lost:
            self.sandbox.add_fault("post-lost@order*1")
        self._draft()

    @rule(at=st.integers(1, 12))
    def draft_and_lose_the_database(self, at: int) -> None:
        self.cut_at = at
        self._draft()

    @rule()
    def look(self) -> None:
        check(self.shelf.context, "buyer")

    @rule(minutes=st.sampled_from([1, 16, 40]))
    def wait(self, minutes: int) -> None:
        self.shelf.later(minutes=minutes)

    @rule(units=st.integers(1, 99))
    def edit(self, units: int) -> None:
        self.connection.execute(
            "UPDATE plan.purchase_order_draft_line SET quantity_units = %s", (units,)
        )

    @precondition(lambda self: self.shelf.book())
    @rule(step=st.sampled_from(["lock", "cancel"]), data=st.data())
    def decide_in_finale(self, step: str, data: st.DataObject) -> None:
        drafts = [o["orderUrl"] for o in self.shelf.book() if o["statusId"] == "ORDER_CREATED"]
        if drafts:
            self.shelf.account.book.act(data.draw(st.sampled_from(drafts)), step)
        sync(self.shelf.settings, "sales")

    @rule()
    def give_up_what_is_not_there(self) -> None:
        there = {order["orderId"] for order in self.shelf.book()}
        query = "SELECT reference, order_id FROM ops.purchase_order_write WHERE state = 'unknown'"
        for reference, order_id in self.shelf.rows(query):
            if order_id not in there:
                abandon(self.shelf.context, reference, actor="buyer", note=None)

    @invariant()
    def each_order_is_made_once_and_known(self) -> None:
        book = [order["orderId"] for order in self.shelf.book()]
        assert len(book) == len(set(book))
        rows = self.shelf.rows("SELECT order_id, state, attempts FROM ops.purchase_order_write")
        known = {row[0]: row[1:] for row in rows}
        assert set(book) <= set(known)
        # One that shows late may for a while be held for absent, but never for refused.
        assert {known[order_id][0] for order_id in book} <= SENT | {"intended"}
        assert {post.target for post in self.sandbox.posts} <= {"order"}
        assert all(attempts > 0 for n in book for attempts in [known[n][1]])
        verified = {n for n, (state, _) in known.items() if state in {"created", "differs"}}
        assert verified <= set(book)

    def teardown(self) -> None:
        try:
            self.sandbox.clear_faults()
            self.shelf.later(minutes=90)  # by now everything shows
            check(self.shelf.context, "buyer")
            self._draft()
            self.each_order_is_made_once_and_known()
            open_ones = set(self.shelf.states()) - {"created", "differs", "refused", "abandoned"}
            assert open_ones <= {"intended"}
            self._assert_created_is_as_meant()
        finally:
            self.connection.close()
            self.sandbox.__exit__(None, None, None)

    def _assert_created_is_as_meant(self) -> None:
        rows = self.shelf.rows(
            "SELECT order_id, lines FROM ops.purchase_order_write WHERE state = 'created'"
        )
        book = {order["orderId"]: order for order in self.shelf.book()}
        for order_id, lines in rows:
            kept = {
                (i["productUrl"], float(i["quantity"])) for i in book[order_id]["orderItemList"]
            }
            assert kept == {(x["product_url"], float(x["quantity_units"])) for x in lines}


def machine(server: str, synced: str) -> type[Machine]:
    """Return the machine, with a database of its own for each history."""

    class WithDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(new_database(server, template=synced))

    return WithDatabase


def test_a_few_histories_of_drafting_make_each_order_once(server: str, synced: str) -> None:
    run_state_machine_as_test(
        machine(server, synced),
        settings=example_settings(
            max_examples=3, stateful_step_count=7, derandomize=True, deadline=None
        ),
    )


@pytest.mark.slow
def test_many_histories_of_drafting_make_each_order_once(server: str, synced: str) -> None:
    run_state_machine_as_test(
        machine(server, synced),
        settings=example_settings(max_examples=40, stateful_step_count=20, deadline=None),
    )
