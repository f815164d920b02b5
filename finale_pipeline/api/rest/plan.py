"""The purchase plan as data: read it as JSON, CSV or a workbook; change a line of it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.rest.openapi import WORKBOOK, good, problems
from finale_pipeline.api.rest.orders import Document, document_of
from finale_pipeline.api.rest.pagination import AsForm
from finale_pipeline.api.rest.responses import XLSX, as_csv, as_json, form_of, in_words
from finale_pipeline.api.rest.workbooks import as_xlsx
from finale_pipeline.api.server.actors import Actor
from finale_pipeline.api.server.context import AsOf, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.ordering import vendor_order
from finale_pipeline.planning.edits import Author, EditOutcome, Fields, LineChange, edit
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads
from finale_pipeline.warehouse.reads.plan import Plan

router = APIRouter(prefix="/api/purchase-plan", tags=["stock"], responses=problems())

LINE_COLUMNS = tuple(
    (
        "vendor sku vendor_sku name quantity_units suggested_units unit_cost suggested_cost "
        "line_total currency must_order_by_on stockout_on arrival_on urgency needs_data why "
        "edited_by edited_at edit_note flags flags_text"
    ).split()
)
ORDER_COLUMNS = tuple(
    (
        "vendor lines units total currency must_order_by_on arrival_on urgency "
        "minimum_order_value minimum_gap needs_data suggested_lines suggested_units "
        "suggested_total edited_lines dropped_lines"
    ).split()
)
FIXED = ("fixed_units", "fixed_cost")
"""Of a line, what only the log is written from."""
LINE = {
    "snapshot_on": "2026-03-09",
    "vendor_url": "/acme/api/partygroup/7",
    "product_url": "/acme/api/product/TEA-1",
    "version": "0:120:5",
}
CHANGED: dict[str, Any] = {
    "line": LINE | {"quantity_units": 144, "suggested_units": 120, "version": "31:120:5"},
    "is_changed": True,
    "order": {"vendor": "Acme", "total": 720, "minimum_gap": 0},
    "vendor_minimum_units": None,
}
CONFLICT = problems(
    conflict="The line is not what you saw, or a newer day was planned: read it again."
)[409]


class Edit(BaseModel):
    """What to change of a line; what is left out stays, null = back to the suggestion."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": LINE | {"quantity_units": 144}}
    )

    snapshot_on: date = Field(description="Day of the plan: the newest.")
    vendor_url: Annotated[Text, Field(max_length=300, description="Of the order.")]
    product_url: Annotated[Text, Field(max_length=300, description="Of the line.")]
    version: Annotated[Text, Field(max_length=100, description="Of the line, as you read it.")]
    quantity_units: Annotated[Decimal, Field(gt=0, le=10**9, decimal_places=6)] | None = Field(
        None, description="Units to order."
    )
    unit_cost: Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)] | None = Field(
        None, description="Price of one unit, in the line's currency."
    )
    is_dropped: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Not to be ordered; false brings it back.",
    )
    insist: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Keep a quantity although it breaks pack or minimum.",
    )
    note: Annotated[Text, Field(max_length=500)] | None = Field(None, description="Why.")

    def fields(self) -> Fields:
        """Return what was given of what can be changed."""
        names = {*Fields.__annotations__}
        return cast("Fields", self.model_dump(include=names, exclude_unset=True))


@router.get(
    "",
    summary="What to order from whom",
    responses=good(
        "Orders per vendor, with what buyers changed; `dropped` are lines not to be ordered.",
        {
            "snapshot_on": "2026-03-09",
            "orders": [{"vendor": "Acme", "order_lines": []}],
            "dropped": [],
        },
        forms=WORKBOOK,
    ),
)
def purchase_plan(
    *,
    request: Request,
    connection: Warehouse,
    headers: AsOf,
    on: Annotated[date | None, Query(description="Snapshot day; the newest unless given.")] = None,
    vendor: Annotated[str | None, Query(max_length=200)] = None,
    form: AsForm = None,
) -> Response:
    """Return orders with their lines: JSON, CSV of all lines to order, or a workbook."""
    plan = plan_reads.purchase_plan(connection, on, vendor)
    for order in plan.orders:
        order["order_lines"] = [in_words(line) for line in order["order_lines"]]
    plan = replace(plan, dropped=[dict(in_words(line)) for line in plan.dropped])
    chosen = form_of(request, form, ("json", "csv", "xlsx"))
    if chosen == "json":
        body = {"snapshot_on": plan.day, "orders": plan.orders, "dropped": plan.dropped}
        return as_json(body, headers=headers)
    name = f"purchase_plan_{plan.day}" if plan.day else "purchase_plan"
    if chosen == "csv":
        lines = [line for order in plan.orders for line in order["order_lines"]]
        return as_csv(lines, LINE_COLUMNS, name, headers)
    cover = _cover(plan, worklist_reads.account_currency(connection))
    response = as_xlsx(_sheets(plan), name, cover=cover)
    response.headers.update(headers)
    return response


