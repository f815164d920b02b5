"""Processes killed at every step, and two at once: one order in the book, a true ledger."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from finale_pipeline.clock import utc_now
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.drafting import draft
from finale_pipeline.ordering.resolving import check
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import new_database, settings_for
from finale_pipeline_tests.ordering.conftest import STARTED, present_account
from finale_pipeline_tests.ordering.shelf import Shelf
from finale_pipeline_tests.processes import Ended, finale, start

REQUESTS = {
    1: "the number", 2: "the filter by number", 3: "the filter by reference",
    4: "recent changes", 5: "the creation", 6: "the reading back",
}  # fmt: skip


class Watch:
    """Does something when the sandbox gets its n-th request of drafting."""

    def __init__(self) -> None:
        self.at = 0
        self.act: Callable[[], object] = int
        self._seen = 0

    def __call__(self, _path: str) -> None:
        self._seen += 1
        if self._seen == self.at:
            self.act()

    def on(self, at: int, act: Callable[[], object]) -> None:
        self.at, self.act, self._seen = at, act, 0


@pytest.fixture
def url(server: str, synced_today: str) -> str:
    return new_database(server, template=synced_today)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def shelf(url: str, connection: Connection, watch: Watch) -> Iterator[Shelf]:
    account = present_account()
    with SandboxServer(account, rate_limits=None, on_request=watch) as sandbox:
        settings = settings_for(url, sandbox, allow_writes=True, post_per_minute=100_000)
        shelf = Shelf(connection, account, sandbox, settings)
        shelf.plan(vendors=1, on=STARTED.date())
        yield shelf


def killed_at(shelf: Shelf, watch: Watch, at: int) -> None:
    """Start a drafter and kill it when its n-th request has come in."""
    there = threading.Event()
    process: list[subprocess.Popen[str]] = []

    def kill() -> None:
        there.wait(30)
        os.kill(process[0].pid, signal.SIGKILL)

    watch.on(at, kill)
    process.append(start(shelf.settings, "orders", "draft"))
    there.set()
    ended = Ended(process[0])
    assert ended.code == -signal.SIGKILL, ended.err


def resumed(shelf: Shelf) -> None:
    """Run the command again, and once more when enough time has passed to be sure.

    Commands have the machine's time, and the account stands still since these tests began.
    """
    finale(shelf.settings, "orders", "draft")
    if shelf.states() == ["unknown"]:
        behind = utc_now() - shelf.account.clock.now()
        shelf.later(seconds=behind.total_seconds(), minutes=20)
        shelf.draft()


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(at, id=name, marks=[] if at == 5 else pytest.mark.slow)
        for at, name in REQUESTS.items()
    ],
)
def test_a_drafter_killed_at_a_request_leaves_one_order(
    shelf: Shelf, watch: Watch, at: int
) -> None:
    killed_at(shelf, watch, at)
    known = {5: ["sent"], 6: ["unverified"]}
    assert shelf.states() == known.get(at, ["intended"])
    resumed(shelf)
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


@pytest.mark.slow
def test_a_drafter_killed_as_its_creation_is_lost_leaves_one_order(
    shelf: Shelf, watch: Watch
) -> None:
    """The request never arrived: at first nobody can know, later it is sent again."""
    shelf.sandbox.add_fault("post-cut@order*1")
    killed_at(shelf, watch, 5)
    assert finale(shelf.settings, "orders", "draft").code == 7
    assert (shelf.states(), shelf.book()) == (["unknown"], [])
    resumed(shelf)
    shelf.assert_book_is_the_ledger(1)
    assert [post.outcome for post in shelf.sandbox.posts] == ["not done", "done"]


STEPS = {0: [], 4: ["intended"], 5: ["sent"], 6: ["unverified"]}
"""After which request a state is about to be written, and which one is known until then."""


@pytest.mark.parametrize(
    "at", [pytest.param(at, marks=[] if at == 6 else pytest.mark.slow) for at in STEPS]
)
def test_a_drafter_killed_as_it_writes_a_state_leaves_one_order(
    shelf: Shelf, watch: Watch, url: str, at: int
) -> None:
    holder = connect(url, name="holder")

    def hold() -> None:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE ops.purchase_order_write_event IN SHARE MODE")

    if at == 0:
        hold()
    watch.on(at, hold)
    process = start(shelf.settings, "orders", "draft")
    backend = _waiting(shelf, process)
    process.kill()
    process.communicate()
    holder.execute("ROLLBACK")
    holder.close()
    shelf.connection.execute("SELECT pg_terminate_backend(%s, 10000)", (backend,))
    assert shelf.states() == STEPS[at]
    resumed(shelf)
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


def _waiting(shelf: Shelf, process: "subprocess.Popen[str]") -> int:
    """Return the backend of a drafter that waits to write a state."""
    while True:
        assert process.poll() is None, process.communicate()
        rows = shelf.rows(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name = 'finale orders' AND datname = current_database()"
        )
        if rows:
            return int(rows[0][0])


def test_a_lost_database_connection_leaves_one_order(shelf: Shelf, watch: Watch) -> None:
    def cut() -> None:
        shelf.connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'finale orders' AND datname = current_database()"
        )

    watch.on(5, cut)  # the order is made, and nobody can write that down
    ended = finale(shelf.settings, "orders", "draft")
    assert ended.code == 8, ended.err
    assert shelf.states() == ["sent"]
    assert [row.state for row in check(shelf.context, "buyer")] == ["created"]
    shelf.assert_book_is_the_ledger(1)


def test_two_drafters_at_once_are_one(shelf: Shelf, watch: Watch) -> None:
    go_on = threading.Event()
    watch.on(4, lambda: go_on.wait(60))
    first = start(shelf.settings, "orders", "draft")
    while not shelf.states():
        assert first.poll() is None, first.communicate()
    second = finale(shelf.settings, "orders", "draft")
    assert second.code == 3, second.err
    assert "Another process drafts" in second.err
    go_on.set()
    assert Ended(first).code == 0
    assert finale(shelf.settings, "orders", "draft").code == 0
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


@pytest.mark.slow
def test_many_drafters_at_once_are_one(shelf: Shelf) -> None:
    crowd = [start(shelf.settings, "orders", "draft") for _ in range(5)]
    assert {Ended(process).code for process in crowd} <= {0, 3}
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


def test_a_drafter_that_stood_still_sends_nothing(shelf: Shelf, watch: Watch) -> None:
    """Its order may have been resolved by another one meanwhile."""
    slowness = {"seconds": 0.0}

    def clock() -> datetime:
        now = shelf.account.clock.now()
        shelf.later(**slowness)
        return now

    # From then on every look at the clock takes long.
    watch.on(4, lambda: slowness.update(seconds=40.0))
    context = DraftingContext(shelf.settings, clock, shelf.wait)
    (row,) = draft(context, DraftRequest("buyer"), confirm=lambda _: False).rows.values()
    assert (row.state, shelf.sandbox.posts) == ("intended", [])
    assert "stood still" in str(row.error)
    assert shelf.draft().is_good
    shelf.assert_book_is_the_ledger(1)
