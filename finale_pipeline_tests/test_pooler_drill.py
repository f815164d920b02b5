"""PgBouncer between us and the server: taken where it keeps sessions together, else refused."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import finale

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]


@pytest.fixture
def pooled(url: str, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts a pooler before this test's database; returns the address of the database there."""
    running: list[subprocess.Popen[bytes]] = []
    folder = tmp_path / "b"
    folder.mkdir()
    folder.chmod(0o777)

    def start(**options: str) -> str:
        given, port = conninfo_to_dict(url), free_port()
        file = folder / "pgbouncer.ini"
        lines = "\n".join(f"{name} = {value}" for name, value in options.items())
        users = folder / "users.txt"
        users.write_text('"finale" ""\n')
        file.write_text(
            "[databases]\n"
            f"* = host={given['host']} port={given.get('port', 5432)} user=finale\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\nauth_file = {users}\n"
            f"logfile = {folder}/log\npidfile = {folder}/pid\n{lines}\n"
        )
        user = ["-u", "pgserver"] if os.geteuid() == 0 else []
        assert PROGRAM is not None
        running.append(subprocess.Popen([PROGRAM, "-q", *user, str(file)]))
        address = f"postgresql://finale@127.0.0.1:{port}/{given['dbname']}"
        ends_at = time.monotonic() + 20
        while time.monotonic() < ends_at and not (folder / "pid").exists():
            time.sleep(0.1)
        return address

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


TAKES = {"ignore_startup_parameters": "options,extra_float_digits"}


@pytest.mark.parametrize(
    "options",
    [
        {"pool_mode": "transaction"},
        {"pool_mode": "session"},
        {"pool_mode": "transaction", **TAKES},
        {"pool_mode": "transaction", "server_round_robin": "1", **TAKES},
        {"pool_mode": "statement", **TAKES},
    ],
    ids=str,
)
def test_a_pooler_that_would_lose_our_locks_is_refused(
    pooled: Callable[..., str], options: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="pool_mode = session"):
        connect(pooled(**options), name="t")


def test_one_that_keeps_sessions_together_is_taken_with_our_settings(
    pooled: Callable[..., str], connection: Connection, settings: Settings
) -> None:
    address = pooled(pool_mode="session", **TAKES)
    with connect(address, name="finale t") as opened:
        shown = opened.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        ).fetchone()
        assert shown == ("30s", "15min")
        locks.acquire(opened, Lock.PLANNING)
        assert locks.holders(connection, Lock.PLANNING)
    ended = finale(settings, "sync", "full", FINALE_DATABASE_URL=address)
    assert ended.code == 0, ended.err
