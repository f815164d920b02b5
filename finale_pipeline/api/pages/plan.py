"""The pages of the purchase plan: the vendors, one vendor's lines, and the form that saves them."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.forms import Posted
from finale_pipeline.api.pages.plan_form import Form, read_form, seen
from finale_pipeline.api.pages.worklist import totals
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.server.render import html
from finale_pipeline.domain.replenishment.order_terms import OrderTerms, units_to_minimum
from finale_pipeline.planning.agreements import WORDS as TERM_WORDS
from finale_pipeline.planning.edits import Author, EditOutcome, edit
from finale_pipeline.planning.scores import method_change
from finale_pipeline.warehouse import plan_changes, terms
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import drafts as drafts_reads
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import vendors as vendors_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

BEGUN = ("intended", "refused")
"""States in which nothing went to Finale, so that the same button sends it."""
router = APIRouter(include_in_schema=False)

PAGE_LINES = 100
"""Lines of a page; a form's body has a limit."""
Vendor = Annotated[str, Query(max_length=300)]
Number = Annotated[int | None, Query(ge=1, le=2**62)]


@router.get("/plan")
def plan(context: Shared, connection: Warehouse, changed: Number = None) -> HTMLResponse:
    """Show from whom to order, for how much and until when."""
    return vendors_page(context, connection, changed=changed)


def vendors_page(
    context: Context,
    connection: Connection,
    *,
    status: int = 200,
    old_day: date | None = None,
    changed: int | None = None,
    notice: str = "",
) -> HTMLResponse:
    """Return the page of the vendors.

    Args:
        old_day: Of a plan that is over, for which a form came.
        changed: The change of many lines that was just made.
        notice: What else is to be told.
    """
    day = plan_reads.newest_day(connection)
    own = worklist_reads.account_currency(connection)
    sums = plan_reads.sums(connection, day)
    is_any_dropped = any(of_all["dropped"] for of_all, *_ in sums.values())
    drafts = drafts_reads.of_plan(connection, day)
    orders = plan_reads.orders_of(connection, day)
    vendors = {order["vendor_url"] for order in orders}
    return html(
        context.settings,
        "plan.html",
        status=status,
        page="plan",
        day=day,
        vendors=[_summed(order, sums[order["vendor_url"]], own) for order in orders],
        totals=totals((row for _, *rows in sums.values() for row in rows), "total", own),
        at_risk=sum(of_all["at_risk"] for of_all, *_ in sums.values()),
        lines_count=sum(order["lines"] for order in orders),
        own=own,
        dropped=plan_reads.lines(connection, day, is_dropped=True) if is_any_dropped else [],
        seen=seen,
        drafts=drafts,
        drafted=drafts_reads.lines(connection, day),
        other_drafts=[d for vendor, some in drafts.items() if vendor not in vendors for d in some],
        without_line=plan_reads.edits_without_line(connection, day),
        change=plan_changes.of(connection, changed) if changed else None,
        old_day=old_day,
        notice=notice,
        method_change=method_change(connection, day) if day else None,
    )


def _summed(order: Row, sums: list[Row], own: str | None) -> Row:
    """Return a vendor's order with what its lines to order add up to."""
    of_all, *per_currency = sums
    stated, takes = of_all["lead_days"] or (None, None)
    return order | {
        "totals": totals(per_currency, "total", own),
        "at_risk": of_all["at_risk"],
        "cover_days": of_all["cover_days"],
        "stated_days": stated,
        "takes_days": takes,
    }


