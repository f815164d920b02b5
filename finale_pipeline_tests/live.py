"""Starts all of `finale dev` on ports of its own, with real daemons, for drills and benchmarks."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from finale_pipeline.errors import ConfigError
from finale_pipeline.services.runs import TITLE
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.processes import command

MINUTES = 60.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Live:
    """A running system of its own.

    Args:
        home: Its folder.
        program: What is started with `dev`; empty = this environment's.
        settings: `FINALE_…` variables beside the ports.
    """

    def __init__(self, home: Path, program: str = "", **settings: str) -> None:
        self.home = home
        self._command = [program, "dev"] if program else command("dev")
        self.ports = {name: free_port() for name in ("UI", "API", "SANDBOX")}
        ports = {f"FINALE_{name}_PORT": str(port) for name, port in self.ports.items()}
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("FINALE_", "DAGSTER_"))},
            **ports,
            "FINALE_HOME": str(home),
            **settings,
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def __enter__(self) -> Self:
        self.log = (self.home / "dev.log").open("wb")
        self.process = subprocess.Popen(
            self._command, env=self.environment, cwd=self.home, stdout=self.log, stderr=self.log
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.log.close()

    def url(self, database: str = embedded.WAREHOUSE) -> str | None:
        """Return the URL of one of its databases, once it runs."""
        return embedded.running_url(self.home / "postgres", database)

    def connect(self, database: str = embedded.WAREHOUSE) -> Connection:
        """Open a connection to one of its databases."""
        found = self.until(lambda: self.url(database), "the database runs")
        return connect(str(found), name="drill")

    def until(self, look: Callable[[], Any], what: str, seconds: float = 3 * MINUTES) -> Any:
        """Look again and again until there is something; these are drills, not unit tests."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            assert self.process.poll() is None, "finale dev ended by itself"
            found = look()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"waited {seconds:g} s in vain until {what}")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the warehouse; nothing while it is not ready."""
        url = self.url()
        if url is None:
            return []
        try:
            with connect(url, name="drill") as connection:
                schema.require_current(connection)
                return connection.execute(query, values).fetchall()
        except ConfigError:  # its databases or tables are not made yet
            return []

    def dagster_rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask Dagster's own database."""
        with self.connect("finale_dagster") as connection:
            return connection.execute(query, values).fetchall()

    def sandbox(self, what: str, **sent: object) -> Any:
        """Ask something of the sandbox, such as a fault."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['SANDBOX']}/sandbox/{what}",
            data=json.dumps(sent).encode(),
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def dagster(self, query: str, **variables: object) -> Any:
        """Ask Dagster's webserver as its pages do; fails on an error."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['UI']}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def dagster_environment(self) -> dict[str, str]:
        """Return the variables that its Dagster runs with."""
        for pid in descendants(self.process.pid):
            given = of_process(pid, "environ").decode().split("\0")
            found = dict(pair.partition("=")[::2] for pair in given if pair)
            if "DAGSTER_HOME" in found:
                return found
        raise AssertionError("Dagster does not run")

    def run_processes(self) -> list[int]:
        """Return the processes in which runs of Dagster are executed."""
        return [
            pid
            for pid in descendants(self.process.pid)
            if of_process(pid, "comm").strip() == TITLE.encode()
            or b"spawn_main" in of_process(pid, "cmdline")
        ]


def of_process(pid: int, name: str) -> bytes:
    """Return a file that the system keeps of a process; empty when it has just ended."""
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except OSError:
        return b""


def descendants(root: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that they started."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == root:
            yield int(entry.name)
            yield from descendants(int(entry.name))
