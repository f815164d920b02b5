"""`finale dev`: database, sandbox, Dagster, API; started together, stopped together."""

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from finale_pipeline.errors import LocalError
from finale_pipeline.services import processes, sandbox
from finale_pipeline.services.ports import require_free
from finale_pipeline.services.source import note_sandbox, sandbox_environment
from finale_pipeline.services.supervisor import Supervisor, end_left_running
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import data_folder, prepare_dagster_database, running_server

Say = Callable[[str], None]
STARTED = (*processes.DAGSTER_SERVICES, "api")
"""Services that run as processes; the database is this one's own business."""
READY = """\
logs       {logs}
An empty warehouse is filled by the first sync; the pages and `finale status` say how far it is.
Ctrl-C stops all of it."""


def run(settings: Settings, say: Say) -> int:
    """Start everything and wait for Ctrl-C.

    Returns:
        0 when it was asked to stop.

    Raises:
        LocalError: It runs already, a port is taken, or a service dies again and again.
    """
    home = settings.home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_only_one(home))
        left = end_left_running(home, STARTED)
        if left and settings.database_url is None and embedded.stop(data_folder(settings)):
            left.append("database")
        for name in left:
            say(f"{name:10} was left running by a `finale dev` that was killed; it is ended")
        require_free(settings.ui_port, "Dagster's UI", "FINALE_UI_PORT")
        require_free(settings.api_port, "the API and its pages", "FINALE_API_PORT")
        if settings.is_sandbox:
            require_free(settings.sandbox_port, "the sandbox", "FINALE_SANDBOX_PORT")
        stop = stack.enter_context(_stop_signals())
        stack.enter_context(_database(settings, say))
        environment = {
            **os.environ,
            **stack.enter_context(_account(settings, home, say)),
            "FINALE_HOME": str(home),  # the same folder, wherever a service is started
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled imports start 3 times faster
        supervisor = stack.enter_context(
            Supervisor(
                {name: processes.finale("serve", name) for name in STARTED},
                home,
                environment=environment,
                folder=Path.cwd(),
                say=say,
            )
        )
        return _wait(supervisor, settings, stop, say)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect the signals that ask the process to stop, instead of ending it in the middle."""
    signals: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {n: signal.signal(n, lambda n, _: signals.append(n)) for n in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


@contextmanager
def _database(settings: Settings, say: Say) -> Iterator[None]:
    """Have both databases ready; an embedded server that was started here is stopped here."""
    with running_server(settings) as url:
        schema.upgrade(url)
        prepare_dagster_database(settings)
        say("database   ready")
        yield
    is_ours = settings.database_url is None and not embedded.running_url(data_folder(settings))
    say("database   stopped" if is_ours else "database   left running")


@contextmanager
def _account(settings: Settings, home: Path, say: Say) -> Iterator[dict[str, str]]:
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


def _wait(supervisor: Supervisor, settings: Settings, stop: list[int], say: Say) -> int:
    url = f"http://127.0.0.1:{settings.ui_port}{settings.ui_prefix}"
    ours = f"http://127.0.0.1:{settings.api_port}"
    waiting = {
        f"{ours}/livez": f"pages      {ours}\n"
        f"  plan     {ours}/plan\n  api      {ours}/openapi.json",
        f"{url}/server_info": f"dagster    {url}\n  assets   {url}/assets\n  runs     {url}/runs",
    }
    while not stop:
        reason = supervisor.look(time.monotonic())
        if reason is not None:
            raise LocalError(
                reason,
                data="What was committed stays.",
                step=f"Read {settings.home / 'logs'}; finale doctor examines the rest.",
            )
        for address in [a for a in waiting if processes.answers(a)]:
            say(waiting.pop(address))
            if not waiting:
                say(READY.format(logs=settings.home / "logs"))
        time.sleep(0.3)
    return 0
