"""The vendor's order on paper: every letter is shown, or is said not to be."""

import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finale_pipeline.ordering.vendor_files import MORE_FONT, as_pdf
from finale_pipeline.ordering.vendor_order import DocumentLine, VendorOrder

READER = shutil.which("pdftotext")
pytestmark = pytest.mark.skipif(READER is None, reason="no pdftotext (Debian: poppler-utils)")


def order(name: str, *, vendor: str = "Söhne & Co") -> VendorOrder:
    line = DocumentLine("T-1", "TEA", name, Decimal(48), Decimal(12), Decimal("4.55"))
    return VendorOrder("PO-7", date(2026, 3, 9), ["Shop"], [vendor], None, "USD", [line])


def read(pdf: bytes) -> str:
    done = subprocess.run([str(READER), "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("name", ["Teekanne", "Čajník Łódź", "Чайник", "Τσαγιέρα"])
def test_names_of_europe_are_shown(name: str) -> None:
    shown = read(as_pdf(order(name), more_font=Path("/nowhere")))
    assert name in shown
    assert "Söhne & Co" in shown
    assert "letters" not in shown


def test_what_the_font_lacks_is_said_to_be_missing_and_the_rest_is_there() -> None:
    shown = read(as_pdf(order("Teekanne 茶壶", vendor="东京 & Co"), more_font=Path("/nowhere")))
    assert "Teekanne ??" in shown
    assert "?? & Co" in shown
    assert "218.40" in shown
    assert "? stands for what this document has no letters for; the Excel file has it." in shown


@pytest.mark.skipif(not MORE_FONT.exists(), reason="Debian: fonts-droid-fallback")
def test_with_debians_font_chinese_and_japanese_are_shown() -> None:
    shown = read(as_pdf(order("Teekanne 茶壶 きゅうす", vendor="东京 & Co")))
    assert "茶壶" in shown
    assert "きゅうす" in shown
    assert "东京 & Co" in shown
    assert "letters" not in shown
