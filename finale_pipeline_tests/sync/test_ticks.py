"""Decisions about ticks in a real ledger: once, with the reason, whoever asks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from finale_pipeline.domain.states import RunStatus
from finale_pipeline.settings import Settings
from finale_pipeline.sync.ticks import TickDecision, decide
from finale_pipeline.sync.unfinished import PAUSES, unfinished
from finale_pipeline.warehouse import leases
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.leases import Ending, Progress
from finale_pipeline_tests.conftest import NOW


def ask(
    connection: Connection,
    settings: Settings,
    schedule: str = "critical",
    *,
    at: datetime = NOW,
    now: datetime | None = None,
    due: dict[str, datetime] | None = None,
) -> TickDecision:
    return decide(connection, settings, schedule=schedule, tick_at=at, now=now or at, due=due or {})


def ran(
    connection: Connection,
    strategy: str,
    status: RunStatus = "done",
    *,
    ago: timedelta = timedelta(hours=1),
    kind: str | None = None,
    retry_at: datetime | None = None,
    trigger: str = "schedule",
) -> int:
    """Put an ended run into the ledger."""
    with connect(connection.info.dsn, name="a run") as own:
        run_id = leases.open_run(
            own, strategy=strategy, trigger=trigger, table_sets=(), dagster_run_id=None,
            now=NOW - ago,
        )  # fmt: skip
        leases.close_run(
            own, run_id, Ending(status, kind, "why", retry_at), now=NOW - ago, counts={},
            api_calls=0, bytes_read=0,
        )  # fmt: skip
    return run_id


@pytest.fixture
def synced(connection: Connection) -> Connection:
    """A warehouse whose first full sync is done."""
    ran(connection, "full")
    return connection


def test_before_the_first_full_sync_no_smaller_one_runs(
    connection: Connection, settings: Settings
) -> None:
    assert ask(connection, settings).reason == "the first full sync is not done yet"
    assert ask(connection, settings, "full").is_run
    assert ask(connection, settings, "smart").strategy == "full"


def test_a_tick_runs_once_and_the_ledger_says_why(synced: Connection, settings: Settings) -> None:
    assert ask(synced, settings, "smart") == TickDecision(
        is_run=True, strategy="inventory", reason="last good sync 60 min ago, under 120"
    )
    again = ask(synced, settings, "smart")
    assert not again.is_run
    assert "second daemon" in str(again.reason)
    rows = synced.execute(
        "SELECT strategy, is_run, reason, repeats FROM ops.schedule_tick"
    ).fetchall()
    assert rows == [("inventory", True, "last good sync 60 min ago, under 120", 1)]


def test_daemons_that_ask_at_the_same_moment_get_one_run(
    url: str, synced: Connection, settings: Settings
) -> None:
    def one(_: int) -> bool:
        with connect(url, name="daemon") as own:
            return ask(own, settings).is_run

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(8))) == 1
    assert synced.execute("SELECT repeats FROM ops.schedule_tick").fetchall() == [(7,)]


def test_a_tick_whose_run_was_lost_may_run_after_all(
    synced: Connection, settings: Settings
) -> None:
    assert ask(synced, settings).is_run
    assert not ask(synced, settings, now=NOW + timedelta(minutes=4)).is_run
    assert ask(synced, settings, now=NOW + timedelta(minutes=6)).is_run


def test_taken_tables_are_named_with_holder_age_and_progress(
    url: str, synced: Connection, settings: Settings
) -> None:
    with connect(url, name="holder") as own:
        leases.lock(own, "stock")
        run_id = leases.open_run(
            own, strategy="inventory", trigger="cli", table_sets=("stock",), dagster_run_id=None,
            now=NOW,
        )  # fmt: skip
        leases.heartbeat(own, run_id, Progress("stock", 0.4, 2, 5), now=NOW)
        decision = ask(synced, settings)
    assert not decision.is_run
    assert decision.reason == (
        f"the stock tables are taken: inventory sync {run_id} works on them since"
        " 2026-03-09 12:00:00 UTC, stock (40 %), batch 2 of 5"
    )


def test_a_used_up_budget_skips_until_it_is_back(synced: Connection, settings: Settings) -> None:
    until = NOW + timedelta(minutes=30)
    synced.execute("INSERT INTO ops.request_block VALUES (true, %s)", (until,))
    assert "used up until 2026-03-09 12:30:00" in str(ask(synced, settings).reason)
    assert ask(synced, settings, at=until).is_run


def test_a_coinciding_larger_sync_covers_a_smaller(synced: Connection, settings: Settings) -> None:
    due = {"critical": NOW, "inventory": NOW, "active": NOW - timedelta(hours=10)}
    assert "covered by the inventory sync" in str(ask(synced, settings, due=due).reason)
    assert ask(synced, settings, "inventory", due=due).is_run


@pytest.mark.parametrize(
    ("case", "goes_on"),
    [
        ({"status": "failed", "kind": "LOCAL", "ago": timedelta(minutes=2)}, True),
        ({"status": "failed", "kind": "LOCAL", "ago": timedelta(seconds=30)}, False),
        ({"status": "failed", "kind": "TRANSIENT"}, True),
        ({"status": "failed", "kind": "STUCK"}, True),
        ({"status": "failed", "kind": "CONFIG"}, False),
        ({"status": "failed", "kind": "BUG"}, False),
        ({"status": "held", "kind": "IMPLAUSIBLE"}, False),
        ({"status": "interrupted"}, True),
        ({"status": "interrupted", "trigger": "cli"}, False),
        ({"status": "throttled", "retry_at": NOW - timedelta(minutes=1)}, True),
        ({"status": "throttled", "retry_at": NOW + timedelta(minutes=1)}, False),
        ({"status": "done"}, False),
    ],
)
def test_a_large_sync_goes_on_by_itself_when_waiting_may_help(
    connection: Connection, case: dict[str, object], goes_on: bool
) -> None:
    ran(connection, "full", ago=timedelta(days=7))
    run_id = ran(connection, "full", **case)  # type: ignore[arg-type]
    found = unfinished(connection, now=NOW)
    assert (found is not None) == goes_on
    if found:
        assert (found.strategy, found.key) == ("full", f"goes on after {run_id}")


def test_an_empty_warehouse_asks_for_its_first_sync(connection: Connection) -> None:
    found = unfinished(connection, now=NOW)
    assert found is not None
    assert (found.strategy, found.key) == ("full", "first sync")


def test_a_full_sync_that_is_done_settles_an_unfinished_active_one(connection: Connection) -> None:
    ran(connection, "full", ago=timedelta(hours=3))
    ran(connection, "active", "failed", kind="TRANSIENT", ago=timedelta(hours=2))
    found = unfinished(connection, now=NOW)
    assert found is not None
    assert found.strategy == "active"
    ran(connection, "full", ago=timedelta(hours=1))
    assert unfinished(connection, now=NOW) is None


def test_a_first_sync_that_a_person_must_mend_is_tried_again_every_hour(
    connection: Connection,
) -> None:
    ran(connection, "full", "failed", kind="CONFIG", ago=timedelta(minutes=59))
    assert unfinished(connection, now=NOW) is None
    assert unfinished(connection, now=NOW + timedelta(minutes=1)) is not None
    ran(connection, "full", "held", kind="IMPLAUSIBLE", ago=timedelta(hours=2))
    assert unfinished(connection, now=NOW + timedelta(days=1)) is None


def test_it_stops_trying_when_it_never_helps(connection: Connection) -> None:
    ran(connection, "full", ago=timedelta(days=7))
    for _ in PAUSES:
        ran(connection, "full", "failed", kind="TRANSIENT", ago=timedelta(hours=6))
        assert unfinished(connection, now=NOW) is not None
    ran(connection, "full", "failed", kind="TRANSIENT", ago=timedelta(hours=6))
    assert unfinished(connection, now=NOW) is None
