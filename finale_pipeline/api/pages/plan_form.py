"""The form of one order's lines: what was typed, what of it can be read, what it changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from finale_pipeline.api.server.render import plain_number, plain_price
from finale_pipeline.planning.edits import Fields, LineChange

SEEN = "|"
MOST = Decimal(10**9)
DECIMALS = 6
NOTHING = Decimal(0)


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
        stays: Whether it is to hold until it is changed again, and not for the day alone.
        changes: What is to be changed, by product_url.
        typed: What stands in the fields, by product_url.
    """

    day: date
    vendor_url: str
    insists: bool
    stays: bool = False
    changes: dict[str, LineChange] = field(default_factory=dict)
    typed: dict[str, Typed] = field(default_factory=dict)

    @property
    def has_wrong(self) -> bool:
        """Whether some field cannot be read."""
        return any(typed.wrong for typed in self.typed.values())


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
    form = Form(
        date.fromisoformat(sent["day"]),
        sent["vendor"],
        insists=button == "insist",
        stays=sent.get("lasts") == "standing",
    )
    for number, product_url in _numbered(sent):
        version, quantity, cost = sent[f"v{number}"].split(SEEN)
        typed = Typed(sent.get(f"q{number}", quantity), sent.get(f"p{number}", cost))
        fields, wrong = _fields(typed, quantity, cost)
        if pressed == number:
            fields |= _pressed(button, taken)
        shown = taken if taken and pressed == number else typed.quantity
        form.typed[product_url] = Typed(shown, typed.cost, wrong)
        if fields:
            form.changes[product_url] = LineChange(version, fields)
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
    compact = "".join(text.split())
    if not compact:
        return None
    try:
        number = Decimal(compact)
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
    shown = (plain_number(line["quantity_units"]), plain_price(line["unit_cost"]))
    return SEEN.join((line["version"], *shown))
