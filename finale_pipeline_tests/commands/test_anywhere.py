"""Every command, in every state that a new user or a bad day can bring: never a trace."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from finale_pipeline.cli import COMMANDS, main
from finale_pipeline.settings import Settings, setting_name
from finale_pipeline.warehouse import embedded
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import call, command, environment

ARGUMENTS = {
    "sync": ["full"], "approve": ["1", "--yes"], "reject": ["1"], "alerts": ["list"],
    "explain": ["A"], "forecast": ["plan"], "orders": ["list"], "points": ["list"],
    "restore": ["none.dump"], "db": ["url"], "serve": ["web", "--check"],
}  # fmt: skip
FOR_EVER = {"dev", "api", "sandbox", "drill"}
"""They serve until they are stopped, or bring all that they need: tests of their own start them."""
ASKS = {"init"}
TRIED = sorted(set(COMMANDS) - FOR_EVER - ASKS)

Ran = tuple[int, str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs a command in a folder of its own, with no setting but those given."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(setting_name(name), raising=False)

    def ran(command: str, **settings: str) -> Ran:
        for name, value in settings.items():
            monkeypatch.setenv(f"FINALE_{name.upper()}", value)
        code = main([command, *ARGUMENTS.get(command, [])])
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return code, said.err + said.out

    return ran


def assert_said_what_to_do(ran: Ran, *words: str) -> None:
    code, said = ran
    assert code in {0, 3, 4, 5, 6, 7, 8, 9}
    assert any(word in said for word in words), said


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose source does not answer."""
    for name, value in {
        "ACCOUNT": "demo", "API_KEY": "k", "API_SECRET": "s", "BASE_URL": "http://127.0.0.1:9",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"FINALE_{name}", value)


@pytest.mark.parametrize("command", ["status", "doctor", "watch"])
@pytest.mark.parametrize("home", ["new", "empty"])
def test_who_only_looks_starts_nothing_in_a_new_folder(
    run: Callable[..., Ran], tmp_path: Path, command: str, home: str
) -> None:
    if home == "empty":
        (tmp_path / ".finale").mkdir()
    code, said = run(command)
    assert code in {4, 9}
    assert "Nothing was set up here" in said
    assert "finale dev" in said
    assert "finale init" in said
    assert not (tmp_path / ".finale" / "postgres").exists()


@pytest.mark.parametrize("command", TRIED)
def test_a_database_without_tables_gets_them_from_whichever_command_comes_first(
    run: Callable[..., Ran], empty_url: str, command: str
) -> None:
    looks = {"status", "doctor", "watch", "backup", "restore", "db", "serve"}
    ran = run(command, database_url=empty_url)
    if command in looks:
        assert_said_what_to_do(ran, "finale", "postgresql://", "does not answer")
        return
    with connect(empty_url, name="t") as connection:
        assert connection.execute("SELECT count(*) FROM core.product").fetchone() == (0,)


@pytest.mark.parametrize("command", TRIED)
@pytest.mark.parametrize(("version", "says"), [("0000", "older"), ("9999", "newer")])
def test_another_schema_is_refused_with_the_way_on(
    run: Callable[..., Ran], url: str, command: str, version: str, says: str
) -> None:
    with connect(url, name="t") as connection:
        connection.execute("UPDATE ops.schema_version SET version_num = %s", (version,))
    code, said = run(command, database_url=url)
    if command in {"backup", "db", "restore", "serve"}:
        return
    assert code in {4, 9}
    assert says in said
    assert ("finale db upgrade" if says == "older" else "update this one") in said


@pytest.mark.parametrize("command", TRIED)
def test_a_database_that_is_down_is_named(run: Callable[..., Ran], command: str) -> None:
    down = f"postgresql://u:hidden@127.0.0.1:{free_port()}/x"
    code, said = run(command, database_url=down)
    assert "hidden" not in said
    if command not in {"db", "restore", "serve"}:
        assert code in {8, 9}
        assert "does not answer" in said


@pytest.mark.parametrize("command", TRIED)
def test_a_disk_that_takes_nothing_is_named(run: Callable[..., Ran], command: str) -> None:
    ran = run(command, home="/proc/finale")
    assert_said_what_to_do(ran, "FINALE_HOME", "Nothing was set up", "/proc/finale", "no none.dump",
                           "does not answer")  # fmt: skip
    assert embedded.running_url(Path("/proc/finale/postgres")) is None


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root mounts")
@pytest.mark.parametrize("command_name", [*TRIED, "dev"])
def test_a_disk_that_became_read_only_is_named(tmp_path: Path, command_name: str) -> None:
    """As after a fault of the disk: all was set up, and its database does not run."""
    tmp_path.chmod(0o755)
    settings = Settings.model_validate({"home": tmp_path / "home"})
    assert call(settings, "db", "upgrade").code == 0
    embedded.stop(settings.home / "postgres")
    arguments = [command_name, *ARGUMENTS.get(command_name, [])]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", READ_ONLY, str(settings.home), *command(*arguments)],  # noqa: S607
        env=environment(settings), cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert done.returncode in {4, 8, 9}, said
    assert "Read-only file system" in said or command_name in {"status", "restore", "serve"}, said
