"""`/api/purchase-orders`: drafts in Finale, from a plan or from given lines, and their ledger."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.rest.openapi import good, listed, problems
from finale_pipeline.api.rest.pagination import Reads, answer
from finale_pipeline.api.rest.responses import XLSX, as_json, attachment
from finale_pipeline.api.server.actors import Actor, Key
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.domain.states import OrderState
from finale_pipeline.errors import ConfigError, NeedsDecision, SkippedError, WritesOff
from finale_pipeline.ordering import drafting, vendor_files, vendor_order
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest, RequestedLine
from finale_pipeline.ordering.drafting import DraftResult
from finale_pipeline.ordering.vendor_order import VendorOrder
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.reads import drafts as drafts_reads

router = APIRouter(prefix="/api/purchase-orders", tags=["orders"], responses=problems())

CONFLICT = (
    "Nothing was sent. `already_drafted`: this plan was drafted otherwise, or its draft's end is"
    " not known. `duplicates`: open orders have the same products; `duplicates` lists them,"
    " `accept_duplicates` sends it all the same. `drafting_running`: another process drafts just"
    " now; `Retry-After` says when again."
)

MOST_LINES = 1_000
EXAMPLE = {
    "plan_on": "2026-03-09",
    "dry_run": False,
    "error": None,
    "bodies": {},
    "proposals": [{"vendor": "Acme", "verdict": "send", "held_back": [], "duplicates": []}],
    "orders": [
        {
            "reference": "FP-20260309-10042-10001",
            "order_id": "FP260309-7QHZJ2KD3M",
            "state": "created",
            "differences": [],
        }
    ],
}


Name = Annotated[Text, Field(min_length=1, max_length=300)]
Number = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]


class OrderLineBody(BaseModel):
    """A line to order."""

    model_config = ConfigDict(extra="forbid")

    product: Name = Field(description="SKU, or product_url.")
    quantity: Annotated[Number, Field(gt=0)] = Field(description="Units.")
    unit_price: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="Price of one; null = the vendor's, as Finale has it."
    )


class Order(BaseModel):
    """What to draft: a day's plan, of one vendor or of all, or given lines of one vendor."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"vendor": "Acme", "dry_run": True}}
    )

    vendor: Name | None = Field(None, description="Name, partyId or vendor_url; null = all.")
    on: date | None = Field(None, description="Day of the plan; the newest unless given.")
    lines: Annotated[list[OrderLineBody], Field(min_length=1, max_length=MOST_LINES)] | None = (
        Field(None, description="Instead of the plan's; they need a vendor.")
    )
    place: Name | None = Field(None, description="Location, by name; null = the usual one.")
    dry_run: bool = Field(default=False, description="Show what would be sent, and send nothing.")
    again: bool = Field(default=False, description="One more order where there is one.")
    accept_duplicates: bool = Field(
        default=False, description="Open orders of the products are known."
    )

    @model_validator(mode="after")
    def _lines_have_a_vendor(self) -> Self:
        if self.lines and self.vendor is None:
            raise ValueError("lines need a vendor")
        return self


@router.post(
    "",
    summary="Draft purchase orders in Finale",
    status_code=201,
    responses=good("Drafted in Finale and read back.", EXAMPLE, status=201)
    | good("Nothing was to be sent: a dry run, or drafted already.", EXAMPLE)
    | good("Some order's end is not known yet: see its `state`.", EXAMPLE, status=202)
    | problems(conflict=CONFLICT),
)
def draft(context: Shared, actor: Actor, order: Order, key: Key = None) -> Response:
    """Create drafts, one per vendor and place; they are never committed by us.

    The same plan twice is one order. Refused with 403 while FINALE_ALLOW_WRITES is off, with 409
    while open orders have the same products and `accept_duplicates` is not set.
    """
    ask = _ask(order, actor, key)
    if order.dry_run:
        preview = drafting.previewed(drafting_context(context), ask)
        return as_json(preview.as_dict(is_dry=True))
    result = carried_out(context, ask)
    if result.error is not None and not result.rows:
        raise result.error
    conflicts = [p for p in result.proposals if p.verdict == "conflict"]
    if conflicts and len(conflicts) == len(result.proposals):
        raise Problem(409, conflicts[0].says, code="already_drafted")
    return as_json(result.as_dict(is_dry=False), _status(result))


