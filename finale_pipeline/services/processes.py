"""The processes of a running system, each with its command: what `finale serve SERVICE` becomes.

`finale dev`, the systemd units and the compose file start these, and nothing else.
"""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from finale_pipeline.disk import socket_folder, write_whole
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.services.ports import require_free
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import (
    connect,
    dagster_url,
    data_folder,
    database_url,
    prepare_dagster_database,
    running_url,
)

CODE_SECONDS = 120.0
DIRECTLY = build_opener(ProxyHandler({}))
"""Asks this machine; no proxy of the environment stands between."""
DEFINITIONS = "finale_pipeline.definitions"
DAGSTER_SERVICES = ("code", "daemon", "web")
SERVICES = ("database", *DAGSTER_SERVICES, "api")
STORAGE = """\
# DAGSTER_POSTGRES_URL names Dagster's own database.
storage:
  custom:
    module: finale_pipeline.services.storage
    class: PooledPostgresStorage
    config:
      postgres_url:
        env: DAGSTER_POSTGRES_URL

"""
LAUNCHER = """\
run_launcher:
  module: finale_pipeline.services.runs
  class: PreloadedRunLauncher

"""


def finale(*arguments: str) -> list[str]:
    """Return the command line of `finale` in this very environment."""
    return [sys.executable, "-m", "finale_pipeline.cli", *arguments]


def command(settings: Settings, service: str) -> list[str]:
    """Return the command that a service of Dagster runs as."""
    home = instance(settings)
    form = "colored" if sys.stderr.isatty() else "json"
    logs = ["--log-level", "warning", "--log-format", form]
    workspace = str(home / "workspace.yaml")
    definitions = ["--module-name", DEFINITIONS, "--location-name", settings.code_location]
    socket_options = ["--socket", str(code_socket(settings))]
    module, arguments = {
        "code": ("finale_pipeline.services.codeserver", [*definitions, *socket_options, *logs]),
        "daemon": ("dagster._daemon", ["run", *logs, "--workspace", workspace]),
        "web": ("finale_pipeline.services.webserver", [workspace]),
    }[service]
    return [sys.executable, "-m", module, *arguments]


def instance(settings: Settings) -> Path:
    """Return the folder of Dagster's instance."""
    return (settings.home / "dagster").resolve()


def code_socket(settings: Settings) -> Path:
    """Return where the code server listens: a file that only its user may open."""
    return socket_folder(instance(settings)) / "code.sock"


MORE = "dagster-more.yaml"
"""In HOME: what an operator adds to Dagster's instance, such as another run launcher."""
MORE_LOCATIONS = "workspace-more.yaml"
"""In HOME: code locations of other accounts that this Dagster serves, too."""


def prepare(settings: Settings) -> dict[str, str]:
    """Write Dagster's instance, and return the environment of its services."""
    home = instance(settings)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared = Path(__file__).with_name("dagster.yaml").read_text(encoding="utf-8")
    more = _added(settings, MORE)
    launcher = "" if re.search("^run_launcher:", more, re.MULTILINE) else LAUNCHER
    write_whole(home / "dagster.yaml", STORAGE + launcher + shared + more)
    write_whole(
        home / "workspace.yaml",
        "load_from:\n  - grpc_server:\n"
        f"      socket: {code_socket(settings)}\n      location_name: {settings.code_location}\n"
        + _added(settings, MORE_LOCATIONS),
    )
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": dagster_url(settings),
        "FINALE_HOME": str(settings.home.resolve()),
        "PYTHONUNBUFFERED": "1",
        # What is under way has ended by itself by then; runs are processes of their own.
        "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": "2",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled imports start 3 times faster
    return environment


def _added(settings: Settings, name: str) -> str:
    """Return what an operator adds to a file of Dagster's."""
    more = settings.home / name
    return more.read_text(encoding="utf-8") if more.exists() else ""


def serve(settings: Settings, service: str) -> int:
    """Be a service, to its end; a service of Dagster takes this process over.

    Raises:
        ConfigError: No account is configured, or the schema is not this program's.
    """
    if service == "database":
        return _hold_database(settings)
    if settings.is_sandbox and service in {"code", "api"}:  # the others know no account
        raise ConfigError(
            "No account is configured; `finale serve` is for running for good.",
            step="Run: finale init; or to look around with a simulated account: finale dev",
        )
    if service == "api":
        from finale_pipeline.services import serving  # FastAPI

        serving.serve(settings)
        leave(0)
    return _become(settings, service)


def _become(settings: Settings, service: str) -> NoReturn:
    schema.prepare(database_url(settings))
    environment = prepare(settings)
    if service == "code":
        code_socket(settings).unlink(missing_ok=True)  # of a server that was killed
    if service != "code":
        _wait_for_code(settings)
    if service == "web":
        require_free(settings.ui_port, "Dagster's UI", "FINALE_UI_PORT", settings.ui_host)
    arguments = command(settings, service)
    os.execve(arguments[0], arguments, environment)  # noqa: S606 - one of ours


def _wait_for_code(settings: Settings) -> None:
    """Wait for the code server: without it Dagster's services fill their logs with traces.

    One that never comes is not waited for: Dagster says so, in its way.
    """
    deadline = time.monotonic() + CODE_SECONDS
    path = str(code_socket(settings))
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(path)
            return
        time.sleep(0.1)


def is_well(settings: Settings, service: str) -> bool:
    """Whether a running service answers; for health checks."""
    if service == "web":
        return answers(f"http://127.0.0.1:{settings.ui_port}{settings.ui_prefix}/server_info")
    if service == "api":
        return answers(f"http://127.0.0.1:{settings.api_port}/readyz")
    if service == "database":
        try:
            with connect(running_url(settings), name="finale serve") as connection:
                schema.require_current(connection)
        except PipelineError:
            return False
        return True
    if service == "code":
        from finale_pipeline.services import codeserver  # it asks by Dagster

        return codeserver.answers(str(code_socket(settings)))
    result = subprocess.run(
        [sys.executable, "-m", "dagster._daemon", "liveness-check"],
        env=prepare(settings),
        capture_output=True,
        check=False,
    )
    return result.returncode == 0


def leave(code: int) -> NoReturn:
    """End this process, which has done all that it had to, without taking its modules apart.

    That takes Python most of a second, while a person waits for Ctrl-C.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def answers(url: str) -> bool:
    """Whether an address of this machine answers 200 within a second."""
    try:
        with DIRECTLY.open(url, timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def _hold_database(settings: Settings) -> int:
    """Bring the databases up to date; keep the embedded server until asked to stop."""
    schema.upgrade(database_url(settings))
    prepare_dagster_database(settings)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # not before: the server would inherit it
    _tell_systemd("READY=1")
    if settings.database_url is None:
        signal.sigwait(signals)
        embedded.stop(data_folder(settings))
    return 0


def _tell_systemd(text: str) -> None:
    """Say that others may start; outside of systemd nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
        notify.send(text.encode())
