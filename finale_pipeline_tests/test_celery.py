"""Runs on two Celery workers over a real Redis, one of them killed; where both are installed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from finale_pipeline_tests.live import Live, descendants, free_port
from finale_pipeline_tests.test_asset_runs import ended, launch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server (Debian)"),
]
pytest.importorskip("dagster_celery", reason="needs the extra `celery`")
ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@pytest.fixture
def broker() -> Iterator[str]:
    """A Redis that keeps nothing."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory, broker: str) -> Iterator[Live]:
    """A small account whose runs are tasks of Celery; no schedule disturbs."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(ROOT / "deploy" / "celery" / "dagster.yaml", home / "dagster-more.yaml")
    names = ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART")
    off = {f"FINALE_SCHEDULE_{name}": "off" for name in names}
    with Live(home, FINALE_SANDBOX_PRODUCTS="300", CELERY_BROKER_URL=broker, **off) as running:
        yield running


@pytest.fixture
def workers(live: Live, broker: str) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Two workers, each with its own log."""
    environment = live.dagster_environment() | {
        "CELERY_BROKER_URL": broker,
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    made = {}
    for name in ("one", "two"):
        log = (live.home / f"{name}.log").open("wb")
        command = [
            str(BIN / "dagster-celery"), "worker", "start", "-q", "finale", "-n", name,
            "-y", str(ROOT / "deploy" / "celery" / "worker.yaml"), "-A", "dagster_celery.app",
        ]  # fmt: skip
        made[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield made
    finally:
        for worker in made.values():
            kill(worker)


def kill(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a worker and the processes that its tasks run in."""
    for pid in [*descendants(worker.pid), worker.pid]:
        os.kill(pid, signal.SIGKILL)
    worker.wait()


def at_work(live: Live) -> str:
    """Return the worker that has a task it did not end."""

    def unended(name: str) -> int:
        log = (live.home / f"{name}.log").read_text()
        return log.count("] received") - log.count("] succeeded")

    return str(live.until(lambda: next((n for n in ("one", "two") if unended(n)), None), "a task"))


def test_runs_end_and_nothing_is_done_twice_when_a_worker_is_killed(
    live: Live, workers: "dict[str, subprocess.Popen[bytes]]"
) -> None:
    live.until(lambda: live.rows("SELECT FROM ops.sync_run WHERE status = 'done'"), "first sync")
    unended = "SELECT FROM runs WHERE status IN ('QUEUED', 'STARTING', 'STARTED')"
    live.until(lambda: not live.dagster_rows(unended), "its run has ended")
    both = [launch(live, "full_sync"), launch(live, "critical_sync")]
    assert [ended(live, run_id)[0] for run_id in both] == ["SUCCESS", "SUCCESS"]
    live.sandbox("fault", fault="slow=60@inventoryitem*1")
    run_id = launch(live, "critical_sync")
    running = "SELECT FROM ops.sync_run WHERE dagster_run_id = %s AND status = 'running'"
    live.until(lambda: live.rows(running, run_id), "it runs")
    kill(workers.pop(at_work(live)))
    assert ended(live, run_id)[0] == "FAILURE"
    error = "SELECT status, error_kind FROM ops.sync_run WHERE dagster_run_id = %s"
    assert live.rows(error, run_id) == [("failed", "CRASHED")]
    live.sandbox("heal")
    assert ended(live, launch(live, "critical_sync"))[0] == "SUCCESS"
    twice = "SELECT FROM ops.sync_run GROUP BY dagster_run_id HAVING count(*) > 1"
    assert live.rows(twice) == []
