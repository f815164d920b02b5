"""The page of the purchase plan, and the forms that change it; without any script."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from finale_pipeline.api.pages.forms import Posted
from finale_pipeline.api.server.actors import OnPage
from finale_pipeline.api.server.context import Context, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.server.render import html, plain_number
from finale_pipeline.domain.replenishment.order_terms import OrderTerms, units_to_minimum
from finale_pipeline.planning.edits import Author, Change, Fields, Outcome, edit
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import drafts as drafts_reads
from finale_pipeline.warehouse.reads import plan as plan_reads

BEGUN = ("intended", "refused")
"""States in which nothing went to Finale, so that the same button sends it."""
"""States in which nothing went to Finale, so that the same button sends it."""
router = APIRouter(include_in_schema=False)

FORM_LINES = 150
"""Lines of one form; a body has a limit."""
SHOWN_LINES = 1_000
"""So many lines are shown at once; the suppliers behind them are opened one by one."""
SEEN = "|"
MOST = Decimal(10**9)
DECIMALS = 6
NOTHING = Decimal(0)


Vendor = Annotated[str | None, Query(max_length=300)]


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the two fields of a line, and what is wrong with it."""

    quantity: str
    cost: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of some lines of one order, as it came.

    Attributes:
        insists: Whether "order it anyway" was pressed.
        changes: What is to be changed, by product_url.
        typed: What stands in the fields, by product_url.
    """

    day: date
    vendor_url: str
    insists: bool
    changes: dict[str, Change] = field(default_factory=dict)
    typed: dict[str, Typed] = field(default_factory=dict)

    @property
    def has_wrong(self) -> bool:
        """Whether some field cannot be read."""
        return any(typed.wrong for typed in self.typed.values())


@router.get("/plan")
def plan(
    context: Shared, connection: Warehouse, saved: Vendor = None, opened: Vendor = None
) -> HTMLResponse:
    """Show what to order from whom, in fields that can be changed."""
    return _page(context, connection, saved=saved, opened=opened)


@router.post("/plan")
def plan_changed(context: Shared, connection: Warehouse, fields: Posted, actor: OnPage) -> Response:
    """Save what was typed into a form, all of it or nothing."""
    try:
        form = read_form(fields)
    except (KeyError, ValueError) as error:
        raise Problem(400, "The form cannot be read.") from error
    if form.day != plan_reads.newest_day(connection):
        return _page(context, connection, status=409, old_day=form.day)
    if form.has_wrong:
        return _page(context, connection, status=422, form=form)
    author = Author(actor, context.clock(), insists=form.insists)
    outcome = edit(connection, form.day, form.vendor_url, form.changes, author)
    if outcome.conflicts or outcome.unknown:
        return _page(context, connection, status=409, form=form, outcome=outcome)
    if outcome.refused and not form.insists:
        return _page(context, connection, status=422, form=form, outcome=outcome)
    vendor = quote(form.vendor_url, safe="")
    return RedirectResponse(f"/plan?saved={vendor}#saved", status_code=303)


def _page(
    context: Context,
    connection: Connection,
    *,
    status: int = 200,
    saved: str | None = None,
    opened: str | None = None,
    old_day: date | None = None,
    form: Form | None = None,
    outcome: Outcome | None = None,
) -> HTMLResponse:
    from finale_pipeline.planning.scores import method_change  # noqa: PLC0415 - polars: 0.1 s

    found = plan_reads.purchase_plan(connection, None, None)
    drafts = drafts_reads.of_plan(connection, found.day)
    vendors = {order["vendor_url"] for order in found.orders}
    return html(
        context.settings,
        "plan.html",
        status=status,
        page="plan",
        plan=found,
        form_lines=FORM_LINES,
        hints=plan_reads.earlier_edits(connection, found.day),
        without_line=plan_reads.edits_without_line(connection, found.day),
        reaching={order["vendor_url"]: _reaching(order) for order in found.orders},
        seen=seen,
        drafts=drafts,
        other_drafts=[d for vendor, some in drafts.items() if vendor not in vendors for d in some],
        drafted=drafts_reads.lines(connection, found.day),
        button=button,
        saved=saved,
        opened=opened,
        shown=_shown(found.orders) | {saved, opened, form.vendor_url if form else None},
        old_day=old_day,
        form=form,
        outcome=outcome,
        method_change=method_change(connection, found.day) if found.day else None,
    )


def _shown(orders: list[dict[str, Any]]) -> set[str | None]:
    """Return the vendors whose lines are shown without asking."""
    until = accumulate(order["lines"] for order in orders)
    places = enumerate(zip(orders, until, strict=True))
    return {o["vendor_url"] for place, (o, lines) in places if lines <= SHOWN_LINES or not place}


def _reaching(order: dict[str, Any]) -> tuple[str, Decimal] | None:
    """Return which quantity of a line brings an order to its vendor's minimum.

    It is the line that was edited last, else the first.
    """
    lines = order["order_lines"]
    edited = [line for line in lines if line["edited_at"]]
    line = max(edited, key=lambda line: line["edited_at"]) if edited else lines[0]
    units = units_to_minimum(
        line["quantity_units"],
        unit_cost=line["unit_cost"],
        gap=order["minimum_gap"],
        terms=OrderTerms(line["pack_units"], line["minimum_order_units"]),
    )
    return None if units is None else (line["sku"], units)


def read_form(sent: dict[str, str]) -> Form:
    """Return what a form says.

    Lines are numbered: `u1` is the product, `v1` what was seen of it (version, quantity, price),
    `q1` and `p1` are the fields. `do` is the button: save, insist, or drop, back, undo and take
    with the line's number.

    Raises:
        KeyError: A field is missing.
        ValueError: It is none of our forms.
    """
    button, _, rest = sent.get("do", "save").partition(":")
    pressed, _, taken = rest.partition(":")
    form = Form(date.fromisoformat(sent["day"]), sent["vendor"], insists=button == "insist")
    for number, product_url in _numbered(sent):
        version, quantity, cost = sent[f"v{number}"].split(SEEN)
        typed = Typed(sent.get(f"q{number}", quantity), sent.get(f"p{number}", cost))
        fields, wrong = _fields(typed, quantity, cost)
        if pressed == number:
            fields |= _pressed(button, taken)
        shown = taken if taken and pressed == number else typed.quantity
        form.typed[product_url] = Typed(shown, typed.cost, wrong)
        if fields:
            form.changes[product_url] = Change(version, fields)
    return form


def _numbered(sent: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in sent.items():
        if name.startswith("u") and name[1:].isdecimal() and name.isascii():
            yield name[1:], value


def _fields(typed: Typed, quantity: str, cost: str) -> tuple[Fields, str]:
    """Return what was typed over, and what of it cannot be read; empty = as suggested, 0 = drop."""
    fields, wrong = Fields(), []
    if typed.quantity.strip() != quantity:
        try:
            units = read_number(typed.quantity)
        except ValueError as error:
            wrong.append(f"quantity {error}")
        else:
            if units == NOTHING:
                fields["is_dropped"] = True
            else:
                fields["quantity_units"] = units
    if typed.cost.strip() != cost:
        try:
            fields["unit_cost"] = read_number(typed.cost)
        except ValueError as error:
            wrong.append(f"price {error}")
    return fields, "; ".join(wrong)


def _pressed(button: str, taken: str) -> Fields:
    """Return what a line's own button changes."""
    buttons: dict[str, Fields] = {
        "drop": {"is_dropped": True},
        "back": {"is_dropped": False},
        "undo": {"quantity_units": None, "unit_cost": None, "is_dropped": False},
    }
    if button == "take":
        return {"quantity_units": read_number(taken)}
    return buttons.get(button, {})


