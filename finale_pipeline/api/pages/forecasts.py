"""The page that shows how good forecasts are, and takes what buyers know of demand."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from pydantic import ConfigDict, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.forms import FormBody
from finale_pipeline.api.rest.adjustments import AdjustedName, AdjustmentBody, write
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Shared, Warehouse
from finale_pipeline.api.server.render import html
from finale_pipeline.planning.policy_chart import policy_chart
from finale_pipeline.warehouse.adjustments import Kind, listed, withdraw
from finale_pipeline.warehouse.reads import forecasts as forecasts_reads

router = APIRouter(include_in_schema=False)

Name = Annotated[str, Field(max_length=300)] | None


class ForecastQuery(FormBody):
    """Whose forecasts are looked at; of all without any."""

    vendor: Name = None
    sku: Name = None


class AdjustmentForm(FormBody, AdjustmentBody):
    """What a buyer knows of demand, or the number of what is taken back."""

    model_config = ConfigDict(extra="ignore")

    name: AdjustedName = ""
    kind: Kind = "times"
    withdraw: Annotated[int, Field(ge=1, le=2**62)] | None = None


@router.get("/forecasts")
def forecasts(
    context: Shared, connection: Warehouse, query: Annotated[ForecastQuery, Query()]
) -> HTMLResponse:
    """Show how good forecasts are: of all, of a vendor, of a product."""
    vendor, sku = query.vendor, query.sku
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
            ("outcomes", vendor, sku, forecasts_reads.reckoned(connection)),
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
    if form.withdraw is None:
        write(connection, form, actor=actor, now=now)
    else:
        withdraw(connection, form.withdraw, actor=actor, now=now)
    return RedirectResponse("/forecasts#adjustments", status_code=303)
