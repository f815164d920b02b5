"""`/api/adjustments`: what buyers know of demand: promotions, planned quantities, successors."""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.rest.openapi import good, problems
from finale_pipeline.api.rest.responses import as_json
from finale_pipeline.api.server.actors import Actor
from finale_pipeline.api.server.context import Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse.adjustments import (
    Adjustment,
    Kind,
    NewAdjustment,
    Scope,
    adjust,
    listed,
    url_of,
    withdraw,
)
from finale_pipeline.warehouse.connect import Connection

router = APIRouter(prefix="/api/adjustments", tags=["plan"], responses=problems())

SENT: dict[str, Any] = {
    "kind": "times",
    "value": 1.5,
    "from_on": "2026-12-01",
    "until_on": "2026-12-24",
    "note": "advent",
}
EXAMPLE = SENT | {
    "adjustment_id": 7,
    "scope": "product",
    "about": "TEA-01",
    "predecessor": None,
    "made_by": "Anna (api)",
    "made_at": "2026-03-09T07:00:00Z",
    "says": "TEA-01: 1.5 times from 2026-12-01 to 2026-12-24",
}

AdjustedName = Annotated[Text, Field(min_length=1, max_length=300)]


class AdjustmentBody(BaseModel):
    """What a buyer knows of demand."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": SENT | {"name": "TEA-01"}}
    )

    scope: Scope = "product"
    name: AdjustedName = Field(description="SKU, or the vendor's or category's name.")
    kind: Kind = Field(
        description="Demand is so many times what is expected; is so many units in all (of a"
        " product); or is that of a predecessor."
    )
    value: (
        Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6, allow_inf_nan=False)] | None
    ) = Field(None, description="Factor or units; null for a successor.")
    from_on: date | None = Field(None, description="The first day; null for a successor.")
    until_on: date | None = Field(None, description="The last day; null for a successor.")
    predecessor: AdjustedName | None = Field(None, description="SKU whose sales count as its own.")
    note: Annotated[Text, Field(max_length=500)] | None = Field(None, description="Why.")


@router.get("", responses=good("Those that hold.", {"adjustments": [EXAMPLE]}))
def adjustments(connection: Warehouse) -> Response:
    """List what buyers said of demand and have not taken back, the newest first; 500 at most."""
    return as_json({"adjustments": [_as_dict(row) for row in listed(connection)]})


@router.post("", status_code=201, responses=good("It is kept.", EXAMPLE, status=201))
def add(context: Shared, connection: Warehouse, actor: Actor, body: AdjustmentBody) -> Response:
    """Say what is known of demand; it counts from the next plan on, and is shown in its reasons."""
    number = write(connection, body, actor=actor, now=context.clock())
    row = next(row for row in listed(connection) if row.adjustment_id == number)
    return as_json(_as_dict(row), 201)


def write(connection: Connection, body: AdjustmentBody, *, actor: str, now: datetime) -> int:
    """Store what a buyer knows of demand; return its number.

    Raises:
        Problem: 422: it names nothing that there is, or cannot be.
    """
    try:
        adjustment = NewAdjustment(
            body.scope,
            url_of(connection, body.scope, body.name),
            body.kind,
            body.value,
            body.from_on,
            body.until_on,
            url_of(connection, "product", body.predecessor) if body.predecessor else None,
            body.note,
        )
        return adjust(connection, adjustment, actor=actor, now=now)
    except ConfigError as error:
        raise Problem(422, f"{error} Nothing was written.") from error


@router.delete("/{number}", responses=good("It is taken back.", {"withdrawn": 7}))
def take_back(
    context: Shared,
    connection: Warehouse,
    actor: Actor,
    number: Annotated[int, Path(ge=1, le=2**62)],
) -> Response:
    """Take one back; it stays in the records, and counts no more from the next plan on."""
    if not withdraw(connection, number, actor=actor, now=context.clock()):
        raise Problem(404, f"There is no adjustment {number} that holds.")
    return as_json({"withdrawn": number})


def _as_dict(row: Adjustment) -> dict[str, Any]:
    return {**asdict(row), "says": row.says}
