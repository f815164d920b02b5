"""The documents are true where a machine can tell."""

import re
from pathlib import Path

import pytest

from finale_pipeline import cli

PROJECT = Path(__file__).parents[1]
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]
README = PROJECT / "README.md"
COMMANDS = PROJECT / "docs" / "commands.md"
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_command_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    commands = re.findall(r"^  (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    assert {"dev", "sync", "status"} <= set(commands)
    named = COMMANDS.read_text(encoding="utf-8")
    assert [command for command in commands if f"`finale {command}" not in named] == []


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_every_place_that_is_pointed_at_exists() -> None:
    section = CONTRIBUTING.read_text(encoding="utf-8").partition("## Where things live")[2]
    rows = [row for row in section.partition("\n## ")[0].splitlines() if row.startswith("| ")][2:]
    for row in rows:
        folder = PROJECT
        for path in re.findall(r"`([\w/]+(?:\.py|/))`", row):
            there = PROJECT / path if "/" in path else folder / path
            assert there.exists(), path
            folder = there.parent if there.is_file() else there


def test_pictures_are_small() -> None:
    for picture in PROJECT.glob("docs/pictures/*"):
        assert picture.stat().st_size < 150_000, picture.name


def test_every_test_that_the_promises_name_exists() -> None:
    promises = (PROJECT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", promises))
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in PROJECT.glob("finale_pipeline_tests/**/*.py")
    )
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()
