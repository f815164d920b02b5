"""Templates of the pages, and how values look in them."""

import re
import sysconfig
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

import finale_pipeline
from finale_pipeline.domain.replenishment.flags import in_words
from finale_pipeline.domain.replenishment.reasons import pace
from finale_pipeline.planning.charts import svg
from finale_pipeline.settings import Settings
from finale_pipeline.text import CONTROL, UNSEEN, number

CHECKOUT = Path(finale_pipeline.__file__).parent.parent / "docs" / "runbooks"
INSTALLED = Path(sysconfig.get_path("data")) / "share" / "finale_pipeline" / "runbooks"
RUNBOOKS = CHECKOUT if CHECKOUT.is_dir() else INSTALLED
HOUR_SECONDS = 3600
LONGEST = 2_000
"""Characters of a text on a page."""
NOTHING = "\u2013"
"""Stands where a value is not known."""


def html(settings: Settings, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page."""
    zone = settings.zone

    def local(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else NOTHING

    text = (
        _templates()
        .get_template(template)
        .render(
            local=local,
            zone=settings.timezone,
            sandbox=settings.reads_sandbox,
            dagster=f"http://127.0.0.1:{settings.ui_port}",
            **values,
        )
    )
    return HTMLResponse(text, status)


@cache
def runbook(kind: str) -> str | None:
    """Return a runbook as HTML; None when there is none of that name."""
    names = {path.stem: path for path in RUNBOOKS.glob("*.md")}
    if kind not in names:
        return None
    from markdown_it import MarkdownIt  # only for runbooks

    text = names[kind].read_text(encoding="utf-8")
    rendered = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    rendered = re.sub(
        "<table>(.*?)</table>",
        r'<div class="scroll" tabindex="0"><table>\1</table></div>',
        rendered,
        flags=re.S,
    )
    return re.sub(r'href="([\w-]+)\.md(?=["#])', r'href="/runbooks/\1', rendered)


def units(value: Any) -> str:
    """Return a number with at most one digit behind the point.

    >>> units(Decimal("12.50")), units(Decimal("3.0")), units(None) == NOTHING
    ('12.5', '3', True)
    """
    if value is None:
        return NOTHING
    rounded = round(Decimal(str(value)), 1)
    whole, point, rest = number(rounded).partition(".")
    return f"{int(whole):,}{point}{rest}" if whole not in {"-0", "-"} else number(rounded)


def plain_number(value: Decimal | None) -> str:
    """Return a number as it stands in a field that can be changed; empty when it is not known.

    >>> plain_number(Decimal("1200.50")), plain_number(Decimal("1E+3")), plain_number(None)
    ('1200.5', '1000', '')
    """
    return "" if value is None else number(value)


def plain_price(value: Decimal | None) -> str:
    """Return a price as it stands in a field that can be changed, with two decimals or more.

    >>> plain_price(Decimal("17.1")), plain_price(Decimal("0.0375")), plain_price(None)
    ('17.10', '0.0375', '')
    """
    whole, _, parts = plain_number(value).partition(".")
    return f"{whole}.{parts:0<2}" if whole else ""


def money(value: Any, currency: str | None = None) -> str:
    """Return an amount.

    >>> money(Decimal("1234.5"), "USD"), money(None) == NOTHING
    ('1,234.50 USD', True)
    """
    return NOTHING if value is None else f"{value:,.2f} {currency or ''}".strip()


def seconds(value: Any) -> str:
    """Return a length of time.

    >>> seconds(2.61), seconds(75), seconds(7300)
    ('2.6 s', '1:15 min', '2:01 h')
    """
    if value is None:
        return NOTHING
    whole = int(value)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{float(value):.1f} s"
    if whole < HOUR_SECONDS:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // HOUR_SECONDS}:{whole % HOUR_SECONDS // 60:02} h"


def age(minutes: int) -> str:
    """Return how long ago something was.

    >>> age(0), age(59), age(200), age(3000)
    ('0 min', '59 min', '3 h', '2 days')
    """
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 - two days


def percent(share: Any) -> str:
    """Return a share.

    >>> percent(0.123), percent(Decimal("-0.05")), percent(None) == NOTHING
    ('12 %', '-5 %', True)
    """
    return NOTHING if share is None else f"{round(float(share) * 100)} %"


VALUE_WORDS = {
    "A": "among those that make most of the value",
    "B": "of middling value",
    "C": "of little value",
    "U": "its cost is not known",
}
PACE_WORDS = {"X": "sells steadily", "Y": "sells unevenly", "Z": "sells now and then"}


def class_words(forecast: Mapping[str, Any]) -> str:
    """Return a product's class in words.

    >>> class_words({"abc_class": "B", "xyz_class": "Z"})
    'of middling value, sells now and then'
    """
    words = VALUE_WORDS.get(forecast["abc_class"]), PACE_WORDS.get(forecast["xyz_class"])
    return ", ".join(word for word in words if word)


def with_changes(query: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Return an address's query with changes; what is None is left out.

    >>> with_changes({"vendor": "Acme & Co", "page": 2}, {"page": None})
    'vendor=Acme+%26+Co'
    """
    return urlencode({k: v for k, v in {**query, **changes}.items() if v is not None})


LEVEL_WORDS = {"out": "out of stock", "low": "low", "ok": "well stocked"}
EVENT_WORDS = {
    "recorded": "was {to} when watching began",
    "opened": "went {to}, was {from}",
    "worsened": "went {to}, was {from}",
    "improved": "better: {to}, was {from}",
    "closed": "{to} again",
    "flapping": "to and fro: now {to}",
    "settled": "{to} for good",
    "held_back": "went {to}; many did at once, so one mail spoke for all",
    "left_out": "not watched any more",
    "acknowledged": "seen",
    "snoozed": "snoozed",
    "ordered": "noted as ordered",
    "reopened": "opened again",
}


def happened(event: Mapping[str, Any]) -> str:
    """Return what happened to an item in plain words.

    >>> happened({"kind": "opened", "from_level": "ok", "to_level": "out"})
    'Went out of stock, was well stocked'
    """
    words = EVENT_WORDS.get(event["kind"], str(event["kind"]).replace("_", " "))
    levels = [str(event[name]) for name in ("from_level", "to_level")]
    before, after = (LEVEL_WORDS.get(level, level) for level in levels)
    sentence = words.format_map({"from": before, "to": after})
    return sentence[:1].upper() + sentence[1:]


def day(value: date | None) -> str:
    """Return a day."""
    return value.isoformat() if value else NOTHING


def _displayed(value: Any) -> Any:
    """Return a value as a page shows it: a text without invisible marks, and not endless."""
    if type(value) is not str:  # our own markup, a number
        return value
    seen = CONTROL.sub(" ", UNSEEN.sub("", value))
    return seen if len(seen) <= LONGEST else f"{seen[:LONGEST]}…"


@cache
def _templates() -> "Environment":
    environment = Environment(
        loader=PackageLoader("finale_pipeline", "api/pages/templates"),
        autoescape=True,
        finalize=_displayed,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        in_words=in_words,
        units=units,
        money=money,
        seconds=seconds,
        day=day,
        plain_number=plain_number,
        plain_price=plain_price,
        age=age,
        percent=percent,
        pace=lambda units_per_day: NOTHING if units_per_day is None else pace(units_per_day),
        class_words=class_words,
        with_changes=with_changes,
        happened=happened,
        pairs=lambda values: [(value, value) for value in values],
        flag_pairs=lambda flags: [(flag, *in_words([flag])) for flag in flags],
        capitalize_first=lambda text: text[:1].upper() + text[1:],
        zip=zip,
        chart=svg,
    )
    return environment
