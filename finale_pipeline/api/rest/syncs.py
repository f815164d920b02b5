"""`/api/sync-finale`: start syncs; critical items, schedules, status, health, metrics, history."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, Response

from finale_pipeline.api.rest import monitoring
from finale_pipeline.api.rest.openapi import good, listed, problems
from finale_pipeline.api.rest.pagination import AsForm, Reads, answer
from finale_pipeline.api.rest.responses import CSV, as_csv, as_json, form_of, in_words
from finale_pipeline.api.rest.sync_requests import SyncRequest, start_sync
from finale_pipeline.api.server.actors import Actor, Key
from finale_pipeline.api.server.context import AsOf, Shared, Warehouse
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import runs as runs_reads

router = APIRouter(prefix="/api/sync-finale", tags=["sync"], responses=problems())

Strategy = Literal["smart", "critical", "inventory", "active", "full", "vendors", "sales"]
STARTED = {
    "run_id": "0a4f6a56-93d5-4b0c-8e3a-1f2f1d1a7c55",
    "strategy": "inventory",
    "reason": "last good sync 43 min ago, under 120",
    "asked_at": "2026-03-09T12:00:00+00:00",
    "run_url": "http://127.0.0.1:3000/runs/0a4f6a56-93d5-4b0c-8e3a-1f2f1d1a7c55",
    "status_url": "/api/sync-finale/status",
}
RUNNING = "A sync works on these tables; `running` says which, since when, how far."
TRIGGER: dict[str, Any] = {
    "status_code": 202,
    "responses": problems(conflict=RUNNING)
    | good("The sync was started in Dagster.", STARTED, status=202),
}


class SyncBody(BaseModel):
    """Which sync to start."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"strategy": "smart"}})

    strategy: Strategy = Field(
        "smart", description="smart takes the one that fits the age of the last good sync."
    )


@router.post("", summary="Start a sync", **TRIGGER)
def sync(
    context: Shared,
    connection: Warehouse,
    actor: Actor,
    body: SyncBody | None = None,
    key: Key = None,
) -> Response:
    """Start a sync in Dagster, where it shows with the tag `finale/trigger=api`.

    It is refused with 409 while another one works on the same tables; nothing waits in line.
    """
    request = SyncRequest((body or SyncBody.model_validate({})).strategy, actor, key)
    return as_json(start_sync(connection, context, request), 202)


def _starts(strategy: Strategy, about: str) -> None:
    """Declare the address that starts one strategy."""

    @router.post(
        f"/{strategy}",
        name=f"sync_{strategy}",
        summary=f"Start the {strategy} sync",
        description=about,
        **TRIGGER,
    )
    def start(context: Shared, connection: Warehouse, actor: Actor, key: Key = None) -> Response:
        return as_json(start_sync(connection, context, SyncRequest(strategy, actor, key)), 202)


_starts("inventory", "Read all places and all stock.")
_starts("critical", "Read all stock, for what runs out; the fastest.")
_starts("vendors", "Read all vendors.")


@router.get(
    "/critical",
    summary="Items that are out or low",
    responses=good(
        "Each critical item once.",
        {
            "totals": {"critical": 2, "out_of_stock": 1, "below_reorder_point": 1},
            "out_of_stock": [{"sku": "TEA-1", "available_units": 0}],
            "below_reorder_point": [{"sku": "TEA-2", "available_units": 3}],
            "low_without_reorder_point": [],
        },
        forms=(CSV,),
    ),
)
def critical(
    request: Request,
    connection: Warehouse,
    headers: AsOf,
    form: AsForm = None,
) -> Response:
    """Return what is out, what is below its reorder point, and totals; CSV by Accept."""
    rows = [dict(in_words(row)) for row in incidents_reads.critical(connection)]
    if form_of(request, form, ("json", "csv")) == "csv":
        columns = list(rows[0]) if rows else ["sku", "name", "level", "available_units", "why"]
        return as_csv(rows, columns, "critical", headers)
    names = ("out_of_stock", "below_reorder_point", "low_without_reorder_point")
    parts = {name: [row for row in rows if _part(row) == name] for name in names}
    risk = sum((row["money_at_risk"] or 0 for row in rows), start=0)
    totals = {"critical": len(rows)} | {name: len(items) for name, items in parts.items()}
    return as_json({"totals": totals | {"money_at_risk": risk}, **parts}, headers=headers)


def _part(row: dict[str, Any]) -> str:
    if row["level"] == "out":
        return "out_of_stock"
    by_setting = row["threshold_source"] == "default"
    return "low_without_reorder_point" if by_setting else "below_reorder_point"


@router.get(
    "/status",
    summary="What runs, and how the last syncs ended",
    responses=good("The status.", {"state": "idle", "running": [], "last": []}),
)
def status(context: Shared, connection: Warehouse, headers: AsOf) -> Response:
    """Return idle, running, error or warning; progress, last runs, statistics of seven days."""
    return as_json(monitoring.status(connection, now=context.clock()), headers=headers)


@router.get(
    "/health",
    summary="Whether all parts are well",
    responses=good("Healthy or degraded.", {"status": "healthy", "parts": {}}),
)
def health(context: Shared) -> Response:
    """Return healthy, degraded or unhealthy (with 503), for each part and over all."""
    state = monitoring.health(context)
    return as_json(state, 503 if state["status"] == "unhealthy" else 200)


@router.get(
    "/metrics",
    summary="Numbers for monitoring",
    responses=good("The metrics.", {"finale_stock_age_seconds": 240}, forms=("text/plain",)),
)
def metrics(request: Request, context: Shared, connection: Warehouse) -> Response:
    """Return the metrics as JSON, or as Prometheus reads them when it accepts text."""
    values = monitoring.metrics(connection, context.settings, now=context.clock())
    accepted = request.headers.get("accept", "")
    if "text/plain" in accepted or "openmetrics" in accepted:
        return PlainTextResponse(monitoring.prometheus(values))
    return as_json(values)


@router.get(
    "/history",
    summary="Sync runs, newest first",
    responses=listed(
        runs_reads.HISTORY,
        (
            "run_id strategy trigger reason status started_at finished_at progress rows_done "
            "api_calls bytes counts error_kind error"
        ),
    ),
)
def history(
    *,
    reading: Reads,
    strategy: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=40)] = None,
    trigger: Annotated[str | None, Query(max_length=40)] = None,
    since: Annotated[datetime | None, Query(description="Started then or later.")] = None,
    until: Annotated[datetime | None, Query(description="Started before.")] = None,
) -> Response:
    """Return pages of the ledger."""
    filters = {
        "strategy": strategy,
        "status": status,
        "trigger": trigger,
        "since": since,
        "until": until,
    }
    return answer(reading, runs_reads.HISTORY, filters)
