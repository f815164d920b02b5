"""Forms that change many lines of the plan at once, or the terms that it is made by."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from finale_pipeline.api.pages.forms import FormBody, Posted
from finale_pipeline.api.pages.plan import address, vendors_page
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.planning import agreements, proposing
from finale_pipeline.planning.edits import Author
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

router = APIRouter(include_in_schema=False)

Key = Annotated[Text, Field(min_length=1, max_length=300)]
Units = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)] | None
NOTHING_MOVES = {
    "horizon": "Nothing more becomes due in that time.",
    "budget": "All of it fits into that amount.",
    "minimum": "Every minimum is met, or nothing can be raised.",
}


class ProposalForm(FormBody):
    """What is to be proposed for the ticked vendors, or without ticks for all."""

    day: date
    kind: Literal["horizon", "budget", "minimum"]
    days: Annotated[int, Field(ge=1, le=365)] = 14
    amount: Annotated[Decimal, Field(gt=0, le=10**12)] | None = None
    vendor: list[Annotated[Text, Field(max_length=300)]] = Field([])


@router.post("/plan/propose")
def propose(
    context: Shared, connection: Warehouse, form: Annotated[ProposalForm, Form()], actor: OnPage
) -> Response:
    """Change quantities of many lines; the change can be undone as one."""
    if form.day != plan_reads.newest_day(connection):
        return vendors_page(context, connection, status=409, old_day=form.day)
    author = Author(actor, context.clock())
    if form.kind == "horizon":
        change = proposing.order_ahead(
            connection, context.settings, form.day, form.vendor, days=form.days, author=author
        )
    elif form.kind == "minimum":
        change = proposing.raise_to_minimum(connection, form.day, form.vendor, author=author)
    elif form.amount is None:
        raise Problem(422, "An amount is needed to stay within it. Nothing was changed.")
    else:
        own = worklist_reads.account_currency(connection)
        change = proposing.spend_at_most(
            connection, form.day, form.vendor, amount=form.amount, currency=own, author=author
        )
    if change is None:
        return vendors_page(context, connection, notice=NOTHING_MOVES[form.kind])
    return RedirectResponse(f"/plan?changed={change}", status_code=303)


@router.post("/plan/undo")
def undo(
    context: Shared,
    connection: Warehouse,
    change: Annotated[int, Form(ge=1, le=2**62)],
    actor: OnPage,
) -> Response:
    """Make the lines of a change again what they were."""
    proposing.undo(connection, change, Author(actor, context.clock()))
    return RedirectResponse(f"/plan?changed={change}", status_code=303)


@router.post("/plan/suppliers")
def suppliers(context: Shared, connection: Warehouse, fields: Posted, actor: OnPage) -> Response:
    """Keep the suppliers that were chosen for lines without one: `u1` is the product, `w1` whom."""
    changes: dict[str, dict[str, Any]] = {}
    for name, chosen in fields.items():
        if name.startswith("w") and chosen.strip():
            product = fields.get(f"u{name[1:]}", "")
            changes[product] = {"vendor_url": agreements.vendor_url(connection, chosen.strip())}
    if changes:
        _agree(context, connection, "product", changes, actor)
    return RedirectResponse(address("", saved=True), status_code=303)


def _agree(
    context: Context,
    connection: Connection,
    scope: str,
    changes: Mapping[str, Mapping[str, Any]],
    actor: str,
) -> None:
    now = context.clock()
    agreements.agree(connection, context.settings, scope, changes, actor=actor, now=now)


class ProductTerms(FormBody):
    """What is fixed for a product; an empty field = not fixed."""

    product: Key
    supplier: Key | None = None
    reorder_point_units: Units = None
    maximum_units: Units = None
    minimum_order_units: Units = None
    pack_units: Units = None
    is_never_ordered: bool = False


@router.post("/terms/product")
def product_terms(
    context: Shared, connection: Warehouse, form: Annotated[ProductTerms, Form()], actor: OnPage
) -> Response:
    """Fix a product's terms; what follows from them is decided at once."""
    values = form.model_dump(exclude={"product", "supplier"})
    values["vendor_url"] = (
        agreements.vendor_url(connection, form.supplier) if form.supplier else None
    )
    _agree(context, connection, "product", {form.product: values}, actor)
    return RedirectResponse(f"/products/{quote(form.product, safe='')}#terms", status_code=303)


class VendorTerms(FormBody):
    """What is agreed with a vendor; an empty field = nothing is."""

    vendor: Key
    minimum_order_value: Units = None
    lead_time_days: Units = None
    review_period_days: Units = None
    cover_days: Units = None


@router.post("/terms/vendor")
def vendor_terms(
    context: Shared, connection: Warehouse, form: Annotated[VendorTerms, Form()], actor: OnPage
) -> Response:
    """Fix what is agreed with a vendor; what follows from it is decided at once."""
    _agree(context, connection, "vendor", {form.vendor: form.model_dump(exclude={"vendor"})}, actor)
    return RedirectResponse(f"{address(form.vendor)}#terms", status_code=303)
