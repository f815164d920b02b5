"""A mail's content → subject, HTML, plain text and CSV."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from finale_pipeline.logs import scrubbed
from finale_pipeline.notify import links
from finale_pipeline.notify.lines import ItemLine
from finale_pipeline.settings import Settings
from finale_pipeline.text import number, plain, utc
from finale_pipeline.warehouse.outbox import Message

if TYPE_CHECKING:
    from jinja2 import Environment

INLINE = 20
"""Items shown in the mail itself; the CSV has all of them."""

BUYERS = tuple("out_of_stock reorder_needed back_in_stock summary breaker digest catch_up".split())
"""Mails for buyers: they lead to pages, and name no command."""
KINDS = (
    *BUYERS,
    *"sync_failed sync_deferred sync_recovered sync_stuck data_held".split(),
    *"pipeline_silent pipeline_recovered restored test".split(),
)
DECIDED = ("out_of_stock", "reorder_needed", "breaker", "catch_up")
"""Mails about items that their reader may acknowledge, snooze, or note as ordered."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a mail: a heading and items under it.

    Attributes:
        shows: `order` = what to order from whom; `quantity` = only how much; empty = neither.
    """

    lines: Sequence[ItemLine]
    heading: str = ""
    note: str = ""
    shows: str = ""


@dataclass(frozen=True, slots=True)
class VendorRow:
    """What a vendor's items come to.

    Attributes:
        name: Of the vendor; empty = items without one.
        items: How many are out or low, `out` of them out.
        at_risk: Money at risk, with its currency; empty = none is known.
        order_total: What the plan orders, per currency; empty = nothing, or no price is known.
    """

    name: str
    items: int
    out: int
    at_risk: str
    order_total: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a mail's facts come from.

    Attributes:
        read_at: UTC, the read of stock it is about; None = none.
        has_links: Whether a mail gets a link to the page where its reader decides.
    """

    pages: str
    now: datetime
    read_at: datetime | None = None
    run_id: int | None = None
    is_sandbox: bool = False
    has_links: bool = False

    @property
    def freshness(self) -> str:
        """How old the facts are, in words."""
        if self.read_at is None:
            return f"Written {utc(self.now)}."
        return f"Stock as Finale had it {utc(self.read_at)}."


def origin_of(
    settings: Settings, now: datetime, read_at: datetime | None = None, run_id: int | None = None
) -> Origin:
    """Return where a mail's facts come from.

    Readers can decide by a link only where the settings say how they reach our pages.
    """
    sandbox, has_links = settings.reads_sandbox, settings.pages_url is not None
    return Origin(settings.pages, now, read_at, run_id, is_sandbox=sandbox, has_links=has_links)


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says.

    Attributes:
        kind: One of KINDS.
        title: First line of the body.
        intro: Paragraphs before the items.
        inline: So many items are shown in the mail itself.
        others: Items that are in no section.
        csv: All items; None = no attachment.
    """

    kind: str
    subject: str
    title: str
    intro: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    csv: bytes | None = None
    vendors: Sequence[VendorRow] = ()
    inline: int = INLINE
    others: int = 0


def new_id() -> str:
    """Return an identity for a mail; it stays the same when the mail is repeated."""
    return uuid.uuid4().hex


def render(content: Content, origin: Origin, *, message_id: str) -> Message:
    """Return the mail in both forms."""
    sections, hidden = _cut(content.sections, content.inline)
    hidden += content.others
    is_buyers = content.kind in BUYERS
    more = f"and {hidden:,} more; the attached CSV has all of them." if hidden else ""
    values = {
        "subject": _harmless(content.subject, most=180),
        "title": _harmless(content.title, most=180),
        "intro": [_harmless(p) for p in content.intro],
        "facts": [(name, _harmless(value)) for name, value in content.facts],
        "sections": sections,
        "more": more,
        "freshness": origin.freshness,
        "run_id": origin.run_id,
        "runbook": f"{origin.pages}/runbooks/{content.kind}",
        "message_id": message_id,
        "decide": _decide(content, origin, message_id),
        "vendors": content.vendors,
        "list": f"{origin.pages}/" if is_buyers else "",
        "page_of": partial(_page_of, origin.pages) if is_buyers else None,
        "list_of": partial(_list_of, origin.pages),
        "banner": "Sandbox: these products and numbers are invented." if origin.is_sandbox else "",
    }
    named = f"{content.kind}_{origin.now:%Y-%m-%d_%H%M}.csv" if content.csv else None
    return Message(
        message_id=message_id,
        kind=content.kind,
        subject=str(values["subject"]),
        body_text=_templates().get_template("mail.txt.j2").render(values),
        body_html=_templates().get_template("mail.html.j2").render(values),
        attachment_name=named,
        attachment=content.csv,
    )


def _harmless(text: str, *, most: int = 2_000) -> str:
    """Return a text as a mail may say it: on one line, without secrets."""
    return plain(scrubbed(text), most=most)


def _decide(content: Content, origin: Origin, message_id: str) -> str:
    if not origin.has_links or content.kind not in DECIDED:
        return ""
    return f"{origin.pages}{links.unsigned(message_id)}"


def _page_of(pages: str, line: ItemLine) -> str:
    return f"{pages}/products/{quote(line.sku, safe='')}"


def _list_of(pages: str, vendor: str) -> str:
    return f"{pages}/?vendor={quote(vendor, safe='')}" if vendor else f"{pages}/"


def _cut(sections: Sequence[Section], most: int) -> tuple[list[Section], int]:
    """Return the sections with at most so many items, and how many are not shown."""
    left, shown = most, []
    for section in sections:
        lines = section.lines[:left]
        left -= len(lines)
        if lines:
            shown.append(Section(lines, section.heading, section.note, section.shows))
    return shown, sum(len(s.lines) for s in sections) - (most - left)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # for mails

    environment = Environment(
        loader=PackageLoader("finale_pipeline", "notify/templates"),
        autoescape=select_autoescape(["html.j2"]),  # plain text has nothing to escape
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["units"] = number
    return environment
