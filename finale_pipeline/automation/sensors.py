"""What starts or ends because of the state of things: unfinished syncs, dead and stuck runs."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from finale_pipeline.assets.keys import key_of
from finale_pipeline.assets.partitions import today
from finale_pipeline.assets.setting_check import SETTING_CHECK, check_settings
from finale_pipeline.automation.jobs import SYNC_JOBS
from finale_pipeline.automation.location import run_tags
from finale_pipeline.automation.schedules import skips_on_error
from finale_pipeline.domain.syncs.tags import STRATEGY
from finale_pipeline.resources import Finale, at_definition
from finale_pipeline.text import markdown

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

ALIVE = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
STARTUP = timedelta(minutes=5)
"""So long a run's process may take until it is in the ledger."""
WIND_UP = timedelta(minutes=2)
"""So long a run may take from its ledger's end to its own: checks, last events."""


@dg.sensor(
    jobs=[SYNC_JOBS["full"], SYNC_JOBS["active"]],
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Starts the first full sync of an empty warehouse, and lets a full or active sync"
    " go on that was killed, interrupted or deferred.",
)
@skips_on_error
def unfinished_syncs(
    context: dg.SensorEvaluationContext, finale: Finale
) -> dg.RunRequest | dg.SkipReason:
    """Ask for the large sync that should go on."""
    from finale_pipeline.sync.unfinished import unfinished  # nothing at import

    with finale.warehouse() as connection:
        sync = unfinished(connection, now=finale.now())
    if sync is None:
        return dg.SkipReason("No large sync is unfinished.")
    if sync.dagster_run_id and _was_cancelled(context.instance, sync.dagster_run_id):
        return dg.SkipReason(f"The {sync.strategy} sync was cancelled by a person.")
    return dg.RunRequest(
        run_key=sync.key, job_name=f"{sync.strategy}_sync", partition_key=today(finale.now())
    )


def _was_cancelled(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    cancelled = {dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING}
    return run is not None and run.status in cancelled


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=20,
    description="Closes runs whose process was killed, and cancels syncs that gave no sign of life"
    " for too long: in the ledger and here.",
)
@skips_on_error
def dead_and_stuck_runs(context: dg.SensorEvaluationContext, finale: Finale) -> dg.SkipReason:
    """Close what is dead; Dagster itself does not notice a killed process."""
    from finale_pipeline.warehouse import leases  # nothing at import

    now = finale.now()
    closed = 0
    silent = timedelta(minutes=finale.settings().stuck_minutes)
    with finale.warehouse() as connection:
        ended = leases.mark_crashed_runs(connection, now=now)
        ended += leases.cancel_stuck(connection, now=now, silent=silent)
        ours = dg.RunsFilter(statuses=list(ALIVE), tags=run_tags(at_definition("location")))
        for run in context.instance.get_run_records(ours):
            if why := _why_over(connection, run, now):
                context.instance.report_run_failed(run.dagster_run, message=why)
                closed += 1
    if not ended and not closed:
        return dg.SkipReason("Every run that says so is alive.")
    numbers = ", ".join(str(run.run_id) for run in ended) or "none"
    return dg.SkipReason(f"Ended syncs: {numbers}; closed {closed} of Dagster's runs.")


def _why_over(connection: "Connection", run: dg.RunRecord, now: datetime) -> str | None:
    """Say why a run that Dagster believes to be alive is over; None when it may be alive."""
    from finale_pipeline.warehouse.reads import runs  # nothing at import

    ours = runs.of_dagster(connection, run.dagster_run.run_id)
    if ours is None:
        created = run.create_timestamp.astimezone(UTC)
        begun = datetime.fromtimestamp(run.start_time, UTC) if run.start_time else created
        is_ours = STRATEGY in run.dagster_run.tags
        too_late = is_ours and now - begun > STARTUP
        return "Its process did not begin its work; it must have died." if too_late else None
    if ours.status == "running" or ours.finished_at is None:
        return None
    is_over = ours.error_kind in {"CRASHED", "STUCK"} or now - ours.finished_at > WIND_UP
    return (ours.error or "Its process is gone.") if is_over else None


@dg.sensor(
    name="settings_watch",
    target=None,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Shows a wrong setting as a failed check of facilities, and that it was mended.",
)
def settings_watch(context: dg.SensorEvaluationContext, finale: Finale) -> dg.SensorResult:
    """Tell of the settings when what there is to say of them has changed."""
    result = check_settings(finale)
    says = result.why or "The settings are right."
    if says == (context.cursor or "The settings are right."):
        return dg.SensorResult(skip_reason=says)
    evaluation = dg.AssetCheckEvaluation(
        asset_key=key_of(SETTING_CHECK.asset),
        check_name=SETTING_CHECK.name,
        passed=result.passed,
        severity=result.severity or SETTING_CHECK.severity,
        description=markdown(result.why) or None,
    )
    return dg.SensorResult(asset_events=[evaluation], cursor=says)


SENSORS = [unfinished_syncs, dead_and_stuck_runs, settings_watch]
