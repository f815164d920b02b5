"""The checkout for those who know Dagster: its own commands, with nothing set."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finale_pipeline.warehouse import embedded
from finale_pipeline_tests.live import Live, free_port

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
WAYS = {
    "dagster": ("definitions", "validate", "-w", "workspace.yaml"),
    "dg": ("check", "defs"),
}
ASSETS = "{ assetNodes { assetKey { path } } }"


def bare(home: Path) -> dict[str, str]:
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "VIRTUAL_ENV": str(BIN.parent),
        "FINALE_HOME": str(home),  # not the checkout's own data
    }


@pytest.mark.parametrize("program", WAYS)
def test_the_definitions_are_valid_with_nothing_set(program: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(BIN / program), *WAYS[program]], cwd=ROOT, env=bare(tmp_path), capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def ask(port: int, query: str, **variables: object) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return json.load(answer)["data"]


def ours(nodes: Any) -> list[str]:
    """The assets that we fill; those of `mart` are views of them."""
    keys = [node["assetKey"]["path"] for node in nodes]
    return [key[0] for key in keys if len(key) == 1]


def until(look: Any, what: str) -> Any:
    ends_at = time.monotonic() + 180
    while time.monotonic() < ends_at:
        try:
            found = look()
        except OSError:  # it does not listen yet
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited in vain until {what}")


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Dagster's own development server, started in the checkout."""
    chosen = free_port()
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [str(BIN / request.param), "dev", "--port", str(chosen)],
            cwd=ROOT, env=bare(Path(home)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield chosen
        finally:
            process.terminate()
            process.wait(60)
            embedded.stop(Path(home) / "postgres")  # its sensors asked for the database
    for left in ROOT.glob(".tmp_dagster_home_*"):
        subprocess.run(["rm", "-rf", str(left)], check=True)  # noqa: S607


@pytest.mark.slow
@pytest.mark.parametrize("port", ["dagster", "dg"], indirect=True)
def test_dagsters_own_server_shows_the_assets_and_a_run_says_what_is_missing(port: int) -> None:
    def shown() -> Any:
        return (ask(port, ASSETS) or {}).get("assetNodes")

    assert len(ours(until(shown, "the assets are shown"))) == 9
    launch = """mutation ($params: ExecutionParams!) {
      launchPipelineExecution(executionParams: $params) {
        ... on LaunchRunSuccess { run { runId } } } }"""
    tags = [{"key": "dagster/partition", "value": "2026-03-09"}]
    params = {
        "selector": {
            "repositoryLocationName": "finale_pipeline.definitions",
            "repositoryName": "__repository__", "pipelineName": "critical_sync",
        },
        "runConfigData": {}, "mode": "default", "executionMetadata": {"tags": tags},
    }  # fmt: skip
    run = ask(port, launch, params=params)["launchPipelineExecution"]["run"]["runId"]
    logs = """query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
      ... on ExecutionStepFailureEvent { error { message } } } } } }"""

    def failed() -> Any:
        events = ask(port, logs, id=run)["logsForRun"]["events"]
        return [e["error"]["message"] for e in events if e.get("error")]

    (message,) = until(failed, "the run has failed")
    assert "No account is configured" in message
    assert "finale dev" in message


def ended_well(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_wheel_starts_the_demo_without_the_checkout(tmp_path: Path) -> None:
    """Installed by pip alone, with what it says that it needs; as pipx and uvx do it."""
    source, home = tmp_path / "source", tmp_path / "home"
    tmp_path.chmod(0o755)
    home.mkdir(0o755)
    unwanted = (".venv*", ".git", ".finale*", ".*_cache", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*unwanted))
    ended_well(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    ended_well(sys.executable, "-m", "venv", tmp_path / "venv")
    program = tmp_path / "venv" / "bin" / "finale"
    pip = program.with_name("pip")
    ended_well(pip, "install", "-q", "-c", ROOT / "constraints.txt", wheel)
    shutil.rmtree(source)
    assert ended_well(program, "--version").split()[-1] in wheel.name
    with Live(home, str(program), FINALE_SANDBOX_PRODUCTS="100") as live:
        live.until(lambda: live.rows("SELECT FROM plan.forecast LIMIT 1"), "the first plan")
        base = f"http://127.0.0.1:{live.ports['API']}"
        for path in ("/", "/plan", "/runbooks/restore-a-database", "/style.css"):
            with urllib.request.urlopen(base + path, timeout=60) as answer:  # noqa: S310 - loopback
                assert answer.status == 200
        assert len(ours(live.dagster(ASSETS)["assetNodes"])) == 9
    assert live.process.returncode == 0
    assert "Stopping" in (home / "dev.log").read_text()


@pytest.mark.parametrize(
    ("dependencies", "is_well", "says"),
    [
        ([], False, "0 packages"),
        ([{"name": "a", "skip_reason": "?"}], False, "NOTHING IS PROVEN about any package"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "?"}], False,
         "NOTHING IS PROVEN about b"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], False,
         "a 1: CVE-1; mended in 2"),
        ([{"name": "a", "version": "1", "vulns": []}], True, "1 packages, 1 asked, 0 faults"),
    ],
)  # fmt: skip
def test_an_index_that_says_nothing_proves_nothing(
    dependencies: list[dict[str, object]], is_well: bool, says: str
) -> None:
    audit = runpy.run_path(str(ROOT / ".ci" / "audit.py"))
    said, well = audit["verdict"]({"dependencies": dependencies})
    assert well is is_well
    assert says in said
