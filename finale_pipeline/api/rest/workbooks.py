"""Workbooks that people read and print: headings in words, formats, totals, filters, a cover."""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from finale_pipeline.api.rest.responses import XLSX, Row, attachment
from finale_pipeline.text import plain

TITLE_UNITS = 26
"""Of a sheet's title, before a number that makes it unique; Excel takes 31."""
NARROWEST, WIDEST = 8, 48
"""Widths of columns, in characters."""
SKU, MONEY, UNITS, PARTS, DAY = "@", "#,##0.00", "#,##0", "#,##0.######", "yyyy-mm-dd"
"""Formats of cells. `PARTS` is of units that are not whole: Excel shows 12 as "12." by it."""
IN_WORDS = {
    "sku": "SKU",
    "vendor_sku": "Vendor's SKU",
    "quantity_units": "To order",
    "units": "Units",
    "suggested_units": "Suggested",
    "unit_cost": "Price",
    "unit_price": "Price",
    "suggested_cost": "Suggested price",
    "line_total": "Total",
    "must_order_by_on": "Order by",
    "stockout_on": "Runs out on",
    "arrival_on": "Arrives on",
    "needs_data": "Missing",
    "edit_note": "Note",
    "flags_text": "To know",
    "minimum_order_value": "Least order",
    "minimum_gap": "Missing to it",
    "edited_at": "Changed at",
    "edited_by": "Changed by",
    "order_id": "Order",
    "plan_on": "Plan of",
}
SUMMED = {"quantity_units", "units", "line_total", "total", "lines"}
ON_SCREEN_FROM = "why"
"""From this column on a sheet is read on the screen only: on A4 nobody could read any of it."""
HEAD_POINTS = 30
"""Height of the headings: two lines of words."""


def heading(column: str) -> str:
    """Return a column's name in words.

    >>> heading("must_order_by_on"), heading("suggested_total")
    ('Order by', 'Suggested total')
    """
    return IN_WORDS.get(column) or column.replace("_", " ").capitalize()


def as_xlsx(
    sheets: Iterable[tuple[str, Sequence[str], Sequence[Row]]],
    name: str,
    *,
    cover: Sequence[tuple[str, object]] = (),
) -> Response:
    """Return a workbook.

    Args:
        sheets: Of each: its title, columns, rows.
        name: Of the file, without an ending.
        cover: Names and values on a first sheet, the first of them its title; empty = none.
    """
    import xlsxwriter  # only for workbooks

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        taken: set[str] = set()
        if cover:
            _cover(book, book.add_worksheet(_title("Cover", taken)), cover)
        for title, columns, rows in sheets:
            sheet = book.add_worksheet(_title(title, taken))
            _fill(book, sheet, columns, rows)
            _printed(sheet, title, is_wide=len(columns) > 6)  # noqa: PLR2004 - fits upright
            if ON_SCREEN_FROM in columns:
                sheet.print_area(0, 0, len(rows) + 1, columns.index(ON_SCREEN_FROM) - 1)
    return Response(
        buffer.getvalue(),
        headers=attachment(f"{name}.xlsx"),
        media_type=XLSX,
    )


def _cover(book: Any, sheet: Any, cover: Sequence[tuple[str, object]]) -> None:
    big, bold = book.add_format({"bold": True, "font_size": 18}), book.add_format({"bold": True})
    day = book.add_format({"num_format": DAY, "align": "left"})
    other, count = (
        book.add_format({"num_format": form, "align": "left"}) for form in (MONEY, UNITS)
    )
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 60)
    sheet.hide_gridlines(2)
    for number, (label, value) in enumerate(cover):
        sheet.write_string(2 * (number > 0) + number, 0, plain(label), bold if number else big)
        form = day if _is_day(value) else count if isinstance(value, int) else other
        _write(sheet, 2 * (number > 0) + number, 1, value, form)
    _printed(sheet, cover[0][0], is_wide=False)


