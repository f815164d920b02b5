"""Every time at which something starts by itself, with its zone; a tick is decided just once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

import dagster as dg

from finale_pipeline.assets.due import last_tick
from finale_pipeline.assets.keys import key_of
from finale_pipeline.assets.partitions import today
from finale_pipeline.automation.housekeeping import housekeeping
from finale_pipeline.automation.jobs import SYNC_JOBS
from finale_pipeline.automation.location import stopped
from finale_pipeline.domain.syncs.strategy import SYNCS, assets_of
from finale_pipeline.domain.syncs.tags import ASKED_AT, REASON, STRATEGY
from finale_pipeline.errors import PipelineError
from finale_pipeline.resources import Finale, at_definition
from finale_pipeline.settings import OFF, Settings

P = ParamSpec("P")
R = TypeVar("R")
STATUS = {True: dg.DefaultScheduleStatus.RUNNING, False: dg.DefaultScheduleStatus.STOPPED}


def skips_on_error(tick: Callable[P, R]) -> Callable[P, R | dg.SkipReason]:
    """Have a tick skip and say why where it meets an error of ours: a reason, not a crash."""

    @wraps(tick)
    def skipping(*args: P.args, **kwargs: P.kwargs) -> R | dg.SkipReason:
        try:
            return tick(*args, **kwargs)
        except PipelineError as error:
            return dg.SkipReason(f"{error.what} {error.step}")

    return skipping


def cron_of(name: str) -> tuple[str, bool]:
    """Return a schedule's cron time, and whether the settings switch it on."""
    cron = str(at_definition(f"schedule_{name}"))
    if cron == OFF:
        return str(Settings.model_fields[f"schedule_{name}"].default), False
    return cron, True


def switched_on(instance: dg.DagsterInstance) -> dict[str, str]:
    """Return the cron times of the syncs' schedules that are on, in the settings and in Dagster."""
    off = stopped(instance, at_definition("location"))
    crons = {name: cron_of(name) for name in SYNCS if f"{name}_schedule" not in off}
    return {name: cron for name, (cron, is_on) in crons.items() if is_on}


def due_times(instance: dg.DagsterInstance, zone: str, now: datetime) -> Mapping[str, datetime]:
    """Return the schedules that are switched on, with their newest due time up to now."""
    return {name: last_tick(cron, zone, now) for name, cron in switched_on(instance).items()}


def _schedule(name: str) -> dg.ScheduleDefinition:
    cron, is_on = cron_of(name)
    zone = str(at_definition("timezone"))

    @dg.schedule(
        name=f"{name}_schedule",
        job=SYNC_JOBS[name],
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=STATUS[is_on],
        description=f"{SYNC_JOBS[name].description} Skips, and says why, when another sync does its"
        " work.",
    )
    @skips_on_error
    def schedule(
        context: dg.ScheduleEvaluationContext, finale: Finale
    ) -> dg.RunRequest | dg.SkipReason:
        from finale_pipeline.sync.ticks import decide  # nothing at import

        now, tick_at = finale.now(), context.scheduled_execution_time.astimezone(UTC)
        with finale.warehouse() as connection:
            decision = decide(
                connection,
                finale.settings(),
                schedule=name,
                tick_at=tick_at,
                now=now,
                due=due_times(context.instance, zone, now),
            )
        if not decision.is_run:
            return dg.SkipReason(str(decision.reason))
        tags = {STRATEGY: decision.strategy, ASKED_AT: tick_at.isoformat()}
        if decision.reason:
            tags[REASON] = decision.reason
        return dg.RunRequest(
            run_key=f"{name} {tick_at.isoformat()}",
            partition_key=today(now),
            asset_selection=[key_of(asset) for asset in assets_of(decision.strategy)],
            tags=tags,
        )

    return schedule


def _housekeeping() -> dg.ScheduleDefinition:
    cron, is_on = cron_of("housekeeping")
    return dg.ScheduleDefinition(
        name="housekeeping_schedule",
        job=housekeeping,
        cron_schedule=cron,
        execution_timezone=str(at_definition("timezone")),
        default_status=STATUS[is_on],
        description="Deletes what is older than the settings keep.",
    )


SCHEDULES = [*(_schedule(name) for name in SYNCS), _housekeeping()]
