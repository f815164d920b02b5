"""Every drill of `finale drill` holds; the quick ones are played with the tests."""

from pathlib import Path

import pytest

from finale_pipeline.drills.registry import Drill, drills
from finale_pipeline.drills.scene import Stage

ALL = [
    pytest.param(drill, id=drill.name, marks=() if drill.is_quick else pytest.mark.slow)
    for drill in drills()
]


@pytest.mark.parametrize("drill", ALL)
def test_it_survives(drill: Drill, server: str, upgraded: str, tmp_path: Path) -> None:
    with Stage(tmp_path, server, upgraded).scene() as scene:
        drill.play(scene)


def test_each_has_a_name_of_its_own() -> None:
    names = [drill.name for drill in drills()]
    assert len(names) == len(set(names))


def test_the_promises_show_the_last_outcome_of_every_drill() -> None:
    page = (Path(__file__).parent.parent / "docs" / "promises.md").read_text(encoding="utf-8")
    shown = [
        line for line in page.splitlines() if line.startswith("| `") and "| survived |" in line
    ]
    assert {line.split("`")[1] for line in shown} == {drill.name for drill in drills()}
