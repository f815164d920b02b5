"""Decisions by the buttons of the pages: seen, ordered, quiet until a day, open again."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from finale_pipeline.api.rest.decisions import Snooze
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.clock import business_day

if TYPE_CHECKING:
    from datetime import datetime

    from finale_pipeline.settings import Settings

router = APIRouter(include_in_schema=False)

SNOOZE_DAYS = 7
"""A snooze without a day lasts so long."""
STATES = ("acknowledged", "ordered", "snoozed", "open")
ENTER = "enter"
"""What pressing Enter in a field sends: a snooze if a day was typed, else that it was seen."""
WORDS = {
    "acknowledged": "seen", "ordered": "ordered", "snoozed": "snoozed", "open": "open again",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """The form beside an item, as it came.

    Attributes:
        product_url: The item.
        state: What was decided.
        until: Day on which a snooze ends; None = in no snooze.
        note: In their words.
        row: Of the list it stood in, which is shown again there; None = the item's own page.
    """

    product_url: str
    state: str
    until: date | None
    note: str | None
    row: str | None

    @property
    def way_back(self) -> str:
        """The page that it was sent from, where the next item now has the row."""
        name = quote(self.product_url, safe="")
        if self.row is None:
            return f"/products/{name}?decided={name}#decision"
        return f"/?decided={name}#{self.row}"


@router.post("/")
async def decided(context: Shared, request: Request, actor: OnPage) -> Response:
    """Write what somebody decided about an item, and lead back to where they were."""
    try:
        sent = parse_qs((await request.body()).decode(), max_num_fields=10)
        form = read_form({name: values[-1] for name, values in sent.items()}, _today(context))
    except ValidationError as error:
        said = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        raise Problem(422, f"{said}. Nothing was written.") from error
    except (KeyError, ValueError) as error:
        raise Problem(400, "The form cannot be read.") from error
    return await run_in_threadpool(_decide, context, form, actor)


def _decide(context: Context, form: Form, actor: str) -> Response:
    context.decisions.decide(
        [form.product_url],
        form.state,
        note=form.note,
        until=form.until.isoformat() if form.until else None,
        even_if_worse=False,
        actor=actor,
    )
    return RedirectResponse(form.way_back, status_code=303)


def _today(context: Context) -> date:
    return local_day(context.settings, context.clock())


def local_day(settings: "Settings", now: "datetime") -> date:
    """Return the day in the account's zone."""
    return business_day(now, settings.zone)


def read_form(sent: dict[str, str], today: date) -> Form:
    """Return what a form says.

    Args:
        sent: Its fields: product, do, and perhaps until, note, row.
        today: In the account's zone.

    Raises:
        KeyError: A field is missing.
        ValueError: It is none of our forms.
        ValidationError: Day or note are none that can be stored.
        Problem: The day is over, or goes with no snooze.
    """
    given = Snooze.model_validate(
        {"until": sent.get("until") or None, "note": sent.get("note", "").strip() or None}
    )
    state = sent["do"]
    if state == ENTER:
        state = "snoozed" if given.until else "acknowledged"
    if state not in STATES:
        raise ValueError(state)
    until = _until(state, given.until, today)
    return Form(sent["product"], state, until, given.note, _row(sent.get("row")))


def _until(state: str, given: date | None, today: date) -> date | None:
    """Return the day on which a decision ends; None = it is none that ends."""
    if state != "snoozed":
        if given is not None:
            raise Problem(422, "A day goes with a snooze only. Nothing was written.")
        return None
    until = given or today + timedelta(days=SNOOZE_DAYS)
    if until <= today:
        raise Problem(422, f"A snooze ends after today; {until} is not. Nothing was written.")
    return until


def _row(text: str | None) -> str | None:
    """Return a row as the lists number them, such as r7 or d12."""
    if text is not None and not re.fullmatch(r"[rd]\d{1,4}", text, re.ASCII):
        raise ValueError(text)
    return text
