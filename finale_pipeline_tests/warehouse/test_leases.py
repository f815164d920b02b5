import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from finale_pipeline.errors import InterruptedSync, SkippedError
from finale_pipeline.warehouse import definitions, leases, locks
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.leases import Progress
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.requests import Limits, SharedLedger

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def open_run(connection: Connection) -> int:
    return leases.open_run(
        connection,
        strategy="full",
        trigger="test",
        table_sets=("catalogue",),
        dagster_run_id=None,
        now=NOW,
    )


def status(connection: Connection, run_id: int) -> object:
    row = connection.execute("SELECT status FROM ops.sync_run WHERE run_id = %s", (run_id,))
    return (row.fetchone() or (None,))[0]


def test_a_second_sync_is_told_who_holds_the_tables(url: str, connection: Connection) -> None:
    leases.lock(connection, "catalogue")
    run_id = open_run(connection)
    leases.heartbeat(connection, run_id, Progress("products", 0.08, 3, 38, 900), now=NOW)

    with (
        connect(url, name="second") as second,
        pytest.raises(SkippedError, match=rf"full sync {run_id} .*products \(8 %\), batch 3 of"),
    ):
        leases.lock(second, "catalogue")


def test_stock_is_free_while_the_catalogue_is_taken(url: str, connection: Connection) -> None:
    leases.lock(connection, "catalogue")

    with connect(url, name="second") as second:
        leases.lock(second, "stock")


def wait_until_free(connection: Connection, space: int, number: int) -> None:
    """Wait in the server's own queue until a session that is ending has let go."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (space, number))
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (space, number))


def test_a_lock_dies_with_its_session(url: str, connection: Connection) -> None:
    with connect(url, name="first") as first:
        leases.lock(first, "stock")

    wait_until_free(connection, Lock.TABLE_SET, leases.TABLE_SETS["stock"])
    leases.lock(connection, "stock")


def test_a_run_whose_process_is_gone_is_buried_and_a_living_one_is_not(
    url: str, connection: Connection
) -> None:
    with connect(url, name="first") as first:
        dead = open_run(first)
    wait_until_free(connection, Lock.RUN, dead)
    alive = open_run(connection)

    with connect(url, name="second") as second:
        assert [run.run_id for run in leases.mark_crashed_runs(second, now=NOW)] == [dead]
    assert (status(connection, dead), status(connection, alive)) == ("failed", "running")


def test_a_closed_run_can_no_longer_commit(connection: Connection) -> None:
    run_id = open_run(connection)
    connection.execute("UPDATE ops.sync_run SET status = 'failed'")

    with pytest.raises(InterruptedSync):
        leases.heartbeat(connection, run_id, Progress("x"), now=NOW)


def test_who_holds_a_table_set_can_be_asked_without_taking_it(
    url: str, connection: Connection
) -> None:
    assert leases.taken(connection, "stock") is None
    with connect(url, name="other") as other:
        leases.lock(other, "stock")
        pid = other.info.backend_pid
        holder = f"finale (other), process {pid} of the server, holds their lock"
        assert leases.taken(connection, "stock") == holder
        assert leases.taken(connection, "catalogue") is None
        leases.unlock(other, "stock")
    assert leases.taken(connection, "stock") is None


def test_a_silent_run_is_cancelled_loses_its_session_and_can_no_longer_commit(
    url: str, connection: Connection
) -> None:
    frozen = connect(url, name="frozen")
    leases.lock(frozen, "stock")
    stuck = open_run(frozen)
    lively = open_run(connection)
    later = NOW + timedelta(minutes=40)
    leases.heartbeat(connection, lively, Progress("alive"), now=later)

    with connect(url, name="reaper") as reaper:
        ended = leases.cancel_stuck(reaper, now=later, silent=timedelta(minutes=30))
        assert [run.run_id for run in ended] == [stuck]
        wait_until_free(reaper, Lock.TABLE_SET, leases.TABLE_SETS["stock"])
        leases.lock(reaper, "stock")
    assert (status(connection, stuck), status(connection, lively)) == ("failed", "running")
    with pytest.raises(psycopg.OperationalError):
        leases.heartbeat(frozen, stuck, Progress("woken"), now=later)
    frozen.close()


def test_a_run_that_froze_in_its_transaction_is_ended_too(url: str, connection: Connection) -> None:
    """There it holds its own row of the ledger, which its end is to be written into."""
    frozen = connect(url, name="frozen")
    stuck = open_run(frozen)
    frozen.execute("BEGIN")
    leases.heartbeat(frozen, stuck, Progress("writing"), now=NOW)
    later = NOW + timedelta(minutes=40)
    ended = leases.cancel_stuck(connection, now=later, silent=timedelta(minutes=30))
    assert [run.run_id for run in ended] == [stuck]
    assert status(connection, stuck) == "failed"
    frozen.close()


def test_a_row_that_a_stranger_holds_stops_no_other_end(url: str, connection: Connection) -> None:
    held, other = open_run(connection), open_run(connection)
    later = NOW + timedelta(minutes=40)
    with connect(url, name="stranger") as stranger, stranger.transaction():
        stranger.execute("SELECT FROM ops.sync_run WHERE run_id = %s FOR UPDATE", (held,))
        with connect(url, name="reaper") as reaper:
            ended = leases.cancel_stuck(reaper, now=later, silent=timedelta(minutes=30))
        assert [run.run_id for run in ended] == [other]


def test_no_lock_shares_its_number_with_that_of_the_request_budget() -> None:
    """The function in the database has its number in its own text."""
    (number,) = re.findall(
        r"pg_advisory_xact_lock\((\d+), 1\)", definitions.files()["ops.take_request"]
    )
    assert int(number) == Lock.REQUEST_BUDGET
    assert len({lock.value for lock in Lock.__members__.values()}) == len(Lock.__members__)


def test_a_mail_that_is_being_sent_holds_no_request_up(url: str, connection: Connection) -> None:
    """Mail 1 and the budget once had one number."""
    locks.acquire(connection, Lock.MAIL, 1)
    ledger = SharedLedger(url, Limits())
    try:
        assert ledger.take(now=NOW, method="GET", is_collection=False) <= NOW
    finally:
        ledger.close()
