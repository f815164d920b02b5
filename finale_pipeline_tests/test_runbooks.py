"""C7: the commands that runbooks and the upgrade notes show are run as they stand there."""

import io
import re
import shlex
from pathlib import Path

import pytest

from finale_pipeline.cli import main
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.processes import environment
from finale_pipeline_tests.sync.helpers import contents, sync

DOCS = Path(__file__).parents[1] / "docs"
RUNBOOKS = DOCS / "runbooks"
FINALE = ".venv/bin/finale "


def shown(page: Path) -> list[list[str]]:
    """Return the commands of a page's blocks, in their order."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(FINALE)]


class Terminal:
    """A shell in a folder with a `.env`, of a system that is synced."""

    def __init__(self, settings: Settings, patch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.patch = patch

    def run(self, page: Path, **names: Path) -> list[str]:
        """Run what a page shows; names that stand for a file of the reader's are filled in."""
        commands = shown(page)
        assert commands
        for arguments in commands:
            self.patch.setattr("sys.stdin", io.StringIO("sandbox-key\nsandbox-secret\n"))
            given = [str(names.get(a.removesuffix(".dump"), a)) for a in arguments]
            assert main(given) == 0, arguments
        return [arguments[0] for arguments in commands]


@pytest.fixture
def terminal(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    here = settings.model_copy(update={"home": tmp_path / "home"})
    sync(here)
    for name, value in environment(here).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("FINALE_ACCOUNT=demo\nFINALE_TIMEZONE=UTC\n")
    return Terminal(here, monkeypatch)


def stored(settings: Settings) -> object:
    with connect(str(settings.database_url and settings.database_url.get_secret_value()),
                 name="t") as connection:  # fmt: skip
        return contents(connection)


def test_restoring_as_the_runbook_says(terminal: Terminal, tmp_path: Path) -> None:
    assert main(["backup", "kept.dump"]) == 0
    before = stored(terminal.settings)
    page = RUNBOOKS / "restore-a-database.md"
    assert terminal.run(page, BACKUP=tmp_path / "kept.dump")[:2] == ["backup", "restore"]
    assert stored(terminal.settings) == before


def test_moving_as_the_runbook_says(
    terminal: Terminal, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(terminal.settings)
    backup, restore, doctor = shown(RUNBOOKS / "move-host.md")
    assert main(backup) == 0
    monkeypatch.setenv("FINALE_DATABASE_URL", empty_url)
    assert (main(restore), main(doctor)) == (0, 0)
    there = terminal.settings.model_validate(terminal.settings.model_dump() | {
        "database_url": empty_url})  # fmt: skip
    assert stored(there) == before


def test_rotating_a_key_as_the_runbook_says(
    terminal: Terminal, sandbox: SandboxServer, tmp_path: Path
) -> None:
    assert terminal.run(RUNBOOKS / "rotate-a-key.md") == ["init", "sync"]
    assert "FINALE_API_SECRET=sandbox-secret" in (tmp_path / ".env").read_text()
    assert sandbox.base_url


def test_upgrading_and_going_back_as_the_notes_say(terminal: Terminal, tmp_path: Path) -> None:
    before = stored(terminal.settings)
    assert main(["backup", "kept.dump"]) == 0
    done = terminal.run(DOCS / "upgrading.md", BACKUP=tmp_path / "kept.dump")
    assert done == ["backup", "db", "doctor", "restore", "sync"]
    assert stored(terminal.settings) == before


def test_a_fact_has_one_page() -> None:
    """Two runbooks of one subject would soon say different things."""
    subjects = [page.stem.replace("-", "_") for page in RUNBOOKS.glob("*.md")]
    assert sorted(set(subjects)) == sorted(subjects)