def _fill(book: Any, sheet: Any, columns: Sequence[str], rows: Sequence[Row]) -> None:
    from xlsxwriter.utility import xl_range

    head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    words, numbers = (
        book.add_format(head | side)
        for side in ({"align": "left", "indent": 1}, {"align": "right"})
    )
    formats = {form: book.add_format({"num_format": form}) for form in (MONEY, UNITS, PARTS, DAY)}
    formats[SKU] = book.add_format({"num_format": SKU, "indent": 1})
    sums = {form: book.add_format({"num_format": form, "bold": True, "top": 1}) for form in formats}
    sheet.freeze_panes(1, 0)
    sheet.set_row(0, HEAD_POINTS)
    for place, column in enumerate(columns):
        form = _form(column)
        sheet.write_string(0, place, heading(column), words if form == SKU else numbers)
        for number, row in enumerate(rows, 1):
            value = row.get(column)
            _write(sheet, number, place, value, formats[_exact(form, value)])
        sheet.set_column(place, place, _width(column, rows))
        if column in SUMMED and rows and _is_summable(column, rows):
            total = sum(float(row.get(column) or 0) for row in rows)
            formula = f"=SUBTOTAL(9,{xl_range(1, place, len(rows), place)})"
            sheet.write_formula(len(rows) + 1, place, formula, sums[_exact(form, total)], total)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)


def _is_summable(column: str, rows: Sequence[Row]) -> bool:
    """Whether a column may be added up: money of several currencies may not."""
    return _form(column) != MONEY or len({row.get("currency") for row in rows}) == 1


def _form(column: str) -> str:
    if column.endswith(("_on", "_at")):
        return DAY
    if column.endswith(("_cost", "_price", "total", "_value", "_gap")):
        return MONEY
    return UNITS if column.endswith(("units", "lines")) else SKU


def _exact(form: str, value: object) -> str:
    """Return the format of a value in a column of this one: of what is not whole its own."""
    is_whole = not isinstance(value, float | Decimal) or value % 1 == 0
    return form if form != UNITS or is_whole else PARTS


def _width(column: str, rows: Sequence[Row]) -> int:
    longest = max((len(_text(row.get(column))) for row in rows), default=0)
    words = max(len(word) for word in heading(column).split())
    return min(WIDEST, max(NARROWEST, longest + 2, words + 2))


def _printed(sheet: Any, title: str, *, is_wide: bool) -> None:
    """Set a sheet up for A4: as wide as the page, its headings on each, numbered."""
    sheet.set_paper(9)
    if is_wide:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    sheet.repeat_rows(0)
    header = plain(title).replace("&", "&&")
    sheet.set_header(f"&L{header}&R&D")
    sheet.set_footer("&CPage &P of &N")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float | Decimal | int) and not isinstance(value, bool):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _write(sheet: Any, row: int, column: int, value: object, form: Any) -> None:
    """Write a cell; a SKU such as 00123 or =1+1 stays the text it is."""
    if isinstance(value, Decimal):
        sheet.write_number(row, column, float(value), form)  # as it is it would keep its zeros
    elif isinstance(value, bool | int | float) or _is_day(value):
        sheet.write(row, column, value, form)
    elif value is not None:
        sheet.write_string(row, column, plain(_text(value), most=32_000), form)


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _title(text: str, taken: set[str]) -> str:
    """Return a title that a sheet may have and no other sheet has.

    >>> taken = set()
    >>> _title("Müller/Söhne: [A]", taken), _title("müller söhne   a", taken)
    ('Müller Söhne A', 'müller söhne a 2')
    """
    allowed = "".join(" " if c in "[]:*?/\\'" else c for c in plain(text))
    start = " ".join(allowed.split()).encode("utf-16-le")[: 2 * TITLE_UNITS]
    start_text = start.decode("utf-16-le", "ignore").strip() or "-"  # half a character is left out
    title, number = start_text, 1
    while title.casefold() in taken or title.casefold() == "history":
        number += 1
        title = f"{start_text} {number}"
    taken.add(title.casefold())
    return title
