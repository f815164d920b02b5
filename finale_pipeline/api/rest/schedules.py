"""`/api/sync-finale/schedule`: when what starts by itself."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from finale_pipeline.api.rest import schedule_changes
from finale_pipeline.api.rest.openapi import good, problems
from finale_pipeline.api.rest.responses import as_json
from finale_pipeline.api.server.actors import Actor
from finale_pipeline.api.server.context import Shared
from finale_pipeline.settings import OFF

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
            message = "give `on`, `cron`, or both"
            raise ValueError(message)
        if self.is_off and self.on:
            message = "`off` contradicts `on`"
            raise ValueError(message)
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
    return as_json({"schedules": schedule_changes.shown(context)})


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
        cron = None if change.cron == schedule_changes.DEFAULT else change.cron
        schedule_changes.retime(context, change.name, cron, by=actor)
        within = schedule_changes.DAEMON_FOLLOWS.total_seconds()
    on = False if change.is_off else change.on
    if on is not None:
        schedule_changes.switch(context.dagster, change.name, on=on)
    body = {"schedules": schedule_changes.shown(context), "followed_within_seconds": within}
    return as_json(body)
