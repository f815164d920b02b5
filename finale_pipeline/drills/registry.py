"""Every drill: its name, what is done, what must hold; and how one ends."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from finale_pipeline.drills.scene import NotSurvived, Scene, Stage
from finale_pipeline.errors import ConfigError

MODULES = ("clocks", "source", "database", "mail")
"""Modules of this package that declare `DRILLS`; to add one, write it and name it here."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One thing that may go wrong.

    Attributes:
        name: What it is called, such as `stock-rows-missing`.
        inject: What is done, in a few words.
        expect: What must hold then, in a few words.
        play: Does it, and raises `NotSurvived` where that does not hold.
        is_quick: Whether it is over within a second; the tests play those each time.
    """

    name: str
    inject: str
    expect: str
    play: Callable[[Scene], object]
    is_quick: bool = False


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """How a drill ended.

    Attributes:
        drill: Which.
        lost: What did not hold; empty = it survived.
        seconds: How long it took.
    """

    drill: Drill
    lost: str
    seconds: float


def drills() -> list[Drill]:
    """Return all of them, in the order of their modules."""
    found: list[Drill] = []
    for name in MODULES:
        found += import_module(f"finale_pipeline.drills.{name}").DRILLS
    return found


def chosen(names: Sequence[str]) -> list[Drill]:
    """Return the drills of these names, or whose names begin so; all without names.

    Raises:
        ConfigError: There is none of a name.
    """
    known = drills()
    for name in names:
        if not any(drill.name.startswith(name) for drill in known):
            listed = ", ".join(drill.name for drill in known)
            raise ConfigError(f"{name!r} is no drill.", step=f"They are: {listed}.")
    return [d for d in known if not names or any(d.name.startswith(name) for name in names)]


def play(wanted: Sequence[Drill], stage: Stage) -> Iterator[DrillOutcome]:
    """Play drills one after the other, each on a scene of its own."""
    for drill in wanted:
        begun = time.monotonic()
        try:
            with stage.scene() as scene:
                drill.play(scene)
            lost = ""
        except NotSurvived as error:
            lost = str(error)
        except Exception as error:  # noqa: BLE001 - what nobody expected is lost, too
            lost = f"{type(error).__name__}: {error}"
        yield DrillOutcome(drill, " ".join(lost.split()), time.monotonic() - begun)


def table(outcomes: Sequence[DrillOutcome]) -> str:
    """Return a table of how they ended, in Markdown."""
    rows = [
        f"| `{one.drill.name}` | {one.drill.inject} | {one.drill.expect} |"
        f" {'lost: ' + one.lost.replace('|', '/') if one.lost else 'survived'} |"
        for one in outcomes
    ]
    return "\n".join(
        [
            "| drill | what is done | what must hold | |",
            "| --- | --- | --- | --- |",
            *rows,
        ]
    )


def total(outcomes: Sequence[DrillOutcome]) -> str:
    """Return how many survived."""
    lost = sum(1 for one in outcomes if one.lost)
    return f"{len(outcomes)} drills: {len(outcomes) - lost} survived, {lost} lost."
