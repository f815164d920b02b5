"""The pages: HTML of the same data; nothing from other hosts, and none needs its script."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import HTMLResponse, Response

from finale_pipeline.api.pages.decisions import WORDS
from finale_pipeline.api.rest import monitoring
from finale_pipeline.api.server.context import Shared, Warehouse
from finale_pipeline.api.server.problems import there
from finale_pipeline.api.server.render import html, runbook
from finale_pipeline.clock import business_day
from finale_pipeline.finale.links import order_page, pages_of, product_page
from finale_pipeline.planning.agreements import WORDS as TERM_WORDS
from finale_pipeline.planning.charts import product_chart
from finale_pipeline.warehouse import terms
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import drafts as drafts_reads
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import mails as mails_reads
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import products as products_reads
from finale_pipeline.warehouse.reads import runs as runs_reads
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.reads import vendors as vendors_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

router = APIRouter(include_in_schema=False)

FILES = FilePath(__file__).parent / "templates"
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)

Sku = Annotated[str, Path(max_length=300)]


@router.get("/style.css")
@router.get("/app.js")
def file(request: Request) -> Response:
    """Return how pages look, or what makes the keyboard work; every page does without that."""
    path = FILES / request.url.path.lstrip("/")
    kind = "text/css" if path.suffix == ".css" else "text/javascript"
    return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": "max-age=300"})


@router.get("/changes")
def changes(context: Shared, connection: Warehouse) -> HTMLResponse:
    """Show what went out, low or well again, and what people decided, since yesterday."""
    since = context.clock() - timedelta(days=1)
    return html(
        context.settings,
        "changes.html",
        page="today",
        changes=incidents_reads.changes(connection, since),
        count=incidents_reads.changes_count(connection, since),
    )


@router.get("/products/{sku:path}")
def product(
    context: Shared,
    connection: Warehouse,
    sku: Sku,
    done: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> HTMLResponse:
    """Show a product."""
    item = there(products_reads.product(connection, sku), "product", "No product has this SKU.")
    url, now = item["product_url"], context.clock()
    fixed = terms.of(connection, "product", url)
    pages = pages_of(context.settings)
    about = products_reads.about(connection, url)
    today = business_day(now, context.settings.zone)
    read_on = stock_reads.last_day(connection) or today
    drafted = drafts_reads.lines(connection, plan_reads.newest_day(connection))
    return html(
        context.settings,
        "product.html",
        page="",
        item=item,
        incident=incidents_reads.open_of(connection, url, now),
        about=about,
        price=_list_price(about["facts"]),
        own=worklist_reads.account_currency(connection),
        finale=product_page(pages, url),
        order_link=lambda order_url: order_page(pages, order_url),
        chart=product_chart(connection, url, item["forecast"], item["available_units"], read_on),
        terms=fixed,
        term_vendor=vendors_reads.name_of(connection, fixed["vendor_url"] or ""),
        term_words=TERM_WORDS,
        history=terms.history(connection, "product", url),
        suppliers=vendors_reads.enabled(connection),
        planned=plan_reads.planned(connection, [url]),
        drafted={product_url for _, product_url in drafted},
        done=incidents_reads.choice(connection, done) if done else None,
        words=WORDS,
        tomorrow=today + timedelta(days=1),
    )


def _list_price(facts: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first price of a product's list, with its currency and the margin over cost."""
    for entry in facts["prices"] or []:
        try:
            price = Decimal(str(entry["price"]))
        except (KeyError, TypeError, InvalidOperation):
            continue
        cost = facts["cost"]
        margin = (price - cost) / price if price > 0 and cost is not None else None
        return {"price": price, "currency": entry.get("currencyUomId"), "margin": margin}
    return None


@router.get("/search")
def search(
    context: Shared, connection: Warehouse, q: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Find products, vendors and categories."""
    return html(
        context.settings, "search.html", page="search", q=q, **_results(connection, q, 100, 20)
    )


@router.get("/search/hits")
def hits(
    context: Shared, connection: Warehouse, q: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Return the first that are found, as a list under the field."""
    return html(context.settings, "hits.html", **_results(connection, q, 8, 3))


def _results(connection: Connection, q: str, products: int, others: int) -> dict[str, Any]:
    text = q.strip()
    return {
        "products": products_reads.search(connection, text, most=products) if text else [],
        "others": products_reads.named_like(connection, text, most=others) if text else {},
    }


@router.get("/syncs")
def syncs(context: Shared, connection: Warehouse) -> HTMLResponse:
    """Show what runs and how syncs ended."""
    status = monitoring.status(connection, now=context.clock())
    runs = runs_reads.newest_runs(connection)
    return html(context.settings, "syncs.html", page="syncs", syncs=status, runs=runs)


@router.get("/outbox")
def outbox(context: Shared, connection: Warehouse) -> HTMLResponse:
    """Show the mails."""
    return html(context.settings, "outbox.html", page="outbox", mails=mails_reads.mails(connection))


@router.get("/outbox/{message_id}")
def mail(context: Shared, connection: Warehouse, message_id: str) -> HTMLResponse:
    """Show a mail; its HTML stands in a frame that can do nothing."""
    stored = _mail(connection, message_id)
    return html(context.settings, "mail.html", page="outbox", mail=stored)


@router.get("/outbox/{message_id}/body")
def mail_body(connection: Warehouse, message_id: str) -> HTMLResponse:
    """Return a mail's HTML, with a policy under which it runs and loads nothing."""
    stored = _mail(connection, message_id)
    return HTMLResponse(stored["body_html"], headers={"Content-Security-Policy": MAIL_POLICY})


def _mail(connection: Warehouse, message_id: str) -> dict[str, Any]:
    return there(mails_reads.mail(connection, message_id), "mail", "There is no such mail.")


@router.get("/runbooks/{kind}")
def runbook_page(context: Shared, kind: str) -> HTMLResponse:
    """Show what to do when a mail of a kind has come."""
    text = there(runbook(kind), "runbook", "There is no such runbook.")
    return html(context.settings, "runbook.html", page="", kind=kind, text=text)
