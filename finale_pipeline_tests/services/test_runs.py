"""The process that runs are copied from, as Dagster's daemon and webserver ask it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import (
    DEFAULT_DAGSTER_ENTRY_POINT,
    JobPythonOrigin,
    RepositoryPythonOrigin,
)
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from finale_pipeline.services.processes import prepare
from finale_pipeline.services.runs import ask, socket_beside
from finale_pipeline.settings import Settings
from finale_pipeline_tests.services.waiting_job import waiting

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux copies processes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    os.mkfifo(folder / "go")
    return folder


@pytest.fixture(scope="module")
def instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    (folder / "dagster").mkdir()
    with dg.DagsterInstance.from_config(str(folder / "dagster")) as instance:
        yield instance


@pytest.fixture(scope="module")
def process(folder: Path) -> Iterator[Path]:
    """The socket of a process that starts runs."""
    code_server = folder / "code.sock"
    environment = os.environ | {"WAITING_JOB": str(folder), "PYTHONPATH": str(PROJECT)}
    module = "finale_pipeline.services.runs"
    command = [sys.executable, "-m", module, str(code_server)]
    with subprocess.Popen(command, env=environment) as it:
        path = socket_beside(str(code_server))
        until(path.exists, "it listens")
        yield path
        it.send_signal(signal.SIGINT)


@pytest.fixture
def start(
    instance: dg.DagsterInstance, process: Path, folder: Path
) -> Callable[[], tuple[str, int]]:
    """Start a run that waits; its ID and its process."""

    def started() -> tuple[str, int]:
        pointer = ModuleCodePointer("finale_pipeline_tests.services.waiting_job", "waiting")
        origin = JobPythonOrigin(
            "waiting",
            RepositoryPythonOrigin(sys.executable, pointer, None, DEFAULT_DAGSTER_ENTRY_POINT),
        )
        run = instance.create_run_for_job(waiting, job_code_origin=origin)
        arguments = ExecuteRunArgs(origin, run.run_id, instance.get_ref())
        assert ask(process, start=serialize_value(arguments))
        begun = folder / run.run_id
        until(begun.exists, "the run has begun")
        return run.run_id, int(begun.read_text(encoding="ascii"))

    return started


def until(look: Callable[[], Any], what: str) -> Any:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited a minute in vain until {what}")


def ended(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    def look() -> dg.DagsterRunStatus | None:
        run = instance.get_run_by_id(run_id)
        return run.status if run is not None and run.is_finished else None

    return dg.DagsterRunStatus(until(look, "the run has ended"))


def test_a_run_is_done(
    instance: dg.DagsterInstance, start: Callable[[], tuple[str, int]], folder: Path
) -> None:
    run_id, pid = start()
    (folder / "go").write_text("", encoding="ascii")
    assert ended(instance, run_id) == dg.DagsterRunStatus.SUCCESS
    assert pid != os.getpid()


def test_who_is_gone_when_the_answer_comes_has_started_nothing(
    instance: dg.DagsterInstance, process: Path, start: Callable[[], tuple[str, int]], folder: Path
) -> None:
    """The run of a launcher that waited too long is started in Dagster's own way by then."""
    run_id, _ = start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(process))
        connection.sendall(json.dumps({"interrupt": run_id}).encode() + b"\n")
        assert connection.recv(1) == b"+"
    (folder / "go").write_text("", encoding="ascii")
    assert ended(instance, run_id) == dg.DagsterRunStatus.SUCCESS


def test_a_run_that_is_interrupted_is_canceled(
    instance: dg.DagsterInstance, start: Callable[[], tuple[str, int]], process: Path
) -> None:
    run_id, _ = start()
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_canceling(run)
    assert ask(process, interrupt=run_id)
    assert ended(instance, run_id) == dg.DagsterRunStatus.CANCELED
    until(lambda: not ask(process, interrupt=run_id), "nobody is interrupted in its stead")


def test_a_run_whose_process_is_killed_has_failed_and_says_why(
    instance: dg.DagsterInstance, start: Callable[[], tuple[str, int]]
) -> None:
    run_id, pid = start()
    os.kill(pid, signal.SIGKILL)
    assert ended(instance, run_id) == dg.DagsterRunStatus.FAILURE
    told = [str(r.dagster_event and r.dagster_event.message) for r in instance.all_logs(run_id)]
    assert any("SIGKILL" in message for message in told), told


def test_an_operators_launcher_replaces_ours(tmp_path: Path, url: str) -> None:
    settings = Settings.model_validate({"home": tmp_path, "database_url": url, "account": "demo"})

    def launcher() -> str:
        prepare(settings)
        instance = yaml.safe_load((tmp_path / "dagster" / "dagster.yaml").read_text())
        return str(instance["run_launcher"]["class"])

    assert launcher() == "PreloadedRunLauncher"
    celery = Path(__file__).parents[2] / "deploy" / "celery" / "dagster.yaml"
    (tmp_path / "dagster-more.yaml").write_text(celery.read_text())
    assert launcher() == "CeleryRunLauncher"
