"""Rows as JSON, CSV or a workbook, as the client accepts; numbers exact, text stays text."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from finale_pipeline.domain.replenishment import flags
from finale_pipeline.text import cell

Row = Mapping[str, Any]
Form = Literal["json", "csv", "xlsx"]

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, Form] = {"application/json": "json", CSV: "csv", XLSX: "xlsx"}

_encoder = msgspec.json.Encoder(decimal_format="number")


def in_words(row: Row) -> Row:
    """Return a row with its flags in words, too, as `flags_text`; one without flags as it is."""
    if "flags" not in row:
        return row
    return {**row, "flags_text": "; ".join(flags.in_words(row["flags"] or ()))}


def form_of(request: Request, asked: Form | None, offered: Sequence[Form]) -> Form:
    """Return the form of an answer: as the parameter `format` says, else the first accepted one.

    Args:
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


def as_csv(
    rows: Sequence[Row],
    columns: Sequence[str],
    name: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer of CSV that spreadsheet programs open and do not run."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows([_csv_cell(row.get(column)) for column in columns] for row in rows)
    return Response(
        buffer.getvalue().encode("utf-8-sig"),
        headers={**(headers or {}), **attachment(f"{name}.csv")},
        media_type=f"{CSV}; charset=utf-8",
    )


def attachment(file: str) -> dict[str, str]:
    """Return the header by which a browser keeps an answer as a file.

    >>> print(attachment("order-Łódź.pdf")["Content-Disposition"])
    attachment; filename="order-__d_.pdf"; filename*=UTF-8''order-%C5%81%C3%B3d%C5%BA.pdf
    """
    plain = "".join(c if c.isascii() else "_" for c in file)
    # A header is ASCII; the second form is RFC 6266's for all other names.
    named = "" if plain == file else f"; filename*=UTF-8''{quote(file)}"
    return {"Content-Disposition": f'attachment; filename="{plain}"{named}'}


def _csv_cell(value: object) -> str:
    if isinstance(value, dict | list):
        return "" if not value else cell(_encoder.encode(value).decode())
    if isinstance(value, bool):
        return str(value).lower()
    return cell(value)
