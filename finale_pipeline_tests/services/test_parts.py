"""What runs for good starts as a person starts it, answers, and ends when it is asked to."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.services import processes as parts
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import dagster_url, prepare_dagster_database
from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.conftest import drop_database, settings_for
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import command, environment

TRIES = 240
OK = 200
TOKEN = "t" * 32
ASSETS = "{ assetNodes { assetKey { path } } }"


@pytest.fixture
def served(server: str, url: str, sandbox: SandboxServer, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a system whose warehouse is synced, so that nothing begins by itself."""
    off = {f"schedule_{name}": "off" for name in
           ("critical", "inventory", "active", "full", "smart", "housekeeping")}  # fmt: skip
    made = settings_for(
        url, sandbox, home=tmp_path, ui_port=free_port(), api_port=free_port(), **off
    )
    yield made
    drop_database(server, dagster_url(made))


class Part:
    """A part that was started; what it says goes to a file."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.log = settings.home / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command("serve", name), env=environment(settings), stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def until(self, look: Callable[[], Any]) -> Any:
        """Look until there is something; fails when the part has ended before."""
        for _ in range(TRIES):
            with suppress(httpx.TransportError):
                if found := look():
                    return found
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
            assert self.process.returncode is None, self.log.read_text()
        raise AssertionError(self.log.read_text())

    def end(self) -> int:
        """Ask it to end, and return its code."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.mark.synced
def test_each_part_answers_and_ends_at_sigterm(served: Settings) -> None:
    """All but the daemon, which is Dagster's own program and costs as much as a drill does."""
    prepare_dagster_database(served)
    with ExitStack() as stack, httpx.Client(trust_env=False, timeout=60) as http:
        started = {}
        for name in ("code", "web", "api"):
            started[name] = Part(served, name)
            stack.callback(started[name].end)
        ui, api = (f"http://127.0.0.1:{port}" for port in (served.ui_port, served.api_port))
        started["api"].until(lambda: http.get(f"{api}/readyz").status_code == OK)
        assert http.get(f"{api}/api/products").json()["products"]
        assert "Dagster" in started["web"].until(lambda: http.get(f"{ui}/assets")).text

        def shown() -> Any:
            return http.post(f"{ui}/graphql", json={"query": ASSETS}).json()["data"]["assetNodes"]

        assets = [node["assetKey"]["path"] for node in started["web"].until(shown)]
        assert ["inventory_levels"] in assets
        codes = {name: part.end() for name, part in started.items()}
    assert set(codes.values()) <= {0, -signal.SIGTERM}, codes
    assert not parts.code_socket(served).exists()


@pytest.mark.slow
@pytest.mark.synced
@pytest.mark.skipif(chromium.found() is None, reason="there is no browser")
def test_dagsters_pages_work_under_another_name_below_a_path_with_a_token(
    served: Settings, tmp_path: Path
) -> None:
    """As behind a proxy that passes on its name: scripts, questions, and WebSocket too."""
    base = f"http://{chromium.NAME}:{served.ui_port}/dagster"
    settings = served.model_copy(update={"ui_url": base, "api_token": SecretStr(TOKEN)})
    prepare_dagster_database(settings)
    with ExitStack() as stack, httpx.Client(trust_env=False, timeout=60) as http:
        for name in ("code", "web"):
            part = Part(settings, name)
            stack.callback(part.end)
        here = f"http://127.0.0.1:{served.ui_port}/dagster"
        part.until(lambda: http.get(f"{here}/server_info").status_code == OK)
        assert http.get(f"{here}/assets").status_code == 401
        browser = stack.enter_context(chromium.running(str(chromium.found())))
        tab = stack.enter_context(browser.page(""))
        tab.open(base.replace("//", f"//anna:{TOKEN}@"))  # stands for the browser's own question
        tab.troubles.clear()
        for path, text in (("/assets", "inventory_levels"), ("/automation", "critical_schedule")):
            tab.open(base + path)
            part.until(lambda t=text: any(t in shown for shown in tab.texts("body")))  # type: ignore[misc]
        assert tab.troubles == []
        hosts = {host.rpartition("@")[2] for host in tab.hosts}
        assert hosts == {f"{chromium.NAME}:{served.ui_port}"}
    said = part.log.read_text()
    assert "WEBSOCKET /dagster/graphql 101" in said
    assert not re.search(r" (40[03]|50\d) ", said), said
