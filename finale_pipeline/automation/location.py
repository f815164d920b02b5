"""What of a shared instance of Dagster is this account's: its runs, its schedules and sensors."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

REPOSITORY = ".dagster/repository"
"""Tag that Dagster gives to each run that it launches: of which code location it is."""


def run_tags(location: str | None) -> dict[str, str]:
    """Return the tags by which Dagster's runs of this account are found; none = all are."""
    return {REPOSITORY: f"__repository__@{location}"} if location else {}


def stopped(instance: "DagsterInstance", location: str | None) -> set[str]:
    """Return what a person switched off of an account's schedules and sensors; None = of all."""
    return {
        state.name
        for state in instance.all_instigator_state()
        if state.status.value == "STOPPED"
        and location in {None, state.origin.repository_origin.code_location_origin.location_name}
    }
