"""`/api/sync-finale/schedule`: when what starts by itself; changes of it: on, off, and when."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from finale_pipeline.api.rest.openapi import good, problems
from finale_pipeline.api.rest.responses import as_json
from finale_pipeline.api.server.actors import Actor
from finale_pipeline.api.server.context import Context, Shared
from finale_pipeline.api.server.dagster import Dagster
from finale_pipeline.api.server.problems import Problem, later
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import OFF, Settings
from finale_pipeline.settings.changed import SCHEDULES, ScheduleChange, changes, changing
from finale_pipeline.settings.cron import checked_cron, shortest_pause_minutes

log = logging.getLogger("finale_pipeline.api")

DEFAULT = "default"
LEAST_PAUSE = {
    "critical": 5,
    "inventory": 15,
    "smart": 30,
    "active": 60,
    "housekeeping": 60,
    "full": 360,
}
"""Minutes between two due times of a day: below them a sync would use up Finale's budgets, or meet
itself. A setting may go below them."""
DAEMON_FOLLOWS = timedelta(seconds=65)
"""Dagster's daemon looks every minute whether its code was loaded anew."""

router = APIRouter(prefix="/api/sync-finale", tags=["sync"], responses=problems())

SCHEDULE = {
    "schedules": [
        {
            "name": "critical",
            "on": True,
            "cron": "*/5 * * * *",
            "cron_from": "api",
            "changed_by": "Anna (api)",
            "changed_at": "2026-03-09T11:58:00+00:00",
            "zone": "Europe/Berlin",
            "last_at": "2026-03-09T12:00:00+00:00",
            "last_result": "SUCCESS",
            "next_at": "2026-03-09T12:05:00+00:00",
        }
    ]
}


