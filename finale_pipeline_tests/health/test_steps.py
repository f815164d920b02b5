"""Each next step that is printed makes its finding go away when it is done."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from finale_pipeline.cli import main
from finale_pipeline.clock import utc_now
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.processes import environment

Finale = Callable[..., tuple[int, str]]


@pytest.fixture
def finale(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Finale:
    """Runs a command in a folder of its own; its exit code, and all that it said."""
    monkeypatch.chdir(tmp_path)
    own = settings.model_copy(update={"home": tmp_path / "home"})
    own.home.mkdir()
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def findings(finale: Finale, what: str) -> list[tuple[str, str]]:
    _, said = finale("doctor", "--json")
    found: list[dict[str, Any]] = json.loads(said.splitlines()[-1])
    return [(f["says"], f["step"]) for f in found if f["what"] == what and f["state"] != "ok"]


def step(finale: Finale, what: str, contains: str) -> str:
    """The next step of a finding that is there."""
    (found,) = [step for says, step in findings(finale, what) if contains in says]
    return found


def follow(finale: Finale, text: str) -> int:
    """Do what a step says: the command in it."""
    command = (
        text.split("finale ", 1)[1].split(";", maxsplit=1)[0].split(",", maxsplit=1)[0].rstrip(".")
    )
    return finale(*command.split())[0]


def test_what_was_never_read_is_read_by_the_step(finale: Finale) -> None:
    steps = {text for says, text in findings(finale, "freshness") if "never read" in says}
    assert steps == {"finale sync full", "finale forecast plan"}
    code, said = finale("watch")
    assert (code, "well " in said, "never read" in said) == (9, False, True)
    for text in sorted(steps, reverse=True):
        assert follow(finale, text) == 0
    assert findings(finale, "freshness") == []
    assert findings(finale, "last sync") == []
    assert finale("watch")[0] == 0


@pytest.mark.synced
@pytest.mark.parametrize(
    ("harm", "contains"),
    [
        ("DELETE FROM core.stock_level WHERE product_url IN"
         " (SELECT product_url FROM core.product LIMIT 3)", "no stock level"),
        ("UPDATE core.stock_level SET on_hand_units = on_hand_units + 1", "differ from the sum"),
    ],
)  # fmt: skip
def test_wrong_levels_are_mended_by_the_step(
    finale: Finale, connection: Connection, harm: str, contains: str
) -> None:
    connection.execute(harm.encode())
    assert follow(finale, step(finale, "data", contains)) == 0
    assert [says for says, _ in findings(finale, "data") if contains in says] == []


@pytest.mark.synced
def test_what_is_held_is_decided_by_the_step(finale: Finale, sandbox: SandboxServer) -> None:
    sandbox.add_fault("half@inventoryitem")
    assert finale("sync", "inventory")[0] == 7
    text = step(finale, "held", "stock")
    assert follow(finale, text.replace("approve 2", "reject 2")) == 0
    assert findings(finale, "held") == []


@pytest.mark.synced
def test_the_source_that_failed_is_read_again(finale: Finale, sandbox: SandboxServer) -> None:
    sandbox.add_fault("revoke")
    assert finale("sync", "critical")[0] == 4
    assert step(finale, "last sync", "failed on Finale") == "See: finale status"
    code, said = finale("watch")
    assert (code, "failed on Finale" in said) == (9, True)
    sandbox.clear_faults()
    assert finale("sync", "critical")[0] == 0
    assert findings(finale, "last sync") == []
    assert finale("watch")[0] == 0


@pytest.mark.synced
def test_mails_that_were_given_up_go_out_by_the_step(
    finale: Finale, connection: Connection
) -> None:
    connection.execute("UPDATE ops.outbox SET state = 'dead', last_error = 'no such host'")
    assert follow(finale, step(finale, "mail", "given up").split("then: ")[1]) == 0
    assert [says for says, _ in findings(finale, "mail") if "given up" in says] == []


@pytest.mark.synced
def test_mails_that_wait_go_out_once_the_service_answers(
    finale: Finale, connection: Connection
) -> None:
    waiting = "UPDATE ops.outbox SET state = 'pending', attempts = 3, last_error = 'no such host',"
    since = "created_at = now() - interval '1 hour', next_attempt_at = now()"
    connection.execute(f"{waiting} {since}".encode())
    assert step(finale, "mail", "wait since").startswith("Does the mail service answer?")
    finale("watch")  # it does again: whoever looks delivers
    assert [says for says, _ in findings(finale, "mail") if "wait since" in says] == []


def test_an_open_env_file_is_closed_by_the_step(finale: Finale) -> None:
    file = Path(".env")
    file.write_text("")
    file.chmod(0o644)
    assert step(finale, "secrets", "Others on this machine") == "Run: chmod 600 .env"
    file.chmod(0o600)
    assert findings(finale, "secrets") == []


def test_the_missing_watch_and_backup_are_made_by_the_steps(
    finale: Finale, monkeypatch: pytest.MonkeyPatch
) -> None:
    finale("watch")
    assert findings(finale, "watch") == []
    assert finale("backup")[0] == 0
    assert findings(finale, "backup") == []
    last = Path("home") / "last_backup"
    last.write_text((utc_now() - timedelta(days=9)).isoformat())
    assert follow(finale, step(finale, "backup", "9 days old")) == 0
    assert findings(finale, "backup") == []


def test_an_older_schema_is_upgraded_by_the_step(finale: Finale, connection: Connection) -> None:
    connection.execute("DROP VIEW mart.stock CASCADE")
    _, said = finale("doctor")
    if "Run: finale db upgrade" in said:
        assert finale("db", "upgrade")[0] == 0
    assert "Run: finale db upgrade" not in finale("doctor")[1]
