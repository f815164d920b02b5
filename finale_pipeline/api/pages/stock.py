"""Pages about vendors, about too much stock, and about reorder points side by side."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.worklist import totals
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Shared, Warehouse
from finale_pipeline.api.server.problems import Problem, there
from finale_pipeline.api.server.render import html
from finale_pipeline.finale.links import order_page, pages_of
from finale_pipeline.planning import agreements
from finale_pipeline.planning.trend import DAYS, trend
from finale_pipeline.warehouse import terms
from finale_pipeline.warehouse.connect import Row
from finale_pipeline.warehouse.reads import decisions as decisions_reads
from finale_pipeline.warehouse.reads import excess as excess_reads
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import vendors as vendors_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

router = APIRouter(include_in_schema=False)

ROWS = 50
Number = Annotated[int, Query(ge=1, le=100_000)]
Name = Annotated[str | None, Query(max_length=300)]


@router.get("/vendors")
def vendors(context: Shared, connection: Warehouse) -> HTMLResponse:
    """Show how each vendor does."""
    scorecards = vendors_reads.scorecards(connection)
    own = worklist_reads.account_currency(connection)
    return html(context.settings, "vendors.html", page="vendors", vendors=scorecards, own=own)


@router.get("/vendors/{name:path}")
def vendor(
    context: Shared, connection: Warehouse, name: Annotated[str, Path(max_length=300)]
) -> HTMLResponse:
    """Show a vendor: how to reach it, what is open, how it delivers, what it costs."""
    scorecard = there(
        vendors_reads.scorecard(connection, name), "vendor", "No vendor is called so."
    )
    url, pages = scorecard["vendor_url"], pages_of(context.settings)
    orders = plan_reads.orders_of(connection, plan_reads.newest_day(connection), url)
    return html(
        context.settings,
        "vendor.html",
        page="vendors",
        v=scorecard,
        order=orders[0] if orders else None,
        own=worklist_reads.account_currency(connection),
        terms=terms.of(connection, "vendor", url),
        history=terms.history(connection, "vendor", url),
        term_words=agreements.WORDS,
        link=lambda order_url: order_page(pages, order_url),
        details=vendors_reads.details(connection, url),
    )


@router.get("/excess")
def excess(
    context: Shared,
    connection: Warehouse,
    *,
    vendor: Name = None,
    category: Name = None,
    kind: Annotated[Literal["dead", "slow"] | None, Query()] = None,
    page: Number = 1,
) -> HTMLResponse:
    """Show stock above what the cover needs, in units and money, and how long it lies."""
    day = plan_reads.newest_day(connection)
    filters = {
        "vendor": vendor,
        "category": category,
        "dead": None if kind is None else kind == "dead",
    }
    stock = excess_reads.excess(connection, day, filters, rows=ROWS, skip=(page - 1) * ROWS)
    products, sums = stock.products, stock.sums
    own = worklist_reads.account_currency(connection)
    return html(
        context.settings,
        "excess.html",
        page="excess",
        products=products,
        number=page,
        pages=-(-products[0]["many"] // ROWS) if products else 1,
        vendor=vendor,
        category=category,
        kind=kind,
        own=own,
        trend=trend(plan_reads.day_totals(connection, most=DAYS)),
        all=[row for row in sums if not row["by_vendor"] and not row["by_category"]],
        vendors=_grouped(sums, "vendor", own),
        categories=_grouped(sums, "category", own),
    )


def _grouped(sums: list[Row], name: str, own: str | None) -> list[dict[str, Any]]:
    """Return the sums of each vendor or category, kinds and currencies together."""
    groups: dict[str, list[Row]] = {}
    for row in sums:
        if row[f"by_{name}"]:
            groups.setdefault(row[name], []).append(row)
    grouped = [
        {
            "name": key,
            "products": sum(row["many"] for row in rows),
            "units": sum(row["excess_units"] for row in rows),
            "values": totals(rows, "value", own),
            "dead": totals([row for row in rows if row["is_dead"]], "value", own),
        }
        for key, rows in groups.items()
    ]
    return sorted(grouped, key=lambda group: -sum(group["values"].values()))[:30]


@router.get("/points")
def points(
    context: Shared,
    connection: Warehouse,
    *,
    q: Name = None,
    page: Number = 1,
    accepted: Annotated[int | None, Query(ge=0)] = None,
) -> HTMLResponse:
    """Show Finale's reorder points against ours, those that differ most first."""
    text = (q or "").strip()
    rows = decisions_reads.differing_points(connection, text, rows=ROWS, skip=(page - 1) * ROWS)
    return html(
        context.settings,
        "points.html",
        page="forecasts",
        rows=rows,
        number=page,
        pages=-(-rows[0]["many"] // ROWS) if rows else 1,
        q=text,
        accepted=accepted,
    )


class PointsForm(BaseModel):
    """Whose point is to hold, of the ticked products or of all that have both."""

    whose: Literal["finale", "ours"]
    everything: bool = False
    product: Annotated[list[Annotated[Text, Field(max_length=300)]], Field(max_length=1_000)] = []


@router.post("/points")
def points_accepted(
    context: Shared, connection: Warehouse, form: Annotated[PointsForm, Form()], actor: OnPage
) -> Response:
    """Make Finale's or our points the buyer's own."""
    if not form.everything and not form.product:
        raise Problem(422, "No product is ticked. Nothing was changed.")
    accepted = agreements.accept_points(
        connection,
        context.settings,
        form.whose,
        None if form.everything else form.product,
        actor=actor,
        now=context.clock(),
    )
    return RedirectResponse(f"/points?accepted={len(accepted)}", status_code=303)
