"""`finale dev`: database, sandbox, Dagster, API; started together, stopped together."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from finale_pipeline.errors import LocalError
from finale_pipeline.services import processes as parts
from finale_pipeline.services import sandbox
from finale_pipeline.services.source import note_sandbox, sandbox_environment
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import database_url, prepare_dagster_database

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

Say = Callable[[str], None]
STOP_SECONDS = 20
STARTED = (*parts.DAGSTER_PARTS, "api")
"""Parts that run as processes; the database is this one's own business."""


def run(settings: "Settings", say: Say) -> int:
    """Start everything and wait for Ctrl-C.

    Returns:
        0 when it was asked to stop, 8 when a part ended by itself.

    Raises:
        LocalError: It runs already, or a port is taken.
    """
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    stopped_by = _Stop()
    with ExitStack() as stack:
        stack.enter_context(_only_one(home))
        _require_free(settings.ui_port, "Dagster's UI", "FINALE_UI_PORT")
        _require_free(settings.api_port, "the API and its pages", "FINALE_API_PORT")
        if settings.is_sandbox:
            _require_free(settings.sandbox_port, "the sandbox", "FINALE_SANDBOX_PORT")
        stack.enter_context(stopped_by)
        stack.enter_context(_database(settings, say))
        environment = {
            **os.environ,
            **stack.enter_context(_account(settings, home, say)),
            "FINALE_HOME": str(home),  # the same folder, wherever a part is started
            "FINALE_STOCK_SINCE": parts.first_stock_day(settings),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled imports start 3 times faster
        started = {part: stack.enter_context(_process(part, home, environment)) for part in STARTED}
        return _wait(started, settings, stopped_by, say)


class _Stop:
    """Notes that the process was asked to stop, instead of ending it in the middle."""

    def __init__(self) -> None:
        self.is_asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, lambda *_: self._ask())

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _ask(self) -> None:
        self.is_asked = True


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold this folder's lock; the system lets go of it however the process ends."""
    with (home / "dev.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LocalError(
                f"finale dev runs already (process {file.read().strip() or 'unknown'}).",
                data="Nothing was started.",
                step="Use that one, or end it with Ctrl-C where it runs.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _require_free(port: int, what: str, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalError(
                f"Port {port}, meant for {what}, cannot be used: {error.strerror}.",
                data="Nothing was started.",
                step=f"End what listens there, or choose another port: {setting}={port + 10}.",
            ) from error


@contextmanager
def _database(settings: "Settings", say: Say) -> Iterator[None]:
    """Have both databases ready; an embedded server that was started here is stopped here."""
    data = (settings.home / "postgres").resolve()
    is_ours = settings.database_url is None and embedded.running_url(data) is None
    url = database_url(settings)
    try:
        schema.upgrade(url)
        prepare_dagster_database(settings)
        say("database   ready")
        yield
    finally:
        if is_ours:
            embedded.stop(data)


@contextmanager
def _account(settings: "Settings", home: Path, say: Say) -> Iterator[dict[str, str]]:
    """Serve the sandbox when no account is configured; yields what processes must know of it."""
    if not settings.is_sandbox:
        say(f"source     the account {settings.account} at {settings.base_url}")
        yield {}
        return
    account = sandbox.build(settings.sandbox_products, 7, settings.sandbox_orders)
    since = (account.first_change() - timedelta(days=1)).date().isoformat()
    with sandbox.server(account, settings.sandbox_port) as server:
        note = note_sandbox(home, server.base_url, since)
        say(f"source     a sandbox with {len(account.tables['product']):,} products")
        try:
            yield sandbox_environment(server.base_url, since)
        finally:
            note.unlink(missing_ok=True)


@contextmanager
def _process(
    part: str, home: Path, environment: dict[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run what `finale serve PART` is, as a service would."""
    log_file = home / ("api.log" if part == "api" else "dagster.log")
    with log_file.open("ab") as log:
        # In a session of its own: Ctrl-C reaches it through us, after which all of it is swept.
        process = subprocess.Popen(  # noqa: S603 - our own command
            parts.finale("serve", part), cwd=parts.PROJECT, env=environment, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(
    started: "dict[str, subprocess.Popen[bytes]]", settings: "Settings", stop: _Stop, say: Say
) -> int:
    url = f"http://127.0.0.1:{settings.ui_port}"
    ours = f"http://127.0.0.1:{settings.api_port}"
    log = settings.home / "dagster.log"
    is_ready = False
    while not stop.is_asked:
        for part, process in started.items():
            if process.poll() is not None:
                code = process.returncode
                say(f"finale serve {part} ended by itself (code {code}); see {log.parent}/*.log")
                return LocalError.exit_code
        if not is_ready and parts.answers(f"{url}/server_info") and parts.answers(f"{ours}/livez"):
            is_ready = True
            say(
                f"pages      {ours}\n"
                f"  plan     {ours}/plan\n"
                f"  api      {ours}/openapi.json\n"
                f"dagster    {url}\n"
                f"  assets   {url}/assets\n"
                f"  runs     {url}/runs\n"
                f"  log      {log}\n"
                "An empty warehouse is filled by the first sync within a minute;"
                " `finale status` in another terminal says how far it is.\n"
                "Ctrl-C stops all of it."
            )
        time.sleep(0.3)
    say("Stopping.")
    return 0
