"""An order for a vendor as a PDF and as a workbook: one look, on A4, numbered pages."""

import io
import logging
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from finale_pipeline.ordering.vendor_order import DocumentLine, VendorOrder
from finale_pipeline.text import number

FONTS = Path(__file__).parent / "fonts"
MORE_FONT = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
"""Chinese and Japanese, where Debian's fonts-droid-fallback is installed."""
NOT_SHOWN = "? stands for what this document has no letters for; the Excel file has it."
HEADINGS = ("Your SKU", "Our SKU", "Item", "Packs", "Units", "Price", "Total")
WIDTHS = (24, 26, 56, 22, 17, 20, 25)
"""Millimetres of the PDF's columns; together the width between the margins."""
MONEY = "#,##0.00"
INK, FAINT, RULE = 28, 95, 205


def _money(value: Decimal | None, *, least: int = 2) -> str:
    """Return an amount with at least so many decimals, and no needless ones.

    >>> _money(Decimal("1234.5")), _money(Decimal("0.0375")), _money(None)
    ('1,234.50', '0.0375', '-')
    """
    if value is None:
        return "-"
    exact = len(number(value).partition(".")[2])
    return f"{value:,.{max(least, min(exact, 6))}f}"


def _cells(line: DocumentLine) -> tuple[str, ...]:
    return (
        line.their_sku,
        line.our_sku,
        line.name,
        line.packs,
        number(line.units),
        _money(line.unit_price),
        _money(line.total),
    )


def _total(order: VendorOrder) -> str:
    if order.total is None:
        return "to be agreed: not all prices are known"
    return f"{order.currency or ''} {_money(order.total)}".strip()


def _all_texts(order: VendorOrder) -> str:
    cells = (text for line in order.lines for text in _cells(line))
    return "".join([*order.buyer, *order.vendor, order.place or "", *cells])


def _document(order: VendorOrder, more_font: Path) -> Any:
    """Return an empty PDF with fonts; `more_font` is used where ours lacks a letter."""
    from fpdf import FPDF  # only for documents

    logging.getLogger("fontTools").setLevel(logging.WARNING)

    class OrderPage(FPDF):
        code_points: set[int]
        is_all_shown = True

        def footer(self) -> None:
            self.set_y(-14)
            self.set_font("text", size=8)
            self.set_text_color(FAINT)
            self.cell(0, 5, f"{order.title}, page {self.page_no()} of {{nb}}", align="C")

        def normalize_text(self, text: str) -> str:
            printable = "".join(c if ord(c) in self.code_points else "?" for c in text)
            self.is_all_shown &= printable == text
            return str(super().normalize_text(printable))

        def letters(self, font: str) -> set[int]:
            return {*self.fonts[font].cmap}  # type: ignore[union-attr]

    pdf = OrderPage(format="A4", unit="mm")
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font("text", style, FONTS / name)
    pdf.code_points = pdf.letters("text") & pdf.letters("textB")
    if more_font.exists() and not {*map(ord, _all_texts(order))} <= pdf.code_points:
        pdf.add_font("more", "", more_font)
        pdf.set_fallback_fonts(["more"], exact_match=False)
        pdf.code_points |= pdf.letters("more")
    pdf.set_margins(10, 14, 10)
    pdf.set_auto_page_break(auto=True, margin=20)
    pdf.set_title(order.title)
    day = order.placed_on
    pdf.set_creation_date(datetime(day.year, day.month, day.day).astimezone())
    return pdf


def _parties(pdf: Any, order: VendorOrder) -> None:
    """Write who orders from whom, side by side."""
    top = bottom = pdf.get_y()
    for left, label, lines in ((10, "From", order.buyer), (105, "To", order.vendor)):
        pdf.set_xy(left, top)
        pdf.set_font("text", size=8)
        pdf.set_text_color(FAINT)
        pdf.cell(90, 5, label)
        pdf.set_text_color(INK)
        for place_in, text in enumerate(lines):
            pdf.set_font("text", "B" if not place_in else "", 10)
            pdf.set_xy(left, pdf.get_y() + 5)
            pdf.cell(90, 5, text)
        bottom = max(bottom, pdf.get_y() + 5)
    pdf.set_xy(10, bottom + 6)


