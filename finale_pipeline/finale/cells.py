"""One column of an answer → one series: fast where all is as promised, cell by cell where not."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

import msgspec
import polars as pl

from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.records import Field

CellError = tuple[int, str, str]
"""Row, reason, sample."""
Column = tuple[pl.Series, list[CellError]]

EMPTY = (b"null", b"[]")
LONGEST = 2_000
LARGEST = 1e12
EXACT = float(1 << 22)
"""Below it a double is exact to nine decimals; above it to its sixteen digits."""
NOTHING = Decimal("5e-10")
LONG = re.compile(rb"\d[\d.]{16}")
"""A number of more digits than a double surely has."""
NUMBERS = msgspec.json.Decoder(list[float | None], strict=False)
"""Reads a column of numbers, some of them as text; takes the text "null" for null."""
NULL_TEXT = re.compile(rb'"[nN]')
CELL = msgspec.json.Decoder(float_hook=Decimal)
"""Reads one cell with all digits of a number."""
LONGEST_KEY = 500
"""Bytes; five of them fit into an entry of an index."""
NUMBER = re.compile(r"\s*[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?\s*", re.ASCII)
KEYS = {"productId", "orderId", "partyId", "facilityId", "lotId", "normalizedPackingString"}
TYPES = {"text": pl.String(), "number": pl.Float64(), "stamp": pl.Datetime("us", "UTC")}
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def escaped(value: str, length: int = 80) -> str:
    """Return a value as it may be logged: short, control and direction characters escaped."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:length])
    return shown + ("…" if len(value) > length else "")


def read(columns: Mapping[Field, msgspec.Raw]) -> dict[Field, Column]:
    """Read columns as they were sent, JSON arrays.

    Returns:
        Per field its series, named as our column, and the rows whose cell cannot be used.
    """
    columns_read = {field: READERS[field.kind](raw, field) for field, raw in columns.items()}
    texts = {f.column: series for f, (series, _) in columns_read.items() if f.kind == "text"}
    longest: dict[str, int | None] = {}
    blank: dict[str, bool] = {}
    for frame in _of_one_length(texts):
        longest |= frame.select(pl.all().str.len_bytes().max()).row(0, named=True)
        needed = [f.column for f in columns if f.required and f.column in frame.columns]
        blanks = (pl.col(needed).str.strip_chars() == "").any()
        blank |= frame.select(blanks).row(0, named=True) if needed else {}
    for field, raw in columns.items():
        if (longest.get(field.column) or 0) > (LONGEST_KEY if is_key(field) else LONGEST):
            columns_read[field] = _cell_by_cell(raw, field, _text_cell)
        elif field.required and blank.get(field.column):
            series, errors = columns_read[field]
            is_blank = (series.str.strip_chars() == "").fill_null(value=False)
            columns_read[field] = series.set(is_blank, None), errors
    return columns_read


def read_long(raw: msgspec.Raw, field: Field) -> Column:
    """Read one column as `read` does; cells of a long one are not in Python's memory all at once.

    What many cells share is kept once where the field says so.
    """
    series, errors, rows = [], list[CellError](), 0
    for part in parts(raw):
        values, wrong = read({field: msgspec.Raw(part)})[field]
        series.append(values.cast(pl.Categorical) if field.repeats else values)
        errors += [(rows + row, reason, sample) for row, reason, sample in wrong]
        rows += len(values)
    # Whole: polars copies a frame whose columns are cut in different places wherever it plans.
    return pl.concat(series, rechunk=True), errors


def counted(raw: msgspec.Raw) -> pl.Series:
    """Return nulls, as many as a column has cells: all that is needed of one that is not kept."""
    cells = (msgspec.json.decode(part, type=list[msgspec.Raw]) for part in parts(raw))
    return nulls("", pl.Null(), sum(map(len, cells)))


def parts(raw: msgspec.Raw, size: int = 1 << 20) -> Iterator[bytes | memoryview]:
    """Cut a JSON array into arrays of about `size` bytes: at a comma that stands in no text.

    What is left once a part has an escape, or something nested, comes as one.
    """
    sent = memoryview(raw)
    if len(sent) <= size:
        yield sent
        return
    start, end = 1, len(sent) - 1
    while end - start > size:
        part = bytes(sent[start : start + size])
        comma = _last_comma(part)
        if comma <= 0:
            break
        yield b"[%b]" % part[:comma]
        start += comma + 1
    yield b"[%b]" % bytes(sent[start:end])


