"""Services as processes: started again when they die, given up when that does not help, stopped."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from finale_pipeline.services import processes, supervisor
from finale_pipeline.services.supervisor import Restarts, Supervisor

WAITS = "import signal, sys; print('up', flush=True); signal.pause()"
DIES = "import sys; print('no room left'); sys.exit(7)"
DEAF = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True);"
    "signal.pause()"
)


class Running:
    """A supervisor with what it said; time is an argument."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home, self._stack, self.said = home, stack, list[str]()

    def start(self, **scripts: str) -> Supervisor:
        made = Supervisor(
            {name: [sys.executable, "-c", script] for name, script in scripts.items()},
            self.home,
            environment=os.environ,
            folder=self.home,
            say=self.said.append,
        )
        return self._stack.enter_context(made)

    def log(self, name: str) -> str:
        return (self.home / "logs" / f"{name}.log").read_text()


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Have Ctrl-C handled, as `finale dev` has: what a shell starts with & ignores it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with ExitStack() as stack:
        yield Running(tmp_path, stack)


def process(found: Supervisor, number: int = 0) -> Any:
    return found._services[number].process


def test_a_dead_service_is_started_again_and_the_others_run_on(running: Running) -> None:
    found = running.start(api=WAITS, web=WAITS)
    first, other = process(found), process(found, 1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert found.look(10.0) is None
    assert "api        was killed by signal 9" in running.said[0]
    assert "started again in 1 s" in running.said[0]
    assert found.look(10.9) is None
    assert process(found) is first
    assert found.look(11.0) is None
    assert process(found).pid != first.pid
    assert process(found).poll() is None
    assert process(found, 1) is other


def test_three_deaths_in_a_minute_end_it_with_the_reason(running: Running) -> None:
    found = running.start(code=DIES)
    reasons = []
    for at in (0.0, 1.0, 2.0, 3.0, 5.0, 6.0):
        if found._services[0].starts_at is None:
            process(found).wait()
        reasons.append(found.look(at))
    assert reasons[:-1] == [None] * 5
    assert str(reasons[-1]).startswith("code ended with code 7: no room left.")
    assert running.log("code").splitlines() == ["no room left"] * 3


def test_a_service_that_dies_now_and_then_is_never_given_up() -> None:
    restarts = Restarts()
    pauses = [restarts.pause_after(100.0 * n) for n in range(50)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert None not in pauses
    assert max(pause or 0 for pause in pauses) == 30.0


def test_all_are_stopped_and_a_deaf_one_is_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        running = Running(tmp_path, stack)
        found = running.start(api=WAITS, code=DEAF)
        for service in found._services:
            while "up" not in running.log(service.name):
                pass
    assert running.said[0] == "Stopping api, code."
    assert "api        stopped" in running.said
    assert running.said[-1].startswith("code       did not end")
    assert [process(found, n).returncode for n in (0, 1)] == [-2, -9]


def test_logs_are_rotated_by_size(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 10_000)
    found = running.start(api="for n in range(1000): print('line', n, 'x' * 50)")
    process(found).wait()
    assert found._services[0].death() is not None
    written = (running.home / "logs").glob("api.log*")
    sizes = {path.name: path.stat().st_size for path in written}
    assert set(sizes) == {"api.log", "api.log.1", "api.log.2"}
    assert max(sizes.values()) <= 10_100
    assert "line 999" in running.log("api")


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_this_machine_is_asked_past_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Well) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert processes.answers(f"http://127.0.0.1:{server.server_port}/livez")
        finally:
            server.shutdown()
            thread.join()
