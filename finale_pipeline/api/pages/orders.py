"""Pages that draft orders: what would be sent, with its warnings, then the button, then the end."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.rest.orders import carried_out, drafting_context
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.server.render import html
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.ordering import drafting
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.warehouse.reads import worklist as worklist_reads
from finale_pipeline.warehouse.reads.drafts import ORDERS

router = APIRouter(include_in_schema=False)

SHOWN = 60


@router.get("/orders")
@router.get("/orders/draft")
def orders(context: Shared, connection: Warehouse) -> HTMLResponse:
    """Show the orders that were drafted, newest first."""
    query = f"{ORDERS.query} ORDER BY intended_at DESC, reference LIMIT {SHOWN}"
    rows = connection.rows(query)
    return _result(context, rows, own=worklist_reads.account_currency(connection))


class DraftForm(BaseModel):
    """The button beside orders of the plan; `seen` is the digest of what was shown before."""

    vendor: Annotated[
        list[Annotated[Text, Field(max_length=300, pattern=r"^\P{C}+$")]],
        Field(min_length=1, max_length=300),
    ]
    on: date
    seen: Annotated[str, Field(max_length=100)] | None = None


@router.post("/orders/draft")
def draft(context: Shared, form: Annotated[DraftForm, Form()], actor: OnPage) -> Response:
    """Show what would be sent; with `seen`, send it if it is still that."""
    request = DraftRequest(actor, vendors=tuple(form.vendor), on=form.on, seen=form.seen)
    try:
        preview = drafting.previewed(drafting_context(context), request)
        digest = preview.digest()
        if form.seen != digest or not context.settings.allow_writes:
            return html(
                context.settings,
                "order_confirm.html",
                status=200 if form.seen is None else 409,
                page="orders",
                preview=preview,
                seen=digest,
                vendors=form.vendor,
                changed=bool(form.seen),
                allowed=context.settings.allow_writes,
            )
        result = carried_out(context, request, confirm=lambda now: now.digest() == form.seen)
    except PipelineError as error:
        status = 422 if isinstance(error, ConfigError) else 503
        return _result(context, [], f"{error.what} {error.data} {error.step}", status=status)
    except Problem as problem:
        return _result(context, [], problem.detail, status=problem.status)
    names = {p.request.vendor_url: p for p in result.proposals}
    rows = [
        row.as_dict() | {"vendor": names[row.vendor_url].request.vendor, "place": ""}
        for row in result.rows.values()
    ]
    notes = [] if result.error is None else [f"{result.error.what} {result.error.step}"]
    notes += [p.says for p in result.proposals if p.says]
    return _result(context, rows, " ".join(notes))


def _result(
    context: Context,
    rows: list[dict[str, Any]],
    notice: str = "",
    *,
    status: int = 200,
    own: str | None = None,
) -> HTMLResponse:
    return html(
        context.settings,
        "orders.html",
        status=status,
        page="orders",
        orders=rows,
        notice=notice,
        own=own,
    )