Document = Annotated[
    Literal["pdf", "xlsx"], Query(alias="format", description="pdf, or a workbook.")
]
FILES = {
    "pdf": (vendor_files.as_pdf, "application/pdf"),
    "xlsx": (vendor_files.as_workbook, XLSX),
}


@router.get(
    "/{reference}/document",
    summary="An order as it goes to its vendor",
    responses=good("The document.", {}, forms=("application/pdf", XLSX)),
)
def document(
    context: Shared, connection: Warehouse, reference: Name, form: Document = "pdf"
) -> Response:
    """Return a drafted order as a document to send: their SKUs, packs, prices, and no more."""
    return document_of(lambda: vendor_order.of_draft(connection, context.settings, reference), form)


def document_of(make: Callable[[], VendorOrder], form: str) -> Response:
    """Return an order as a document.

    Raises:
        Problem: 404: there is nothing to order.
    """
    try:
        order = make()
    except ConfigError as error:
        raise Problem(404, f"{error.what} {error.step}") from error
    write, media = FILES[form]
    return Response(
        write(order),
        headers=attachment(f"{order.file_stem}.{form}"),
        media_type=media,
    )


def _status(result: DraftResult) -> int:
    if result.error is not None or any(
        row.state in order_writes.OPEN for row in result.rows.values()
    ):
        return 202
    is_replay = not result.proposals and result.rows
    return 201 if is_replay or any(p.sends for p in result.proposals) else 200


def _ask(order: Order, actor: str, key: str | None) -> DraftRequest:
    lines = tuple(RequestedLine(x.product, x.quantity, x.unit_price) for x in order.lines or ())
    others = order.model_dump(exclude={"lines", "dry_run"})
    return DraftRequest(actor, lines=lines, key=key, **others)


def drafting_context(context: Context) -> DraftingContext:
    """Return what drafting works with."""
    return DraftingContext(context.settings, context.clock, time.sleep)


def carried_out(
    context: Context,
    ask: DraftRequest,
    confirm: Callable[[DraftResult], bool] = lambda _: False,
) -> DraftResult:
    """Draft, and turn what only a person can decide into problems.

    Raises:
        Problem: 403: writing is off. 409: there are duplicates, or another one drafts.
    """
    try:
        return drafting.draft(drafting_context(context), ask, confirm=confirm)
    except WritesOff as error:
        detail = f"{error.what} {error.data} {error.step}"
        raise Problem(403, detail, code="writes_off") from error
    except NeedsDecision as error:
        duplicates = msgspec.json.decode(msgspec.json.encode(error.duplicates))
        detail = f"{error.what} {error.data} Look at them, then send accept_duplicates."
        raise Problem(409, detail, code="duplicates", duplicates=duplicates) from error
    except SkippedError as error:
        raise Problem(
            409, error.what, code="drafting_running", headers={"Retry-After": "10"}
        ) from error


COLUMNS = (
    "reference order_id state plan_on vendor place lines units total attempts created_by "
    "intended_at sent_at settled_at order_url finale_status link differences warnings error"
)


@router.get("", summary="Orders that were drafted", responses=listed(drafts_reads.ORDERS, COLUMNS))
def orders(
    *,
    reading: Reads,
    state: Annotated[OrderState | None, Query()] = None,
    vendor: Annotated[str | None, Query(max_length=200)] = None,
    plan_on: Annotated[date | None, Query(alias="on", description="Day of the plan.")] = None,
) -> Response:
    """Return pages of the ledger, newest first."""
    filters = {"state": state, "vendor": vendor, "plan_on": plan_on}
    return answer(reading, drafts_reads.ORDERS, filters)