@router.get("/plan/order")
def order(
    context: Shared,
    connection: Warehouse,
    *,
    vendor: Vendor = "",
    saved: bool = False,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Show what to order from a vendor, in fields that can be changed."""
    return order_page(context, connection, vendor, saved=saved, number=page)


@router.post("/plan")
def plan_changed(context: Shared, connection: Warehouse, fields: Posted, actor: OnPage) -> Response:
    """Save what was typed into a form, all of it or nothing."""
    try:
        form = read_form(fields)
    except (KeyError, ValueError) as error:
        raise Problem(400, "The form cannot be read.") from error
    if form.day != plan_reads.newest_day(connection):
        return vendors_page(context, connection, status=409, old_day=form.day)
    if form.has_wrong:
        return order_page(context, connection, form.vendor_url, status=422, form=form)
    author = Author(actor, context.clock(), insists=form.insists, stays=form.stays)
    outcome = edit(connection, form.day, form.vendor_url, form.changes, author)
    is_moved = outcome.conflicts or outcome.unknown
    if not is_moved and (form.insists or not outcome.refused):
        return RedirectResponse(address(form.vendor_url, saved=True), status_code=303)
    status = 409 if is_moved else 422
    return order_page(
        context, connection, form.vendor_url, status=status, form=form, outcome=outcome
    )


def address(vendor_url: str, *, saved: bool = False) -> str:
    """Return where a vendor's order is shown."""
    end = "&saved=true#saved" if saved else ""
    return f"/plan/order?vendor={quote(vendor_url, safe='')}{end}"


def order_page(
    context: Context,
    connection: Connection,
    vendor_url: str,
    *,
    status: int = 200,
    saved: bool = False,
    number: int = 1,
    form: Form | None = None,
    outcome: EditOutcome | None = None,
) -> HTMLResponse:
    """Return the page of one vendor's order."""
    day = plan_reads.newest_day(connection)
    lines = plan_reads.lines(connection, day, vendor_url)
    to_order = [line for line in lines if not line["is_dropped"]]
    orders = plan_reads.orders_of(connection, day, vendor_url)
    own = worklist_reads.account_currency(connection)
    sums = plan_reads.sums(connection, day, vendor_url)
    summed = _summed(orders[0], sums[vendor_url], own) if orders else None
    typed = form.typed if form else {}
    page_lines = to_order[(number - 1) * PAGE_LINES : number * PAGE_LINES]
    if typed:
        page_lines = [line for line in to_order if line["product_url"] in typed] or page_lines
    drafts = drafts_reads.of_plan(connection, day).get(vendor_url, [])
    return html(
        context.settings,
        "plan_order.html",
        status=status,
        page="plan",
        day=day,
        vendor_url=vendor_url,
        vendor=vendors_reads.name_of(connection, vendor_url),
        order=summed,
        lines=page_lines,
        many=len(to_order),
        number=number,
        pages=-(-len(to_order) // PAGE_LINES),
        dropped=[line for line in lines if line["is_dropped"]],
        hints=plan_reads.earlier_edits(connection, day),
        reaching=_reaching(summed, to_order) if summed else None,
        seen=seen,
        drafts=drafts,
        drafted=drafts_reads.lines(connection, day),
        button=button,
        saved=saved,
        form=form,
        outcome=outcome,
        own=own,
        terms=terms.of(connection, "vendor", vendor_url),
        history=terms.history(connection, "vendor", vendor_url),
        term_words=TERM_WORDS,
        suppliers=vendors_reads.enabled(connection) if not vendor_url else [],
    )


def _reaching(order: Row, lines: list[Row]) -> tuple[str, Any] | None:
    """Return which quantity of a line brings an order to its vendor's minimum.

    It is the line that was edited last, else the first.
    """
    if not lines:
        return None
    edited = [line for line in lines if line["edited_at"]]
    line = max(edited, key=lambda line: line["edited_at"]) if edited else lines[0]
    units = units_to_minimum(
        line["quantity_units"],
        unit_cost=line["unit_cost"],
        gap=order["minimum_gap"],
        terms=OrderTerms(line["pack_units"], line["minimum_order_units"]),
    )
    return None if units is None else (line["sku"], units)


def button(drafts: list[Row]) -> str:
    """Return what the button of a supplier says, by what was drafted of its lines.

    >>> button([]), button([{"state": "refused"}]), button([{"state": "created"}])
    ('Create draft in Finale…', 'Try the draft again…', 'Compare with the draft…')
    """
    if not drafts:
        return "Create draft in Finale…"
    is_begun = all(draft["state"] in BEGUN for draft in drafts)
    return "Try the draft again…" if is_begun else "Compare with the draft…"
