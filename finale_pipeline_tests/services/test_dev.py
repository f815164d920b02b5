"""`finale dev` as a person meets it: started, started twice, on a taken port, stopped."""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import embedded
from finale_pipeline_tests.processes import Ended, finale, start


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def alone(tmp_path: Path) -> Settings:
    """Settings of a new user: nothing but a folder."""
    return Settings.model_validate({"home": tmp_path})


@pytest.mark.parametrize("which", ["UI", "API", "SANDBOX"])
def test_a_taken_port_is_named_with_the_setting_that_moves_it(
    alone: Settings, taken: int, which: str
) -> None:
    ports = {f"FINALE_{name}_PORT": free_port() for name in ("UI", "API", "SANDBOX")}
    ended = finale(alone, "dev", **(ports | {f"FINALE_{which}_PORT": str(taken)}))
    assert ended.code == 8
    assert f"Port {taken}" in ended.err
    assert f"FINALE_{which}_PORT=" in ended.err
    assert not (alone.home / "postgres").exists()


def test_the_api_on_a_taken_port_is_code_8_and_names_the_setting(
    alone: Settings, taken: int, url: str
) -> None:
    served = alone.model_copy(update={"database_url": url})
    ended = finale(served, "api", FINALE_DATABASE_URL=url, FINALE_API_PORT=str(taken))
    assert ended.code == 8
    assert f"Port {taken}, meant for the API and its pages" in ended.err
    assert "FINALE_API_PORT=" in ended.err


def test_a_second_start_says_which_process_runs(alone: Settings) -> None:
    with (alone.home / "dev.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4711")
        file.flush()
        ended = finale(alone, "dev")
    assert ended.code == 8
    assert "runs already (process 4711)" in ended.err


def processes_of(home: Path) -> list[str]:
    """Command lines of all processes that name a folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return [line for line in lines if str(home) in line]


@pytest.mark.slow
def test_a_new_user_gets_a_filled_warehouse_and_ctrl_c_stops_all_of_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    alone = Settings.model_validate({"home": tmp_path, "sandbox_products": 300})
    ports = {f"FINALE_{name}_PORT": free_port() for name in ("UI", "API", "SANDBOX")}
    process = start(alone, "dev", **ports)
    ends_at = time.monotonic() + 180
    while "full       done" not in (said := finale(alone, "status").out):
        assert process.poll() is None, Ended(process).err
        assert time.monotonic() < ends_at, said
        time.sleep(1)
    assert "300 products" in said
    assert finale(alone, "doctor", "--json").code == 0
    os.kill(process.pid, signal.SIGINT)
    ended = Ended(process)
    assert (ended.code, ended.err) == (0, "")
    assert "Ctrl-C stops all of it" in ended.out
    assert embedded.running_url(tmp_path / "postgres") is None
    assert processes_of(tmp_path) == []
