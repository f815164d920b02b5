"""What each mail says, word by word; and that no text from outside is more than text."""

import csv
import io
import re
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from finale_pipeline.notify import messages, stock_mails
from finale_pipeline.notify.files import as_email
from finale_pipeline.notify.lines import CSV_BYTES, as_csv
from finale_pipeline.notify.messages import KINDS, render
from finale_pipeline.text import UNSEEN, cell, plain
from finale_pipeline.warehouse.outbox import Waiting
from finale_pipeline_tests.notify.samples import (
    HOSTILE,
    MANY,
    NOW,
    ODD,
    ORIGIN,
    changes,
    contents,
    line,
    rendered,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", list(contents()))
def test_the_mail_is_as_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    mail = rendered(name)
    assert f"Subject: {mail.subject}\n\n{mail.body_text}" == snapshot(name="text")
    body = mail.body_html.partition("<body>")[2]
    assert body == snapshot(name="html")


def test_every_kind_has_a_sample_and_a_page_that_says_what_to_do() -> None:
    assert {content.kind for content in contents().values()} == set(KINDS)
    pages = {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages >= set(KINDS)


class Tags(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.add(tag)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text_wherever_it_stands(name: str) -> None:
    """M10: in subject, HTML and plain text."""
    item = line("X", name, "out", "0", "10", vendor_name=name, contact=name)
    mail = render(stock_mails.out_of_stock([item], changes([item])), ORIGIN, message_id="x")
    page = Tags()
    page.feed(mail.body_html)
    assert "script" not in page.tags
    assert "\n" not in mail.subject
    assert "49" not in mail.body_text
    assert not UNSEEN.search(mail.subject + mail.body_text + mail.body_html)
    wire = bytes(
        as_email(Waiting.of(mail, ["a@b.example"], NOW), "from@shop.example", ["a@b.example"])
    )
    parsed = BytesParser(policy=policy.default).parsebytes(wire)
    assert parsed["Bcc"] is None
    assert parsed["Subject"] == mail.subject


def test_no_cell_of_the_attachment_is_a_formula() -> None:
    """M11."""
    text = as_csv(ODD, changes(ODD)).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text)):
        assert not [c for c in row if c.startswith(("=", "+", "@", "\t", "\r"))]


@given(st.text())
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    for made in (plain(text), cell(text)):
        assert not UNSEEN.search(made)
        assert all(c.isprintable() or c in "\u200c\u200d\u00ad" or ord(c) > 0x2FFF or c == "\xa0"
                   or not c.isascii() for c in made)  # fmt: skip
        assert "\n" not in made
        assert "\r" not in made
    assert not cell(text).startswith(("=", "+", "-", "@"))


def test_thousands_of_items_are_twenty_in_the_mail_and_all_in_the_csv() -> None:
    """M9."""
    items = [line(f"S{n}", "x" * 100, "out", "0", "10") for n in range(5_000)]
    content = stock_mails.out_of_stock(items, changes(items))
    mail = render(content, ORIGIN, message_id="x")
    assert mail.subject == "Out of stock: 5,000 items"
    assert "and 4,980 more; the attached CSV has all of them." in mail.body_text
    assert len(mail.body_html) < 30_000
    assert content.csv is not None
    assert len(content.csv.splitlines()) == 5_001


def test_an_attachment_that_no_service_would_take_is_cut_and_says_so() -> None:
    items = [line("S", "x" * 400, "out", "0", "10", why="y" * 400)] * 12_000
    data = as_csv(items)
    assert CSV_BYTES <= len(data) < CSV_BYTES + 10_000
    assert b"more; all of them are in mart.low_stock" in data.splitlines()[-1]


def test_a_sandbox_says_in_every_mail_that_it_is_one() -> None:
    """M17."""
    origin = messages.Origin("http://127.0.0.1:3001", NOW, is_sandbox=True)
    content = stock_mails.out_of_stock(MANY, changes(MANY))
    mail = render(content, origin, message_id="x")
    assert "Sandbox: these products and numbers are invented." in mail.body_text
    assert "Sandbox: these products and numbers are invented." in mail.body_html


def test_a_plan_that_orders_nothing_is_not_overruled_by_a_rule_of_finale() -> None:
    ordered = line("P-1", "Soap", "out", "0", "10", suggested_units=Decimal(0), suggested_by="plan")
    assert ordered.quantity == "Nothing to order now (our plan counts what is on order)"
    rule = line("P-1", "Soap", "out", "0", "10", suggested_units=Decimal(5), suggested_by="finale")
    assert rule.quantity == "Order 5 (Finale's reorder quantity)"


def test_the_digest_has_a_table_of_vendors_and_the_three_worst_of_each() -> None:
    """Seven of Olive, one of Tin that costs more, two of nobody: Tin first, nobody last."""
    olive = [line(f"O{n}", "", "out", "0", "9", vendor_name="Olive", money_at_risk=Decimal(10))
             for n in range(7)]  # fmt: skip
    tin = [line("T", "", "low", "1", "9", vendor_name="Tin", money_at_risk=Decimal(500))]
    nobody = [line(f"N{n}", "", "low", "1", "9", money_at_risk=Decimal(9_000)) for n in range(2)]
    content = stock_mails.digest(
        [*nobody, *olive, *tin], flapping=0, unsent=0, totals={"Tin": "EUR 40.00"}
    )
    mail = render(content, ORIGIN, message_id="x")

    rows = [(v.name, v.items, v.out, v.at_risk, v.order_total) for v in content.vendors]
    assert rows == [
        ("Tin", 1, 0, "GBP 500.00", "EUR 40.00"),
        ("Olive", 7, 7, "GBP 70.00", ""),
        ("", 2, 0, "GBP 18,000.00", ""),
    ]
    shown = [sku for sku in ("T", *(f"O{n}" for n in range(7)), "N0", "N1")
             if f"] {sku}\n" in mail.body_text]  # fmt: skip
    assert shown == ["T", "O0", "O1", "O2", "N0", "N1"]
    assert "and 4 more; the attached CSV has all of them." in mail.body_text
    assert (
        mail.body_text.index("] T\n")
        < mail.body_text.index("] O0\n")
        < mail.body_text.index("] N0\n")
    )


@pytest.mark.parametrize("name", [n for n in contents() if contents()[n].kind in messages.BUYERS])
def test_a_buyers_mail_leads_to_pages_and_names_no_command(name: str) -> None:
    mail = rendered(name)
    body = mail.body_text.partition("\n--\n")[0]
    assert not re.search(r"finale (alerts|explain|doctor|sync|status|orders|forecast)\b", body)
    assert f"{ORIGIN.pages}/" in body
