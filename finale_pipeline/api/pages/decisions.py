"""Decisions by the buttons of the pages and of the links in mails."""

import logging
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from pydantic import Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.forms import FormBody
from finale_pipeline.api.pages.worklist import asked_of
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.server.render import html
from finale_pipeline.clock import business_day
from finale_pipeline.errors import ConfigError
from finale_pipeline.notify import decisions, links
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import incidents
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.incidents import Choice
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import worklist as worklist_reads

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

SNOOZE_DAYS = 7
"""A snooze without a day lasts so long."""
ENTER = "enter"
"""What pressing Enter in a field sends: a snooze if a day was typed, else that it was seen."""
WORDS = {"acknowledged": "seen", "ordered": "ordered", "snoozed": "snoozed", "open": "open again"}
LINK_BUTTONS = {"acknowledged": "Seen", "ordered": "Ordered", "snoozed": "Snoozed for a week"}

ProductUrl = Annotated[Text, Field(max_length=300)]


class DecisionForm(FormBody):
    """The buttons under the list, or those of an item's own page.

    Attributes:
        product: The product_url of each item that is ticked.
        everything: Whether all that the list is asked for are meant, also on other pages.
        do: The button.
        until: Day on which a snooze ends.
        note: In their words.
        query: What the list was asked for; it is shown again.
        row: Where on the page the first of them stood.
        own_page: Whether it was sent from the page of the one item.
    """

    product: list[ProductUrl] = Field([], max_length=1_000)
    everything: bool = False
    do: Literal["acknowledged", "ordered", "snoozed", "open", "enter"]
    until: date | None = None
    note: Annotated[Text, Field(max_length=500)] | None = None
    query: Annotated[Text, Field(max_length=2_000)] = ""
    row: Annotated[int, Field(ge=1, le=1_000)] | None = None
    own_page: bool = False

    @property
    def state(self) -> str:
        """What was decided."""
        return self.do if self.do != ENTER else "snoozed" if self.until else "acknowledged"


@router.post("/decide")
def decided(
    context: Shared, connection: Warehouse, form: Annotated[DecisionForm, Form()], actor: OnPage
) -> Response:
    """Write what somebody decided about some items, all in one transaction; lead back."""
    asked = asked_of(form.query)
    now = context.clock()
    until = _end(form.state, form.until, context.settings, now)
    choice = Choice(form.state, actor, form.note, until)
    with connection.transaction():
        products = form.product
        if form.everything:
            day = plan_reads.newest_day(connection)
            products = worklist_reads.products(
                connection, day, now, asked.filters, tab=asked.tab, sort=asked.sort
            )
        if not products:
            raise Problem(422, "No item is ticked. Nothing was written.")
        chosen = incidents.choose(connection, products, choice, now=now)
        if chosen.choice_id is None:
            raise Problem(422, "None of these items is out or low any more. Nothing was written.")
    log.info("decision by %s: %s, %d items", actor, choice.state, len(chosen.incidents))
    return _back(
        form.query if not form.own_page else None, products[0], f"done={chosen.choice_id}", form.row
    )


class UndoForm(FormBody):
    """The button that takes a decision back."""

    choice: Annotated[int, Field(ge=1, le=2**62)]
    query: Annotated[Text, Field(max_length=2_000)] = ""
    product: ProductUrl | None = None


@router.post("/undo")
def undone(
    context: Shared, connection: Warehouse, form: Annotated[UndoForm, Form()], actor: OnPage
) -> Response:
    """Make items again what they were before a decision; those decided anew since stay."""
    asked_of(form.query)
    incidents.undo(connection, form.choice, actor=actor, now=context.clock())
    return _back(
        None if form.product else form.query, form.product or "", f"done={form.choice}", None
    )


def _back(query: str | None, product: str, done: str, row: int | None) -> RedirectResponse:
    """Lead back to the list, or without a query to the product's own page."""
    if query is None:
        address = f"/products/{quote(product, safe='')}?{done}#decision"
    else:
        address = f"/?{query}{'&' if query else ''}{done}" + (f"#i{row}" if row else "")
    return RedirectResponse(address, status_code=303)


def _end(state: str, day: date | None, settings: Settings, now: datetime) -> datetime | None:
    """Return when a decision ends; None = it is none that ends.

    Args:
        day: Day on which a snooze ends; None = after `SNOOZE_DAYS`.

    Raises:
        Problem: The day is over, or goes with no snooze.
    """
    if state != "snoozed":
        if day is not None:
            raise Problem(422, "A day goes with a snooze only. Nothing was written.")
        return None
    today = business_day(now, settings.zone)
    until = day or today + timedelta(days=SNOOZE_DAYS)
    if until <= today:
        raise Problem(422, f"A snooze ends after today; {until} is not. Nothing was written.")
    return datetime.combine(until, time(), settings.zone)


@router.get("/decide/{token}")
def link_opened(context: Shared, connection: Warehouse, token: str) -> HTMLResponse:
    """Show a mail's items; mail systems open links to look at them, so nothing is changed."""
    try:
        message_id = links.read(context.key, token, now=context.clock())
    except ConfigError as error:
        return _link_page(context, status=404, refused=f"{error.what} {error.step}")
    log.info("link of mail %s opened", message_id)
    return _link_page(context, connection, message_id, token)


@router.post("/decide/{token}")
def link_used(
    context: Shared,
    connection: Warehouse,
    token: str,
    state: Annotated[Literal["acknowledged", "ordered", "snoozed"], Form()],
    product: Annotated[list[ProductUrl], Form(min_length=1, max_length=1_000)],
) -> Response:
    """Decide about the ticked items of a mail."""
    now = context.clock()
    until = _end(state, None, context.settings, now)
    try:
        message_id = links.read(context.key, token, now=now)
        log.info("link of mail %s used: %s", message_id, state)
        decided = decisions.decide_by_link(
            connection, message_id, product, state=state, until=until, now=now
        )
    except ConfigError as error:
        refused = f"{error.what} {error.data} {error.step}"
        return _link_page(context, status=422, refused=refused)
    page = f"{LINK_BUTTONS[state]}: {len(decided)} of "
    return _link_page(context, connection, message_id, token, done=page)


def _link_page(
    context: Context,
    connection: Connection | None = None,
    message_id: str = "",
    token: str = "",
    *,
    done: str = "",
    refused: str = "",
    status: int = 200,
) -> HTMLResponse:
    items = decisions.items_of_mail(connection, message_id) if connection else []
    return html(
        context.settings,
        "decide.html",
        page="",
        status=status,
        items=items,
        token=token,
        done=f"{done}{len(items)} items." if done else "",
        refused=refused,
        states=LINK_BUTTONS,
    )