def _last_comma(part: bytes) -> int:
    """Return where the last comma between cells is; none = -1, as where that is not plain to see.

    Args:
        part: Begins at the beginning of a cell.
    """
    if any(mark in part for mark in (b"\\", b"[", b"{")):
        return -1
    quote = part.rfind(b'"')
    comma = part.rfind(b",")
    is_inside = part.count(b'"') % 2 == 1  # the last quote opens the text in which it is cut
    if not is_inside and comma < quote:  # it closes one, in which the comma is
        quote = part.rfind(b'"', 0, quote)
        is_inside = True
    return part.rfind(b",", 0, quote) if is_inside else comma


def _of_one_length(columns: Mapping[str, pl.Series]) -> list[pl.DataFrame]:
    """Return columns as frames, usually one: a call for a frame costs no more than for a column."""
    by_length = defaultdict(list)
    for name, series in columns.items():
        by_length[len(series)].append(series.alias(name))
    return [pl.DataFrame(alike) for alike in by_length.values()]


def padded(series: pl.Series | None, field: Field, rows: int) -> Column:
    """Bring a column to the answer's length, fill its default, and name rows that lack it.

    Args:
        series: The column; None when the answer has none.
        rows: Records of the answer; a shorter column ends in nulls.
    """
    if series is None:
        kind = pl.Categorical() if field.repeats else TYPES[field.kind]
        series = pl.Series(field.column, [], dtype=kind)
    series = extended(series, rows)
    if not series.null_count():
        return series, []
    if field.default is not None:
        return series.fill_null(field.default), []
    if not field.required:
        return series, []
    return series, [(i, f"{field.source} is missing", "") for i in series.is_null().arg_true()]


def nulls(name: str, kind: pl.DataType, rows: int) -> pl.Series:
    """Return a series of nulls."""
    return pl.Series(name, [None], dtype=kind).new_from_index(0, rows)


def extended(series: pl.Series, rows: int) -> pl.Series:
    """Return the series with nulls at its end up to a length."""
    if len(series) >= rows:
        return series
    return pl.concat([series, nulls(series.name, series.dtype, rows - len(series))])


def _text(raw: msgspec.Raw, field: Field) -> Column:
    try:
        values = msgspec.json.decode(raw, type=list[str | None])
    except msgspec.ValidationError:
        return _cell_by_cell(raw, field, _text_cell)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(field, error) from error
    return pl.Series(field.column, values, dtype=pl.String), []


def is_key(field: Field) -> bool:
    """Whether rows are found by it, so that it must fit into an index."""
    return field.source.endswith("Url") or field.source in KEYS


def cell(value: object, field: Field) -> object:
    """Return one decoded cell of JSON as its kind.

    Raises:
        ValueError: It is there and cannot be read.
    """
    return {"text": _text_cell, "number": _number_cell, "stamp": _stamp_cell}[field.kind](
        value, field
    )


def _text_cell(value: object, field: Field) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise ValueError("is no text")  # noqa: TRY004 - the caller turns it into a reject
    text = str(value)
    if len(text) > LONGEST and field.required:
        raise ValueError("is too long")
    if is_key(field) and len(text.encode(errors="replace")) > LONGEST_KEY:
        raise ValueError(f"is longer than {LONGEST_KEY} bytes")
    return None if field.required and not text.strip() else text


def _number(raw: msgspec.Raw, field: Field) -> Column:
    sent = bytes(raw)
    try:
        values = _numbers(sent, field)
    except (msgspec.DecodeError, ValueError):
        return _cell_by_cell(raw, field, _number_cell)
    series = pl.Series(field.column, values, dtype=pl.Float64)
    lowest, highest = series.min(), series.max()
    if not isinstance(lowest, float) or not isinstance(highest, float):
        return series, []
    largest = max(-lowest, highest)
    if not largest <= LARGEST or (largest > EXACT and LONG.search(sent)):
        return _cell_by_cell(raw, field, _number_cell)
    return series, []


def _numbers(sent: bytes, field: Field) -> list[float | None]:
    if not NULL_TEXT.search(sent):
        try:
            return NUMBERS.decode(sent)
        except msgspec.ValidationError:
            pass
    values = msgspec.json.decode(sent, type=list[float | str | None])
    return [_number_cell(v, field) if isinstance(v, str) else v for v in values]