class ScheduleBody(BaseModel):
    """What a schedule shall be; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"schedule": "critical", "cron": "*/5 * * * *"}},
    )

    schedule: Annotated[
        str, Field(min_length=1, max_length=60, pattern=r"^[a-z_]+$", description="Its name.")
    ]
    on: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Whether it shall start syncs."
    )
    cron: Annotated[str, Field(max_length=100)] | None = Field(
        None,
        description="When, as five fields of cron in its zone; `off` turns it off; null or"
        " `default` returns to the setting.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if "on" not in self.model_fields_set and "cron" not in self.model_fields_set:
            raise ValueError("give `on`, `cron`, or both")
        if self.is_off and self.on:
            raise ValueError("`off` contradicts `on`")
        return self

    @property
    def is_off(self) -> bool:
        """Whether it is given as a time that never comes."""
        return self.cron is not None and self.cron.strip().lower() == OFF

    @property
    def name(self) -> str:
        """Its name, as answers have it."""
        return self.schedule.removesuffix("_schedule")


@router.get("/schedule", summary="Schedules", responses=good("Every schedule.", SCHEDULE))
def schedule(context: Shared) -> Response:
    """Return each schedule: cron and where it is from, zone, on or off, last and next time.

    `cron_from` is `default`, `setting` (`FINALE_SCHEDULE_…`) or `api` (changed here; it goes
    before the setting until it is returned to it).
    """
    return as_json({"schedules": _schedules(context)})


@router.put(
    "/schedule",
    summary="Turn a schedule on or off, or change when it runs",
    responses=good("As it is now.", SCHEDULE | {"followed_within_seconds": 65}),
)
def put_schedule(context: Shared, change: ScheduleBody, actor: Actor) -> Response:
    """Change a schedule in Dagster, until it is changed again.

    Its daemon follows a new time within `followed_within_seconds`; on and off at once.
    """
    within = 0.0
    if "cron" in change.model_fields_set and not change.is_off:
        cron = None if change.cron == DEFAULT else change.cron
        _retime(context, change.name, cron, by=actor)
        within = DAEMON_FOLLOWS.total_seconds()
    on = False if change.is_off else change.on
    if on is not None:
        _switch(context.dagster, change.name, on=on)
    body = {"schedules": _schedules(context), "followed_within_seconds": within}
    return as_json(body)


def _schedules(context: Context) -> list[dict[str, Any]]:
    """Return every schedule with its last and next time, as Dagster has them."""
    changed = _changed(context)
    return [_as_dict(schedule, changed) for schedule in context.dagster.schedules()]


def _changed(context: Context) -> dict[str, ScheduleChange]:
    try:
        return changes(context.settings.home)
    except ConfigError as error:
        log.warning("%s", error)
        text = "The file of changed schedules cannot be read; the log says why."
        raise later(text, code="schedules_damaged", seconds=60) from error


def _as_dict(schedule: dict[str, Any], changed: dict[str, ScheduleChange]) -> dict[str, Any]:
    state, name = schedule["scheduleState"], _name(schedule)
    last = (state["ticks"] or [None])[0]
    following = (schedule["futureTicks"]["results"] or [None])[0]
    on = state["status"] == "RUNNING"
    change = changed.get(name)
    return {
        "name": name,
        "on": on,
        "cron": schedule["cronSchedule"],
        "cron_from": _source(name, schedule["cronSchedule"], change),
        "changed_by": change.by if change else None,
        "changed_at": change.at if change else None,
        "zone": schedule["executionTimezone"],
        "starts": schedule["pipelineName"],
        "last_at": _moment(last),
        "last_result": last["status"] if last else None,
        "last_run_ids": last["runIds"] if last else [],
        "last_reason": last["skipReason"] if last else None,
        "next_at": _moment(following) if on else None,
    }


def _source(name: str, cron: str, change: ScheduleChange | None) -> str:
    if change is not None:
        return "api"
    field = Settings.model_fields.get(f"schedule_{name}")
    return "default" if field is not None and field.default == cron else "setting"


def _name(schedule: dict[str, Any]) -> str:
    return str(schedule["name"]).removesuffix("_schedule")


def _moment(tick: dict[str, Any] | None) -> datetime | None:
    return datetime.fromtimestamp(tick["timestamp"], UTC) if tick else None


def _switch(dagster: Dagster, name: str, *, on: bool) -> None:
    schedule = _find(dagster, name)
    if (schedule["scheduleState"]["status"] == "RUNNING") != on:
        dagster.switch(schedule, on=on)


def _retime(context: Context, name: str, cron: str | None, *, by: str) -> None:
    """Give a schedule another time, and have Dagster load it; else nothing is changed.

    Args:
        cron: Five fields; None = as the setting says again.
    """
    _changed(context)
    _find(context.dagster, name)
    if name not in SCHEDULES:
        raise Problem(
            422,
            f"{name} has its time from FINALE_DIGEST_HOUR; it can be turned on and off.",
            code="fixed_schedule",
        )
    change = None
    if cron is not None:
        change = ScheduleChange(cron=_checked(name, cron), by=by, at=context.clock())
    try:
        with changing(context.settings.home, name, change):
            context.dagster.reload()
            taken = _find(context.dagster, name)["cronSchedule"]
            if change is not None and taken != change.cron:
                raise Problem(
                    503,
                    "Dagster's code server does not load schedules anew; restart it with"
                    f" FINALE_SCHEDULE_{name.upper()} instead. Nothing was changed.",
                    code="dagster_unavailable",
                )
    except OSError as error:
        raise ConfigError(
            f"{context.settings.home} takes no file: {error.strerror}.",
            data="Nothing was changed.",
            step="Make FINALE_HOME writable for the user of the API.",
        ) from error


def _checked(name: str, cron: str) -> str:
    """Return a time that may be; `off` is no time but a switch."""
    try:
        checked = checked_cron(cron)
    except ValueError as error:
        raise Problem(422, f"{error}. Nothing was changed.", code="invalid_cron") from None
    pause, least = shortest_pause_minutes(checked), LEAST_PAUSE[name]
    if pause < least:
        raise Problem(
            422,
            f"{cron!r} comes again after {pause} min; {name} may come every {least} min at"
            " most. Nothing was changed.",
            code="cron_too_often",
        )
    return checked


def _find(dagster: Dagster, name: str) -> dict[str, Any]:
    by_name = {_name(schedule): schedule for schedule in dagster.schedules()}
    if name not in by_name:
        raise Problem(404, f"Schedules are: {', '.join(by_name)}.", code="unknown_schedule")
    return by_name[name]
