"""Every drill: its name, what is done, what must hold; and how one ends."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from finale_pipeline.drills.scene import NotSurvived, Scene, Stage
from finale_pipeline.errors import ConfigError

MODULES = ("clocks", "source", "database", "mail")
"""Modules of this package with drills; to add one, write it and name it here."""
Play = Callable[[Scene], object]
"""Does what a drill is about, and raises `NotSurvived` where what must hold does not."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One thing that may go wrong: what is done, and what must hold then, in a few words.

    The tests play each time those that are over within a second (`is_quick`).
    """

    name: str
    inject: str
    expect: str
    play: Play
    is_quick: bool = False


_drills: list[Drill] = []


def drill(inject: str, expect: str, *, is_quick: bool = False) -> Callable[[Play], Play]:
    """Declare the function below as the play of the drill of its name; see `Drill`."""

    def declare(play: Play) -> Play:
        name = play.__name__.strip("_").replace("_", "-")
        _drills.append(Drill(name, inject, expect, play, is_quick))
        return play

    return declare


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """How a drill ended; `lost` says what did not hold, empty = it survived."""

    drill: Drill
    lost: str
    seconds: float


def drills() -> list[Drill]:
    """Return all of them, in the order of their modules."""
    for name in MODULES:
        import_module(f"finale_pipeline.drills.{name}")
    return _drills


def chosen(names: Sequence[str]) -> list[Drill]:
    """Return the drills of these names, or whose names begin so; all without names.

    Raises:
        ConfigError: There is none of a name.
    """
    everything = drills()
    for name in names:
        if not any(one.name.startswith(name) for one in everything):
            listed = ", ".join(one.name for one in everything)
            raise ConfigError(f"{name!r} is no drill.", step=f"They are: {listed}.")
    return [d for d in everything if d.name.startswith(tuple(names) or "")]


def play(selected: Sequence[Drill], stage: Stage) -> Iterator[DrillOutcome]:
    """Play drills one after the other, each on a scene of its own."""
    for one in selected:
        begun, lost = time.monotonic(), ""
        try:
            with stage.scene() as scene:
                one.play(scene)
        except NotSurvived as error:
            lost = str(error)
        except Exception as error:  # noqa: BLE001 - what nobody expected is lost, too
            lost = f"{type(error).__name__}: {error}"
        yield DrillOutcome(one, " ".join(lost.split()), time.monotonic() - begun)


def table(outcomes: Sequence[DrillOutcome]) -> str:
    """Return a table of how they ended, in Markdown."""
    rows = [
        f"| `{one.drill.name}` | {one.drill.inject} | {one.drill.expect} |"
        f" {'lost: ' + one.lost.replace('|', '/') if one.lost else 'survived'} |"
        for one in outcomes
    ]
    head = ["| drill | what is done | what must hold | |", "| --- | --- | --- | --- |"]
    return "\n".join(head + rows)


def total(outcomes: Sequence[DrillOutcome]) -> str:
    """Return how many survived."""
    lost = sum(1 for one in outcomes if one.lost)
    return f"{len(outcomes)} drills: {len(outcomes) - lost} survived, {lost} lost."