@router.get(
    "/document",
    summary="What the plan orders from a vendor, as it goes to them",
    responses=good("The document.", {}, forms=("application/pdf", XLSX)),
)
def vendor_document(
    context: Shared,
    connection: Warehouse,
    vendor: Annotated[Text, Query(min_length=1, max_length=300, description="Name or vendor_url.")],
    on: Annotated[date | None, Query(description="Snapshot day; the newest unless given.")] = None,
    form: Document = "pdf",
) -> Response:
    """Return it as a proposal to send: their SKUs, packs, prices, and no more; it has no number."""
    settings = context.settings
    return document_of(lambda: vendor_order.of_plan(connection, settings, vendor, on), form)


def _cover(plan: Plan, own: str | None) -> list[tuple[str, object]]:
    """Return what is said on the first sheet: totals per currency, never added up over them.

    What has no currency of its own is in the account's.
    """
    totals: dict[str, Decimal] = {}
    for order in plan.orders:
        if order["total"] is not None:
            currency = order["currency"] or own or "account's currency"
            totals[currency] = totals.get(currency, Decimal(0)) + order["total"]
    return [
        ("Purchase plan", plan.day),
        ("Vendors", len(plan.orders)),
        ("Lines", sum(order["lines"] for order in plan.orders)),
        *((f"Total in {currency}", total) for currency, total in sorted(totals.items())),
        ("Late or due today", sum(order["urgency"] in {"late", "today"} for order in plan.orders)),
        ("Something is missing", sum(bool(order["needs_data"]) for order in plan.orders)),
        ("Dropped lines", len(plan.dropped)),
    ]


def _sheets(plan: Plan) -> list[tuple[str, tuple[str, ...], list[Any]]]:
    vendors = [(str(order["vendor"]), LINE_COLUMNS, order["order_lines"]) for order in plan.orders]
    dropped = [("Dropped", LINE_COLUMNS, plan.dropped)] if plan.dropped else []
    return [("Orders", ORDER_COLUMNS, plan.orders), *vendors, *dropped]


@router.patch(
    "/lines",
    summary="Change a line: quantity, price, or not to be ordered",
    responses=good("The line and its order as they are now.", CHANGED) | {409: CONFLICT},
)
def change_line(context: Shared, connection: Warehouse, actor: Actor, change: Edit) -> Response:
    """Change a line of the newest plan, if it is still what you saw.

    A quantity that is no multiple of the pack or below the minimum is refused with the nearest
    ones that can be ordered, unless you insist.
    """
    require_newest(connection, change.snapshot_on)
    author = Author(actor, context.clock(), note=change.note, insists=change.insist)
    url = change.product_url
    changes = {url: LineChange(change.version, change.fields())}
    outcome = edit(connection, change.snapshot_on, change.vendor_url, changes, author)
    _refuse(outcome, url)
    return as_json(
        {
            "line": in_words({k: v for k, v in outcome.lines[url].items() if k not in FIXED}),
            "is_changed": bool(outcome.saved),
            "order": outcome.order,
            "vendor_minimum_units": outcome.reaching.get(url),
        }
    )


def require_newest(connection: Warehouse, day: date) -> None:
    """Refuse to change a plan that another day's has replaced.

    Raises:
        Problem: 409, with the newest day.
    """
    newest = plan_reads.newest_day(connection)
    if newest is not None and day < newest:
        raise Problem(
            409,
            f"The plan of {newest} is newer; its lines are to be changed.",
            code="old_plan",
            snapshot_on=newest.isoformat(),
        )


def _refuse(outcome: EditOutcome, product_url: str) -> None:
    """Tell why nothing was changed.

    Raises:
        Problem: 404, 409 or 422.
    """
    if outcome.unknown:
        raise Problem(404, "The plan of that day has no such line.", code="unknown_line")
    if outcome.conflicts:
        raise Problem(
            409,
            "The line was changed since you read it; read it again.",
            code="line_changed",
            version=outcome.lines[product_url]["version"],
        )
    if outcome.refused:
        refusal = outcome.refused[product_url]
        raise Problem(
            422,
            f"It breaks: {', '.join(refusal.broken_rules)}. The nearest that can be ordered is"
            f" {refusal.nearest_units:f}; `insist` orders {refusal.wanted_units:f} all the same.",
            code="breaks_terms",
            broken_rules=list(refusal.broken_rules),
            nearest_units=float(refusal.nearest_units),
            below_units=None if refusal.below_units is None else float(refusal.below_units),
            above_units=float(refusal.above_units),
        )