def as_pdf(order: VendorOrder, *, more_font: Path = MORE_FONT) -> bytes:
    """Return the order as a PDF; `more_font` is used where it is there and ours lacks letters."""
    from fpdf import XPos, YPos
    from fpdf.fonts import FontFace

    pdf = _document(order, more_font)
    pdf.add_page()
    next_line: dict[str, Any] = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}
    pdf.set_text_color(INK)
    pdf.set_font("text", "B", 17)
    pdf.multi_cell(0, 9, order.title, **next_line)
    pdf.set_font("text", size=9)
    pdf.set_text_color(FAINT)
    place = f" · deliver to {order.place}" if order.place else ""
    pdf.multi_cell(0, 5, f"{order.placed_on:%d %B %Y}{place}", **next_line)
    pdf.ln(5)
    _parties(pdf, order)
    pdf.set_font("text", size=8.5)
    pdf.set_draw_color(RULE)
    with pdf.table(
        col_widths=WIDTHS,
        text_align=("L", "L", "L", "R", "R", "R", "R"),
        line_height=5,
        borders_layout="HORIZONTAL_LINES",
        headings_style=FontFace(emphasis="BOLD"),
        padding=(0.8, 1),
        repeat_headings=1,
    ) as table:
        for row in (HEADINGS, *map(_cells, order.lines)):
            table.row(row)
    pdf.ln(2)
    pdf.set_font("text", "B", 11)
    pdf.cell(0, 7, f"Total  {_total(order)}", align="R", **next_line)
    if not pdf.is_all_shown:
        pdf.set_font("text", size=8)
        pdf.cell(0, 6, NOT_SHOWN, **next_line)
    return bytes(pdf.output())


def as_workbook(order: VendorOrder) -> bytes:
    """Return the order as a workbook of one sheet."""
    import xlsxwriter  # only for workbooks

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("Order")
        for column, width in enumerate((16, 16, 40, 12, 10, 12, 14)):
            sheet.set_column(column, column, width)
        top = _head(book, sheet, order)
        _fill(book, sheet, order, top)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(top)
        sheet.hide_gridlines(2)
        sheet.set_footer(f"&C{order.title.replace('&', '&&')}, page &P of &N")
    return buffer.getvalue()


def _head(book: Any, sheet: Any, order: VendorOrder) -> int:
    """Write what the order is and between whom; return the row of the headings."""
    faint, bold = book.add_format({"font_color": "#5f6670"}), book.add_format({"bold": True})
    place = f", deliver to {order.place}" if order.place else ""
    sheet.write_string(0, 0, order.title, book.add_format({"bold": True, "font_size": 16}))
    sheet.write_string(1, 0, f"{order.placed_on:%d %B %Y}{place}", faint)
    for column, label, lines in ((0, "From", order.buyer), (3, "To", order.vendor)):
        sheet.write_string(3, column, label, faint)
        for number_of, text in enumerate(lines):
            sheet.write_string(4 + number_of, column, text, None if number_of else bold)
    return 5 + max(len(order.buyer), len(order.vendor))


def _fill(book: Any, sheet: Any, order: VendorOrder, top: int) -> None:
    left, right = ({"bold": True, "bottom": 1, "align": side} for side in ("left", "right"))
    heads = [book.add_format(left)] * 3 + [book.add_format(right)] * 4
    aligned = book.add_format({"align": "right"})
    whole, parts, price, money = (
        book.add_format({"num_format": form})
        for form in ("#,##0", "#,##0.######", "#,##0.00####", MONEY)
    )
    for column, (heading, form) in enumerate(zip(HEADINGS, heads, strict=True)):
        sheet.write_string(top, column, heading, form)
    for row, line in enumerate(order.lines, top + 1):
        for column, text in enumerate((line.their_sku, line.our_sku, line.name)):
            sheet.write_string(row, column, text)
        sheet.write_string(row, 3, line.packs, aligned)
        # Excel shows 12 as "12." by the format of parts.
        sheet.write_number(row, 4, float(line.units), parts if line.units % 1 else whole)
        if line.unit_price is not None and line.total is not None:
            sheet.write_number(row, 5, float(line.unit_price), price)
            sheet.write_number(row, 6, float(line.total), money)
    last = top + 1 + len(order.lines)
    label = f"Total {order.currency or ''}".strip()
    sheet.write_string(last, 2, label, book.add_format({"bold": True}))
    if order.total is None:
        sheet.write_string(last, 6, "to be agreed", aligned)
    else:
        summed = book.add_format({"num_format": MONEY, "bold": True, "top": 1})
        sheet.write_formula(last, 6, f"=SUM(G{top + 2}:G{last})", summed, float(order.total))
