"""Processes killed, stopped, cut off and doubled; afterwards the data are as if nothing was."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import new_database, settings_for, small_account
from finale_pipeline_tests.processes import Ended, call, finale, start, until_its_sessions_end
from finale_pipeline_tests.sync.helpers import (
    assert_ledger_is_closed,
    assert_mirrors,
    contents,
)

CAP = 100
"""Below the account's size, so that it is read by windows."""


class Trap:
    """Acts on a process when the sandbox gets its n-th request."""

    def __init__(self, at: int, number: int) -> None:
        self.at = at
        self.number = number
        self.process: subprocess.Popen[str] | None = None
        self.is_set = threading.Event()
        self._seen = 0

    def __call__(self, _path: str) -> None:
        self._seen += 1
        if self._seen == self.at:
            self.is_set.wait(30)
            assert self.process is not None
            os.kill(self.process.pid, self.number)

    def watch(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.is_set.set()


@pytest.fixture(scope="module")
def undisturbed(server: str, upgraded: str) -> dict[str, object]:
    """What a full sync of the small account leaves that nothing disturbs."""
    url = new_database(server, template=upgraded)
    with SandboxServer(small_account(), rate_limits=None, row_cap=CAP) as sandbox:
        assert call(settings_for(url, sandbox, row_cap=CAP), "sync", "full").code == 0
    with connect(url, name="tests") as connection:
        return dict(contents(connection))


@pytest.mark.parametrize("at", [1, 3, 6, pytest.param(0, marks=pytest.mark.slow)])
def test_a_killed_sync_goes_on_and_ends_equal_to_an_undisturbed_one(
    server: str, upgraded: str, account: Account, undisturbed: dict[str, object], at: int
) -> None:
    # 0 stands for every request there is, one after the other
    for moment in range(1, 14) if at == 0 else [at]:
        url = new_database(server, template=upgraded)
        trap = Trap(moment, signal.SIGKILL)
        with SandboxServer(account, rate_limits=None, row_cap=CAP, on_request=trap) as sandbox:
            settings = settings_for(url, sandbox, row_cap=CAP, lanes=1)
            process = start(settings, "sync", "full")
            trap.watch(process)
            assert Ended(process).code == -signal.SIGKILL
            first = len(sandbox.requests)
            until_its_sessions_end(settings)
            assert call(settings, "sync", "full").code == 0
            with connect(url, name="tests") as connection:
                assert contents(connection) == undisturbed
                assert_ledger_is_closed(connection)
                died = "SELECT count(*) FROM ops.sync_run WHERE error_kind = 'CRASHED'"
                assert connection.execute(died).fetchall() == [(1,)]
            assert first == moment


def test_a_stopped_sync_says_so_and_its_windows_stay(
    url: str, account: Account, connection: Connection
) -> None:
    trap = Trap(7, signal.SIGTERM)
    with SandboxServer(account, rate_limits=None, row_cap=CAP, on_request=trap) as sandbox:
        settings = settings_for(url, sandbox, row_cap=CAP, lanes=1)
        process = start(settings, "sync", "full", "--json")
        trap.watch(process)
        ended = Ended(process)
        assert (ended.code, ended.json["status"]) == (8, "interrupted")
        kept = connection.execute("SELECT count(*) FROM ops.catalogue_window").fetchone()
        assert kept is not None
        assert int(str(kept[0])) > 1
        before = len(sandbox.requests)
        assert call(settings, "sync", "full").code == 0
        assert_mirrors(connection, account)
        products = [r for r in sandbox.requests[before:] if "/product?" in r]
        assert len(products) < len([r for r in sandbox.requests if "/product?" in r])
    assert_ledger_is_closed(connection)


@pytest.fixture
def waiting(url: str, settings: Settings, connection: Connection) -> "Iterator[Waiting]":
    """A sync that is in the middle of a transaction, because another session holds a table."""
    with Waiting(url, settings, connection) as held:
        yield held


class Waiting:
    """Holds core.product while a sync wants to write it."""

    def __init__(self, url: str, settings: Settings, connection: Connection) -> None:
        self._connection = connection
        self._holder = connect(url, name="holder")
        self._settings = settings

    def __enter__(self) -> "Waiting":
        self._holder.execute("BEGIN")
        self._holder.execute("LOCK TABLE core.product IN SHARE MODE")
        self.process = start(self._settings, "sync", "full", "--json")
        self.backend = 0
        while not self.backend:
            assert self.process.poll() is None
            row = self._connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND application_name = 'finale full' AND query LIKE '%core.product%'"
                " AND datname = current_database()"
            ).fetchone()
            self.backend = int(str(row[0])) if row else 0
        return self

    def release(self) -> None:
        self._holder.execute("ROLLBACK")

    def __exit__(self, *_: object) -> None:
        self._holder.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def assert_no_product(connection: Connection) -> None:
    assert connection.execute("SELECT count(*) FROM core.product").fetchall() == [(0,)]


def test_a_connection_lost_in_the_middle_of_writing_loses_nothing(
    waiting: Waiting, settings: Settings, account: Account, connection: Connection
) -> None:
    connection.execute("SELECT pg_terminate_backend(%s)", (waiting.backend,))
    ended = Ended(waiting.process)
    assert (ended.code, ended.json["status"]) == (8, "local")
    assert "connection to the database was lost" in ended.err
    waiting.release()
    assert_no_product(connection)
    assert_ledger_is_closed(connection)
    assert call(settings, "sync", "full").code == 0
    assert_mirrors(connection, account)


def test_a_process_killed_in_a_transaction_leaves_nothing_half_done(
    waiting: Waiting, settings: Settings, account: Account, connection: Connection
) -> None:
    waiting.process.kill()
    waiting.process.communicate()
    waiting.release()
    # The server needs a moment to see that the client is gone; its transaction ends then.
    connection.execute("SELECT pg_terminate_backend(%s, 10000)", (waiting.backend,))
    assert_no_product(connection)
    assert call(settings, "sync", "full").code == 0
    assert_mirrors(connection, account)
    assert_ledger_is_closed(connection)


def test_two_syncs_at_once_are_one(waiting: Waiting, settings: Settings) -> None:
    second = finale(settings, "sync", "full", "--json")
    assert (second.code, second.json["status"]) == (3, "skipped")
    assert "full sync 1 works on them since" in second.err
    beside = finale(settings, "sync", "inventory")
    assert beside.code == 0, beside.err  # stock has a lock of its own
    waiting.release()
    assert Ended(waiting.process).code == 0


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "disk is full"),
        ("53200", "out of memory"),
        ("25006", "takes no writes"),
        ("42501", "refuses"),
        ("XX000", "failed"),
    ],
)
def test_what_the_database_refuses_is_named_and_rolled_back(
    settings: Settings, account: Account, connection: Connection, state: str, said: str
) -> None:
    connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF new.sku = 'P-398' THEN RAISE EXCEPTION 'no' USING ERRCODE = '" + state + "';"
        " END IF; RETURN new; END $$"
    )
    connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON core.product FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    ended = call(settings, "sync", "full")
    assert ended.code in {4, 8}
    assert said in ended.err
    assert_no_product(connection)
    assert_ledger_is_closed(connection)
    connection.execute("DROP TRIGGER refuse ON core.product")
    assert call(settings, "sync", "full").code == 0
    assert_mirrors(connection, account)
