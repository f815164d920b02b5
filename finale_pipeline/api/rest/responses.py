"""Rows as JSON, CSV or a workbook, as the client accepts; numbers exact, text stays text."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from finale_pipeline.domain.replenishment import flags
from finale_pipeline.text import cell, plain

Row = Mapping[str, Any]
Form = Literal["json", "csv", "xlsx"]

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, Form] = {"application/json": "json", CSV: "csv", XLSX: "xlsx"}

TITLE_UNITS = 26
"""Of a sheet's title, before a number that makes it unique; Excel takes 31."""

_encoder = msgspec.json.Encoder(decimal_format="number")


def in_words(row: Row) -> Row:
    """Return a row with its flags in words, too, as `flags_text`; one without flags as it is."""
    if "flags" not in row:
        return row
    return {**row, "flags_text": "; ".join(flags.in_words(row["flags"] or ()))}


def form_of(request: Request, asked: Form | None, offered: Sequence[Form]) -> Form:
    """Return the form of an answer: as the parameter says, else the first accepted one.

    Args:
        request: With an Accept header, or none.
        asked: The parameter `format`.
        offered: The forms there are; the first is the usual one.
    """
    if asked is not None:
        return asked if asked in offered else offered[0]
    for part in request.headers.get("accept", "").split(","):
        form = FORMS.get(part.partition(";")[0].strip().lower())
        if form is not None and form in offered:
            return form
    return offered[0]


def as_json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer of JSON; decimals are numbers with all their digits."""
    return Response(
        _encoder.encode(body), status, dict(headers or {}), media_type="application/json"
    )


def as_csv(rows: Sequence[Row], columns: Sequence[str], name: str) -> Response:
    """Return an answer of CSV that spreadsheet programs open and do not run."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows([_csv_cell(row.get(column)) for column in columns] for row in rows)
    return Response(
        buffer.getvalue().encode("utf-8-sig"),
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        media_type=f"{CSV}; charset=utf-8",
    )


def _csv_cell(value: object) -> str:
    if isinstance(value, dict | list):
        return cell(_encoder.encode(value).decode())
    if isinstance(value, bool):
        return str(value).lower()
    return cell(value)


def as_xlsx(sheets: Iterable[tuple[str, Sequence[str], Sequence[Row]]], name: str) -> Response:
    """Return a workbook.

    Args:
        sheets: Of each: its title, columns, rows.
        name: Of the file, without an ending.
    """
    import xlsxwriter  # noqa: PLC0415 - only for workbooks

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        taken: set[str] = set()
        for title, columns, rows in sheets:
            sheet = book.add_worksheet(_title(title, taken))
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(columns):
                sheet.write_string(0, place, column, bold)
            sheet.set_column(0, len(columns) - 1, 16)
            for number, row in enumerate(rows, 1):
                for place, column in enumerate(columns):
                    _write(sheet, number, place, row.get(column), day)
    return Response(
        buffer.getvalue(),
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
        media_type=XLSX,
    )


def _write(sheet: Any, row: int, column: int, value: object, day: Any) -> None:
    """Write a cell; a SKU such as 00123 or =1+1 stays the text it is."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(row, column, float(value))
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 - a day
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        sheet.write_string(row, column, plain(text, most=32_000))


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