def read_number(text: str) -> Decimal | None:
    """Return a number as a person types it; None for an empty text.

    Raises:
        ValueError: It is none, negative, or too large; the message goes after the field's name.

    >>> read_number(" 1 200.50 "), read_number("")
    (Decimal('1200.50'), None)
    >>> read_number("1,200")
    Traceback (most recent call last):
    ValueError: is no number such as 1200.5: 1,200
    """
    given = "".join(text.split())
    if not given:
        return None
    try:
        number = Decimal(given)
    except InvalidOperation:
        number = Decimal("NaN")
    digits = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(digits, int) or digits < -DECIMALS:
        raise ValueError(f"is no number such as 1200.5: {text[:20]}")
    if not NOTHING <= number <= MOST:
        raise ValueError(f"is not between 0 and {MOST:,}: {text[:20]}")
    return number


def seen(line: dict[str, Any]) -> str:
    """Return what a form says that was seen of a line."""
    shown = (plain_number(line["quantity_units"]), plain_number(line["unit_cost"]))
    return SEEN.join((line["version"], *shown))


def button(drafts: list[Row]) -> str:
    """Return what the button of a supplier says, by what was drafted of its lines.

    >>> button([]), button([{"state": "refused"}]), button([{"state": "created"}])
    ('Create draft in Finale…', 'Try the draft again…', 'Compare with the draft…')
    """
    if not drafts:
        return "Create draft in Finale…"
    is_begun = all(draft["state"] in BEGUN for draft in drafts)
    return "Try the draft again…" if is_begun else "Compare with the draft…"