def _number_cell(value: object, _field: Field) -> float | None:
    """Read a number; what a double cannot hold is an error, but for less than half a billionth."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("is no number")  # noqa: TRY004 - becomes a reject
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise ValueError("is no number")
    number = float(value)
    if not abs(number) <= LARGEST:
        raise ValueError("is out of range")
    if abs(number) > EXACT and isinstance(value, str | Decimal):
        kept = Decimal(repr(number))  # the digits that the database gets
        if abs(kept - Decimal(value)) > NOTHING:
            raise ValueError("has more digits than are kept")
    return number


def _stamp(raw: msgspec.Raw, field: Field) -> Column:
    try:
        values = msgspec.json.decode(raw, type=list[str | None])
    except msgspec.DecodeError:
        return _cell_by_cell(raw, field, _stamp_cell)
    texts = pl.Series(field.column, values, dtype=pl.String)
    stamps = texts.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC", strict=False
    )
    first, last = cast("datetime | None", stamps.min()), cast("datetime | None", stamps.max())
    is_odd = stamps.null_count() > texts.null_count()
    if is_odd or (first and first < EARLIEST) or (last and last > LATEST):
        return _cell_by_cell(raw, field, _stamp_cell)
    return stamps, []


def _stamp_cell(value: object, field: Field) -> datetime | None:
    """Read a stamp in any form of ISO 8601; one without a zone is UTC.

    What is there and cannot be read is an error, but for fields whose form nobody has seen.
    """
    if value is None or value == "":
        return None
    stamp = None
    if isinstance(value, str) and value[4:5] == "-":
        try:
            stamp = datetime.fromisoformat(value.strip())
            stamp = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
        except (ValueError, OverflowError):
            stamp = None
    if stamp is not None and EARLIEST <= stamp <= LATEST:
        return stamp
    if field.is_guess:
        return None
    raise ValueError("is no time between 1990 and 2100")


def _cell_by_cell(
    raw: msgspec.Raw, field: Field, convert: Callable[[object, Field], object]
) -> Column:
    """The slow way, taken only when a column holds something unusual."""
    values: list[object] = []
    errors: list[CellError] = []
    try:
        cells = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(field, error) from error
    for index, cell in enumerate(cells):
        try:
            values.append(convert(CELL.decode(cell), field))
        except (ValueError, OverflowError, RecursionError, msgspec.DecodeError) as error:
            values.append(None)
            reason = str(error) if type(error) is ValueError else "cannot be read"
            sample = escaped(bytes(cell)[:200].decode(errors="replace"))
            errors.append((index, f"{field.source} {reason}", sample))
    return pl.Series(field.column, values, dtype=TYPES[field.kind]), errors


READERS: dict[str, Callable[[msgspec.Raw, Field], Column]] = {
    "text": _text,
    "number": _number,
    "stamp": _stamp,
}


def as_json(columns: Mapping[str, msgspec.Raw]) -> dict[str, pl.Series]:
    """Return columns' cells as JSON text, null where they are null or an empty list."""
    texts: dict[str, pl.Series] = {}
    for name, raw in columns.items():
        empty = _empty_lists(raw)
        if empty is not None:
            texts[name] = nulls(name, pl.String(), empty)
            continue
        try:
            cells = msgspec.json.decode(raw, type=list[msgspec.Raw])
        except (msgspec.DecodeError, RecursionError) as error:
            raise MalformedError(f"The field {name} is no list of values: {error}.") from error
        filled = [None if cell in EMPTY else cell for cell in map(bytes, cells)]
        texts[name] = pl.Series(name, filled, dtype=pl.Binary).cast(pl.String)
    return texts


def _empty_lists(raw: msgspec.Raw) -> int | None:
    """Return how many empty lists a column has, and nothing else; None = it has something."""
    sent = memoryview(raw)
    if bytes(sent[:3]) != b"[[]":
        return None
    empty = bytes(sent).count(b"[]")
    return empty if len(sent) == 3 * empty + 1 else None


def _numbered(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Return columns under numbers: to polars a name that was sent could be a pattern."""
    return pl.DataFrame([series.alias(str(i)) for i, series in enumerate(columns)])


def payload(columns: Mapping[str, pl.Series], rows: int) -> pl.Series:
    """Join columns of JSON text to one JSON object per row, leaving out nulls."""
    names = [msgspec.json.encode(name).decode() for name in columns]
    frame = _numbered(columns.values())
    pairs = [
        pl.lit(f"{name}:") + pl.col(series.name)
        for name, series in zip(names, frame, strict=True)
        if series.null_count() < rows
    ]
    if not pairs:
        return pl.Series("payload", ["{}"] * rows, dtype=pl.String)
    body = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    return frame.select(payload=pl.concat_str(pl.lit("{"), body, pl.lit("}")))["payload"]


def _unreadable(field: Field, error: Exception) -> MalformedError:
    return MalformedError(f"The field {field.source} cannot be read: {error}.")
