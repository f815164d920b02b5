"""The request budgets: shared by all processes, never passed, the urgent before the rest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finale_pipeline.errors import ThrottledError
from finale_pipeline.finale.budget import Budget
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.requests import Limits, SharedLedger, blocked_until

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


class Timeline:
    """A clock whose sleep moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Timeline:
    return Timeline()


@pytest.fixture
def ledgers(url: str) -> Iterator[list[SharedLedger]]:
    """Those of two processes, with small budgets."""
    limits = Limits(get_per_minute=7, post_per_minute=2, collections_per_hour=10)
    made = [SharedLedger(url, limits, share=1) for _ in range(2)]
    yield made
    for ledger in made:
        ledger.close()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(gaps=st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_no_minute_ever_holds_more_requests_than_the_budget(
    ledgers: list[SharedLedger], connection: Connection, gaps: list[float]
) -> None:
    connection.execute("DELETE FROM ops.request")
    time = Timeline()
    budgets = [Budget(ledger, clock=time.clock, sleep=time.sleep) for ledger in ledgers]
    sent: list[datetime] = []
    for number, gap in enumerate(gaps):
        time.now += timedelta(seconds=gap)
        budgets[number % 2].acquire(is_collection=False)
        sent.append(time.now)
    assert all(
        later - earlier >= timedelta(minutes=1)
        for earlier, later in zip(sent, sent[7:], strict=False)
    )
    assert all(a <= b for a, b in pairwise(sent))


def test_processes_that_ask_at_once_share_one_budget(ledgers: list[SharedLedger]) -> None:
    def ask(number: int) -> bool:
        return ledgers[number % 2].take(now=NOW, method="GET", is_collection=True) <= NOW

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(20))) == 7


def test_a_budget_that_returns_in_an_hour_is_not_waited_for(
    ledgers: list[SharedLedger], time: Timeline
) -> None:
    budget = Budget(ledgers[0], clock=time.clock, sleep=time.sleep)
    for _ in range(10):
        budget.acquire(is_collection=True)
        time.sleep(20)
    with pytest.raises(ThrottledError) as caught:
        budget.acquire(is_collection=True)
    assert caught.value.retry_at == NOW + timedelta(hours=1)
    budget.acquire(is_collection=False)  # a single record has its own budget
    budget.acquire(is_collection=False, method="POST")  # and so has a POST


def test_a_backfill_leaves_room_for_what_is_urgent(url: str, time: Timeline) -> None:
    limits = Limits(collections_per_hour=10)
    backfill, critical = (SharedLedger(url, limits, share=share) for share in (0.7, 1))
    analyst = Budget(backfill, clock=time.clock, sleep=time.sleep)
    for _ in range(7):
        analyst.acquire(is_collection=True)
    with pytest.raises(ThrottledError):
        analyst.acquire(is_collection=True)
    for _ in range(3):
        assert critical.take(now=time.now, method="GET", is_collection=True) == time.now
    assert critical.take(now=time.now, method="GET", is_collection=True) > time.now
    backfill.close()
    critical.close()


def test_what_the_source_says_holds_for_every_process(
    ledgers: list[SharedLedger], connection: Connection
) -> None:
    assert blocked_until(connection, now=NOW) is None
    until = NOW + timedelta(minutes=40)
    ledgers[0].block(until)
    ledgers[0].block(NOW)  # an older word does not shorten it
    assert ledgers[1].take(now=NOW, method="GET", is_collection=False) == until
    assert blocked_until(connection, now=NOW) == until
    # No pause is longer than an hour: said by a clock that was ahead.
    assert blocked_until(connection, now=NOW - timedelta(days=30)) is None
    assert ledgers[1].take(now=until, method="GET", is_collection=False) == until
