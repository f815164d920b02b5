"""What the doctor asks about running alone: daemons, schedules, locks, stuck runs, freshness."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from finale_pipeline.automation.location import own
from finale_pipeline.clock import utc_now
from finale_pipeline.health import rules
from finale_pipeline.health.findings import Finding
from finale_pipeline.warehouse import leases
from finale_pipeline.warehouse.connect import Connection, dagster_url

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

DAEMONS = {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING"}


def syncs(connection: Connection) -> Iterator[Finding]:
    """Examine runs, locks, holds, budget, data and freshness."""
    now = utc_now()
    crashed = leases.mark_crashed_runs(connection, now=now)
    if crashed:
        numbers = [run.run_id for run in crashed]
        yield Finding("syncs", "warning", f"Runs {numbers} had died; they are marked failed now.")
    yield rules.levels(connection)
    yield from rules.data(connection, now=now)
    yield from rules.runs(connection, now=now)
    yield from rules.source(connection, now=now)
    yield from rules.clock(connection, now=now)
    yield from rules.freshness(connection, now=now)


def dagster(settings: "Settings") -> Iterator[Finding]:
    """Examine Dagster's daemons, and which schedules and sensors are off."""
    home = (settings.home / "dagster").resolve()
    if not (home / "dagster.yaml").exists():
        yield Finding("daemons", "warning", "Dagster was never started here.", "finale dev")
        return
    from dagster import DagsterInstance  # noqa: PLC0415 - a second of imports

    os.environ["DAGSTER_POSTGRES_URL"] = dagster_url(settings)  # what dagster.yaml refers to
    with DagsterInstance.from_config(str(home)) as instance:
        yield _daemons(instance.get_daemon_statuses())
        states = own(instance.all_instigator_state(), settings.location)
        off = sorted(state.name for state in states if state.status.value == "STOPPED")
    if off:
        step = "Turn them on in Dagster's UI under Automation, if that was not meant."
        yield Finding("schedules", "warning", f"switched off: {', '.join(off)}", step)
    else:
        yield Finding("schedules", "ok", "none is switched off")


def _daemons(statuses: Any) -> Finding:
    silent = sorted(
        name for name, s in statuses.items() if name in DAEMONS and s.required and not s.healthy
    )
    if silent:
        says = f"no recent heartbeat: {', '.join(silent)}"
        return Finding("daemons", "warning", says, "Start it: finale dev, or the daemon's service.")
    return Finding("daemons", "ok", f"{len(DAEMONS & set(statuses))} alive")
