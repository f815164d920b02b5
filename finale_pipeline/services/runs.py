"""Runs of Dagster start as copies of a process that has everything imported.

A new interpreter spends more time on imports than a critical sync spends on its work. The process
of this module, `python -m finale_pipeline.services.runs SOCKET`, has them done: it waits beside the
code server, forks for each run, and reports a run whose process dies. `PreloadedRunLauncher` is the
launcher that asks it, configured in Dagster's instance. Where nobody waits (`dagster dev`, a code
server of another account's own, a Mac) runs start as Dagster starts them.
"""

import gc
import importlib
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, cast

import dagster as dg
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.remote_representation.code_location import GrpcServerCodeLocation
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value, serialize_value
from dagster._utils import get_run_crash_explanation

import finale_pipeline
from finale_pipeline.services.processes import leave

SOCKET_TAG = ".dagster/finale_runs"
"""Tag of a run, not shown: the socket of the process that started it."""
TITLE = "finale run"
"""What `ps -o comm` calls the process of a run."""
IMPORTED = (
    "dagster._cli.api",
    "finale_pipeline.services.storage",
    "finale_pipeline.definitions",
    "finale_pipeline.sync.session",
    "finale_pipeline.sync.strategies",
    "finale_pipeline.sync.planning",
    "finale_pipeline.sync.critical",
    "finale_pipeline.sync.ticks",
    "finale_pipeline.warehouse.reads.catalogue",
    "psycopg2",
    "upath",
)
"""What runs import, as a rule when they first need it; what is missing here only costs time."""
PAUSE = 0.5
"""Seconds after which ended runs are looked at."""
PATIENCE = 5.0
"""Seconds for one question and its answer."""
AGREED, REFUSED, GO = b"+", b"-", b"!"
log = logging.getLogger("dagster.runs")


def socket_beside(code_server: str) -> Path:
    """Return where runs are started for a code server, by the code server's own socket."""
    return Path(code_server).with_suffix(".runs")


def ask(path: str | Path, **question: str) -> bool:
    """Ask the process that starts runs; False = it refused, or nobody answered in time.

    It does what it agreed to only when it hears that we are still there: one that answers late must
    not start a run that was started otherwise meanwhile.

    Args:
        question: `start`, the arguments of `dagster api execute_run`; or `interrupt`, a run's ID.
    """
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        connection.sendall(json.dumps(question).encode() + b"\n")
        if connection.recv(1) == AGREED:
            connection.sendall(GO)
            return True
    return False


class PreloadedRunLauncher(DefaultRunLauncher):
    """Starts runs beside the code server they belong to; else as Dagster's default does."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run."""
        run = context.dagster_run
        path = self._socket(context)
        if path is not None and path.exists() and run.job_code_origin is not None:
            arguments = ExecuteRunArgs(
                job_origin=run.job_code_origin,
                run_id=run.run_id,
                instance_ref=self._instance.get_ref(),
            )
            self._instance.add_run_tags(run.run_id, {SOCKET_TAG: str(path)})
            if ask(path, start=serialize_value(arguments)):
                return
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run; return whether somebody who knows it was asked."""
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished and SOCKET_TAG in run.tags:
            self._instance.report_run_canceling(run)
            if ask(run.tags[SOCKET_TAG], interrupt=run_id):
                return True
        return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]

    def _socket(self, context: LaunchRunContext) -> Path | None:
        origin = context.dagster_run.remote_job_origin
        if context.workspace is None or origin is None:
            return None
        name = origin.repository_origin.code_location_origin.location_name
        location = context.workspace.get_code_location(name)
        code_server = cast("GrpcServerCodeLocation", location).client.socket
        return socket_beside(code_server) if code_server else None


class RunProcesses:
    """The process that runs are copied from.

    Args:
        path: Of its socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._code = _newest_code()
        self._is_outdated = False
        self._runs: dict[int, ExecuteRunArgs] = {}
        for name in IMPORTED:
            importlib.import_module(name)
        gc.freeze()  # else the first collection of each copy would copy all of the memory

    def serve(self) -> None:
        """Start runs until the code server is gone, or the code on disk is another."""
        code_server = os.getppid()
        with socket.socket(socket.AF_UNIX) as self._listener:
            self._path.unlink(missing_ok=True)
            self._listener.bind(str(self._path))
            self._listener.listen()
            self._listener.settimeout(PAUSE)
            while os.getppid() == code_server and not self._is_outdated:
                self._report_dead()
                with suppress(TimeoutError):
                    self._answer(self._listener.accept()[0])
        self._path.unlink(missing_ok=True)

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            connection.settimeout(PATIENCE)
            question = json.loads(connection.makefile().readline())
            run_id = question.get("interrupt")
            pid = next((pid for pid, run in self._runs.items() if run.run_id == run_id), None)
            self._is_outdated = run_id is None and self._code != _newest_code()
            agrees = pid is not None if run_id is not None else not self._is_outdated
            connection.sendall(AGREED if agrees else REFUSED)
            if not agrees or connection.recv(1) != GO:
                return
            if pid is not None:  # not reaped yet: the number is nobody else's
                os.kill(pid, signal.SIGINT)
            else:
                self._start(question["start"])

    def _start(self, arguments: str) -> None:
        pid = os.fork()
        if pid == 0:
            self._listener.close()
            _execute(arguments)
        self._runs[pid] = deserialize_value(arguments, ExecuteRunArgs)

    def _report_dead(self) -> None:
        """Have Dagster told of runs whose process ended without telling it."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                run = self._runs.pop(pid, None)
                code = os.waitstatus_to_exitcode(status)
                # In a process of its own: what is copied for runs must hold no connection.
                if run is not None and code != 0 and os.fork() == 0:
                    self._listener.close()
                    _leave_after(_report, run, code)


def _execute(arguments: str) -> NoReturn:
    with suppress(OSError):
        Path("/proc/self/comm").write_text(TITLE, encoding="ascii")
    from dagster._cli.api import execute_run_command  # imported before the fork

    _leave_after(execute_run_command.main, [arguments], standalone_mode=False)


def _report(run: ExecuteRunArgs, code: int) -> None:
    assert run.instance_ref is not None  # noqa: S101 - the launcher gives it
    with dg.DagsterInstance.from_ref(run.instance_ref) as instance:
        current = instance.get_run_by_id(run.run_id)
        if current is not None and not current.is_finished:
            explanation = get_run_crash_explanation(f"The process of run {run.run_id}", code)
            instance.report_engine_event(explanation, current, cls=RunProcesses)
            instance.report_run_failed(current)


def _leave_after(do: Any, *arguments: Any, **options: Any) -> NoReturn:
    """Do something in a copy of this process, which ends whatever happens."""
    code = 1
    try:
        do(*arguments, **options)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        log.exception("The process of a run could not do its work.")
    finally:
        leave(code)


def _newest_code() -> float:
    """Return when a file of this package was last changed: copies of older code start no runs."""
    package = Path(finale_pipeline.__file__).parent
    return max(file.stat().st_mtime for file in package.rglob("*.py"))


def main() -> None:
    """Serve until the code server is gone."""
    with suppress(KeyboardInterrupt):
        RunProcesses(socket_beside(sys.argv[1])).serve()
    leave(0)


if __name__ == "__main__":
    main()
