"""The first page: what must be decided, and the list to decide it in."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.decisions import WORDS
from finale_pipeline.api.pages.worklist import TABS, ListQuery, asked_of, totals
from finale_pipeline.api.rest import monitoring, sync_requests
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import AsOf, Context, Shared, Warehouse
from finale_pipeline.api.server.render import html
from finale_pipeline.clock import business_day
from finale_pipeline.domain.replenishment.reasons import short_reason
from finale_pipeline.finale.links import order_page, pages_of
from finale_pipeline.warehouse import views
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import catalogue as catalogue_reads
from finale_pipeline.warehouse.reads import drafts as drafts_reads
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

router = APIRouter(include_in_schema=False)


@router.get("/")
def today(
    request: Request,
    context: Shared,
    connection: Warehouse,
    asked: Annotated[ListQuery, Query()],
    actor: OnPage,
    _as_of: AsOf,
) -> Response:
    """Show what must be decided, with what is at stake, and how fresh the data are."""
    if any(not value for value in request.query_params.values()):
        # A form sends its empty fields, too; an address to keep has none.
        return RedirectResponse(f"/?{asked.here()}", status_code=303)
    now = context.clock()
    read_at = stock_reads.stock_read_at(connection)
    day = plan_reads.newest_day(connection)
    running = sync_requests.running(connection, now=now)
    if read_at is None or (day is None and running):
        return _first_sync(context, connection, running)
    counts = worklist_reads.counts(connection, now)
    listing = worklist_reads.page(
        connection,
        day,
        now,
        asked.filters,
        tab=asked.tab,
        sort=asked.sort,
        number=asked.page or 1,
        rows=asked.page_rows,
        decided=None if asked.looks_at_decided else counts["decided"],
    )
    orders = plan_reads.vendor_totals(connection, day)
    own = worklist_reads.account_currency(connection)
    today = business_day(now, context.settings.zone)
    return html(
        context.settings,
        "today.html",
        page="today",
        asked=asked,
        listing=listing,
        tabs=TABS,
        rows=[item | {"reason": _reason(item)} for item in listing.rows],
        own=own,
        summary=counts,
        orders=len({row["vendor_url"] for row in orders}),
        totals=totals(orders, "total", own),
        late=worklist_reads.late_orders(connection, today),
        changes=incidents_reads.changes_count(connection, now - timedelta(days=1)),
        locations=worklist_reads.locations(connection),
        views=worklist_reads.views(connection, actor),
        age_minutes=round((now - read_at).total_seconds() / 60),
        read_at=read_at,
        drafts=drafts_reads.to_look_at(connection, now),
        health=monitoring.health_by(connection, now=now),
        done=incidents_reads.choice(connection, asked.done) if asked.done else None,
        tomorrow=today + timedelta(days=1),
        words=WORDS,
    )


def _reason(item: Row) -> str:
    return short_reason(
        item["units_per_day"],
        item["flags"],
        due_on=item["due_on"],
        due_units=item["due_units"],
        overdue_units=item["overdue_units"],
        on_order_units=item["on_order_units"],
    )


def _first_sync(context: Context, connection: Connection, running: list[Any]) -> HTMLResponse:
    """Say how far the first sync is; the page looks again by itself."""
    return html(
        context.settings,
        "first_sync.html",
        page="today",
        run=running[0] if running else None,
        percent=round(100 * (running[0]["progress"] or 0)) if running else 0,
        products=catalogue_reads.live_rows(connection, "core.product"),
        last=monitoring.status(connection, now=context.clock())["last"],
    )


@router.get("/arrivals")
def arrivals(
    context: Shared, connection: Warehouse, *, late: Annotated[bool, Query()] = False
) -> HTMLResponse:
    """Show purchase orders with something still to come: all, or those that are late."""
    today = business_day(context.clock(), context.settings.zone)
    return html(
        context.settings,
        "arrivals.html",
        page="today",
        late=late,
        orders=worklist_reads.open_orders(connection, today, only_late=late),
        own=worklist_reads.account_currency(connection),
        link=lambda order_url: order_page(pages_of(context.settings), order_url),
    )


class ViewForm(BaseModel):
    """A view to keep, or to keep no longer."""

    name: Annotated[Text, Field(min_length=1, max_length=60, pattern=r"\S")]
    query: Annotated[Text, Field(max_length=2_000)] = ""
    do: Annotated[str, Field(pattern="^(keep|forget)$")] = "keep"


@router.post("/views")
def view(
    context: Shared, connection: Warehouse, form: Annotated[ViewForm, Form()], actor: OnPage
) -> Response:
    """Keep what the list is asked for under a name, or keep it no longer."""
    query = asked_of(form.query)
    if form.do == "keep":
        views.keep(connection, actor, form.name.strip(), query.query(), now=context.clock())
    else:
        views.forget(connection, actor, form.name)
    return RedirectResponse(f"/?{query.here()}", status_code=303)
