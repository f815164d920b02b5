"""`finale init`, as a new user runs it: asked at a terminal, or with nobody there."""

import os
import pty
import select
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from finale_pipeline.commands import env_file
from finale_pipeline.commands.init import Asking, prepare
from finale_pipeline.errors import ConfigError
from finale_pipeline.health import installation
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings, load_settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.processes import Ended, command, environment, finale

Init = Callable[..., Ended]
SECRET = {"FINALE_API_KEY": "sandbox-key", "FINALE_API_SECRET": "sandbox-secret"}
HERE = ("--account", "demo", "--timezone", "Europe/Berlin", "--since", "2025-10-01")


@pytest.fixture
def given(url: str, sandbox: SandboxServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell in an empty folder, where a database server is at hand."""
    nothing = environment(Settings.model_construct())
    return nothing | {
        "FINALE_BASE_URL": sandbox.base_url, "FINALE_DATABASE_URL": url,
        "FINALE_HOME": str(tmp_path / "home"),
    }  # fmt: skip


@pytest.fixture
def init(given: dict[str, str], tmp_path: Path) -> Init:
    """Run it with options, secrets in the environment, and standard input."""

    def init(*options: str, stdin: str = "", **variables: str) -> Ended:
        process = subprocess.Popen(
            command("init", *options), env=given | variables, cwd=tmp_path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.flush()
        return Ended(process)

    return init


def lines(folder: Path) -> list[str]:
    return (folder / ".env").read_text().splitlines()


def test_it_prepares_everything_and_may_run_twice(init: Init, tmp_path: Path) -> None:
    done = init(*HERE, "--yes", **SECRET)
    assert (done.code, done.err) == (0, "")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert (tmp_path / "home").is_dir()
    assert "FINALE_TIMEZONE=Europe/Berlin" in lines(tmp_path)
    assert "ok       source" in done.out
    assert "Next: make run" in done.out
    assert "sandbox-secret" not in done.out
    before = (tmp_path / ".env").read_text()
    again = init(*HERE, "--yes", **SECRET)
    assert (again.code, again.err, "as they were" in again.out) == (0, "", True)
    assert (tmp_path / ".env").read_text() == before


def test_what_stands_in_the_file_stays_and_changes_are_named(init: Init, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nFINALE_TIMEZONE=UTC\nSOMETHING=else\n")
    (tmp_path / ".env").chmod(0o644)
    done = init(*HERE, "--secrets", "--json", stdin="sandbox-key\nsandbox-secret\n")
    assert done.code == 0
    assert done.json["changed"] == ["FINALE_TIMEZONE"]
    assert "FINALE_ACCOUNT" in done.json["added"]
    assert lines(tmp_path)[:3] == ["# ours", "FINALE_TIMEZONE=Europe/Berlin", "SOMETHING=else"]
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "stdin", "said"),
    [
        (("--yes",), "", "FINALE_ACCOUNT and FINALE_API_KEY and FINALE_API_SECRET missing"),
        ((*HERE, "--secrets"), "one line", "wants two lines"),
        (("--account", "a b'c", "--secrets"), "k\ns\n", "cannot hold"),
        ((*HERE, "--timezone", "Berlin", "--secrets"), "k\ns\n", "no time zone"),
        ((*HERE, "--since", "01.02.2020", "--secrets"), "k\ns\n", "FINALE_SINCE"),
        ((*HERE, "--mail", "nobody", "--secrets"), "k\ns\n", "no e-mail address"),
    ],
)
def test_bad_input_writes_nothing_and_says_what_to_do(
    init: Init, tmp_path: Path, options: tuple[str, ...], stdin: str, said: str
) -> None:
    done = init(*options, stdin=stdin)
    assert (done.code, said in done.err) == (4, True), done.err
    assert list(tmp_path.glob(".env*")) == []


def test_a_wrong_key_is_found_at_once_and_its_step_mends_it(init: Init) -> None:
    done = init(*HERE, "--yes", **(SECRET | {"FINALE_API_KEY": "wrong"}))
    assert done.code == 4
    assert "Next: Mend this first" in done.out
    assert "Check FINALE_API_KEY" in done.out
    assert "To enter both anew: finale init --secrets" in done.out
    entered = init(*HERE, "--secrets", stdin="sandbox-key\nsandbox-secret\n")
    assert (entered.code, "ok       source" in entered.out) == (0, True)


def test_a_database_of_another_account_is_refused(
    init: Init, connection: Connection, tmp_path: Path
) -> None:
    connection.execute(
        "INSERT INTO ops.account (only_row, base_url, account_name, adopted_at)"
        " VALUES (true, 'https://app.finaleinventory.com', 'other', now())"
    )
    done = init(*HERE, "--yes", **SECRET)
    assert done.code == 4
    assert "holds the account other" in done.err
    assert "finale init --home" in done.err
    assert (tmp_path / ".env").exists()


def test_at_a_terminal_it_asks_and_shows_no_secret(given: dict[str, str], tmp_path: Path) -> None:
    """Key and secret are typed, and never come back on the screen."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        command("init"), env=given, cwd=tmp_path, stdin=terminal, stdout=terminal,
        stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    said = ""
    answers = [("Account", "demo"), ("API key", "sandbox-key"), ("secret", "sandbox-secret"),
               ("Time zone", "Europe/Berlin"), ("First day", "2025-10-01"), ("Who gets", ""),
               ("Sender", "")]  # fmt: skip
    for question, answer in answers:
        asked = read_until(screen, ": ")
        assert question in asked
        said += asked
        os.write(screen, f"{answer}\n".encode())
    said += read_until(screen, "until then they are files.")
    assert process.wait(60) == 0
    os.close(screen)
    assert "sandbox-secret" not in said
    assert "sandbox-key" not in said
    assert "FINALE_API_SECRET=sandbox-secret" in lines(tmp_path)


def test_a_wrong_answer_is_asked_for_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = iter(["demo", "Mars/X", "Europe/Berlin", "2024-13-01", "2024-01-01", "", ""])
    asked: list[str] = []

    def text(question: str) -> str:
        asked.append(question)
        return next(answers)

    with pytest.raises(ConfigError, match="FINALE_API_KEY and FINALE_API_SECRET missing"):
        prepare({}, Asking(text, lambda _: ""))
    assert [q.partition(" ")[0] for q in asked] == [
        "Account", "Time", "FINALE_TIMEZONE:", "First", "FINALE_SINCE:", "Who", "Sender",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def read_until(screen: int, text: str) -> str:
    said = ""
    while text not in said:
        assert select.select([screen], [], [], 30)[0], said
        said += os.read(screen, 1024).decode(errors="replace")
    return said


@pytest.mark.parametrize("value", ["plain", "with space", "a#b", "a=b", '"x"', "$HOME", ""])
def test_a_value_is_read_back_as_it_was_written(
    tmp_path: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "env"
    env_file.write(path, env_file.changed("", {"FINALE_SMTP_USER": value}))
    monkeypatch.delenv("FINALE_SMTP_USER", raising=False)
    assert (load_settings(str(path)).smtp_user or "") == value


def test_a_second_line_of_a_name_does_not_win() -> None:
    assert env_file.changed("A=1\nB=2\nexport A=3\n", {"A": "4"}) == "A=4\nB=2\n"


def states(found: Any) -> list[tuple[str, str]]:
    return [(f.what, f.state) for f in found]


def test_the_doctor_warns_of_open_doors(tmp_path: Path) -> None:
    """A18: off loopback nothing is served without a token."""
    closed = Settings.model_validate({"home": tmp_path})
    assert states(installation.access(closed)) == [("access", "ok")]
    door = closed.model_copy(update={"ui_host": "0.0.0.0"})  # noqa: S104 - what it warns of
    (found,) = installation.access(door)
    assert (found.state, "without a token" in found.says, found.step != "") == (
        "warning",
        True,
        True,
    )
    api = closed.model_copy(update={"api_host": "192.0.2.1"})
    assert states(installation.access(api)) == [("access", "warning")]
    token = api.model_copy(update={"api_token": SecretStr("t")})
    assert states(installation.access(token)) == [("access", "ok")]
    writes = closed.model_copy(update={"allow_writes": True})
    assert states(installation.access(writes)) == [("access", "warning"), ("access", "ok")]
    writes = writes.model_copy(update={"api_token": SecretStr("t")})
    assert states(installation.access(writes)) == [("access", "ok")]


def test_the_doctor_asks_a_real_account_for_backups_and_the_watch(
    settings: Settings, tmp_path: Path
) -> None:
    sandbox = settings.model_copy(update={"home": tmp_path})
    real = sandbox.model_copy(update={"base_url": "https://app.finaleinventory.com"})
    assert states([*installation.backups(sandbox), *installation.watched(sandbox)]) == []
    assert states([*installation.backups(real), *installation.watched(real)]) == [
        ("backup", "warning"), ("watch", "warning"),
    ]  # fmt: skip
    assert finale(sandbox, "backup").code == 0
    assert finale(sandbox, "sync", "full").code == 0  # before it, the watch is not well
    assert finale(sandbox, "watch").code == 0
    assert states([*installation.backups(real), *installation.watched(real)]) == [
        ("backup", "ok"), ("watch", "ok"),
    ]  # fmt: skip
    (tmp_path / "last_backup").write_text("2026-01-01T00:00:00+00:00")
    assert "days old" in next(iter(installation.backups(real))).says
