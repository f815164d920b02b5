"""The page that shows how good forecasts are, and takes what buyers know of demand."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.forms import Optional
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.server.render import html
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.policy_chart import policy_chart
from finale_pipeline.warehouse.adjustments import (
    Kind,
    NewAdjustment,
    Scope,
    adjust,
    listed,
    url_of,
    withdraw,
)
from finale_pipeline.warehouse.reads import forecasts as forecasts_reads

router = APIRouter(include_in_schema=False)

Name = Annotated[str | None, Query(max_length=300), Optional]
Named = Annotated[Text, Field(min_length=1, max_length=300)]


class AdjustmentForm(BaseModel):
    """What a buyer knows of demand.

    Attributes:
        name: SKU, vendor's name or category.
        from_on: The first day.
        until_on: The last one.
        predecessor: SKU of a successor's predecessor.
        withdraw: Number of one that is taken back; then nothing else is said.
    """

    scope: Scope = "product"
    name: Annotated[Named | None, Optional] = None
    kind: Kind = "times"
    value: Annotated[
        Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)] | None, Optional
    ] = None
    from_on: Annotated[date | None, Optional] = None
    until_on: Annotated[date | None, Optional] = None
    predecessor: Annotated[Named | None, Optional] = None
    note: Annotated[Annotated[Text, Field(max_length=500)] | None, Optional] = None
    withdraw: Annotated[int, Field(ge=1, le=2**62)] | None = None


@router.get("/forecasts")
def forecasts(
    context: Shared, connection: Warehouse, vendor: Name = None, sku: Name = None
) -> HTMLResponse:
    """Show how good forecasts are: of all, of a vendor, of a product."""
    scores = forecasts_reads.scores(connection)
    policies = [row for row in scores if not row["window_days"]]
    in_use = next((str(row["method"]) for row in scores if row["is_in_use"]), "")
    return html(
        context.settings,
        "forecasts.html",
        page="forecasts",
        vendor=vendor,
        sku=sku,
        outcomes=context.once(
            ("outcomes", vendor, sku),
            forecasts_reads.reckoned(connection),
            lambda: forecasts_reads.outcomes(connection, vendor=vendor, sku=sku),
        ),
        scores=scores,
        curve=policy_chart(policies, in_use) if policies else None,
        adjustments=listed(connection),
        least_rows=forecasts_reads.LEAST_ROWS,
    )


@router.post("/forecasts")
def adjusted(
    context: Shared,
    connection: Warehouse,
    form: Annotated[AdjustmentForm, Form()],
    actor: OnPage,
) -> Response:
    """Write what a buyer knows of demand, or take it back; it counts from the next plan on."""
    now = context.clock()
    if form.withdraw is not None:
        withdraw(connection, form.withdraw, actor=actor, now=now)
        return RedirectResponse("/forecasts#adjustments", status_code=303)
    try:
        adjustment = NewAdjustment(
            form.scope,
            url_of(connection, form.scope, form.name or ""),
            form.kind,
            form.value,
            form.from_on,
            form.until_on,
            url_of(connection, "product", form.predecessor) if form.predecessor else None,
            form.note,
        )
        adjust(connection, adjustment, actor=actor, now=now)
    except ConfigError as error:
        raise Problem(422, f"{error} Nothing was written.") from error
    return RedirectResponse("/forecasts#adjustments", status_code=303)
