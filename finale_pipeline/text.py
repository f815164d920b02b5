"""Text from outside made harmless: for header lines, for mails, for cells of a spreadsheet."""

import re
import unicodedata
from datetime import datetime
from decimal import Decimal

# Marks that turn the reading direction, or are nothing to see: a name could show as another.
UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Those that command a terminal or mean nothing on a page; not line break and tabulator.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FORMULA = re.compile(r"""(^[\s"']*|[;\t][\s"']*)(?=[=+\-@|%＝＋－＠])""")  # noqa: RUF001 - full-width


def plain(text: object, *, most: int = 120) -> str:
    r"""Return a text on one line, without control, direction and invisible characters.

    >>> plain("Tea\r\nBcc: x@y.example \u202egnp.exe")
    'Tea Bcc: x@y.example gnp.exe'
    """
    visible = UNSEEN.sub("", str(text))
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Cn"} else c for c in visible)
    line = " ".join(spaced.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def markdown(text: str) -> str:
    r"""Return a text that Markdown shows as it is: no picture to load, no link, no HTML.

    >>> print(markdown("![](http://x/)<b>"))
    !\[\](http://x/)\<b>
    """
    return re.sub(r"([\\\[\]<`])", r"\\\1", text)


def cell(value: object) -> str:
    """Return a spreadsheet cell that no program takes for a formula; numbers stay numbers.

    Also not where a semicolon separates cells, as in half of Europe: there its beginning may be
    in the middle of ours.

    >>> cell("=HYPERLINK(1)"), cell(Decimal("-3")), cell("box;=1+1;")
    ("'=HYPERLINK(1)", '-3', "box;'=1+1;")
    """
    if value is None:
        return ""
    if isinstance(value, Decimal | int):
        return number(value)
    return FORMULA.sub(r"\1'", plain(value, most=500))


def file_name(text: object) -> str:
    """Return a text as a part of a file's name: no folder, no dot at its beginning, never empty.

    >>> file_name("FP-20260309-10042"), file_name("../../x"), file_name("")
    ('FP-20260309-10042', '--x', '-')
    """
    safe = re.sub(r"[^\w.-]+", "-", plain(text, most=100))
    return re.sub(r"\.{2,}", "", safe).strip(".")[:100] or "-"


def utc(moment: datetime) -> str:
    """Return a moment in UTC to the minute, as people read it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def number(value: Decimal | int) -> str:
    """Return a number without needless zeros.

    >>> number(Decimal("12.500")), number(Decimal("1E+2"))
    ('12.5', '100')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
