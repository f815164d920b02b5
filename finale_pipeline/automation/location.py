"""What of a shared instance of Dagster is this account's: its runs, its schedules and sensors."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Dagster exports what makes them and not their types.
    from dagster._core.scheduler.instigation import InstigatorState

REPOSITORY = ".dagster/repository"
"""Tag that Dagster gives to each run that it launches: of which code location it is."""


def run_tags(location: str | None) -> dict[str, str]:
    """Return the tags by which Dagster's runs of this account are found; none = all are."""
    return {REPOSITORY: f"__repository__@{location}"} if location else {}


def own(states: "Iterable[InstigatorState]", location: str | None) -> "list[InstigatorState]":
    """Return the schedules and sensors of this account's code location; None = it is alone."""
    return [
        state
        for state in states
        if location is None
        or state.origin.repository_origin.code_location_origin.location_name == location
    ]
