"""Column-major JSON → a typed frame, with every unreadable row named; no network."""

import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import polars as pl

from finale_pipeline.errors import DriftError, MalformedError
from finale_pipeline.finale import cells, lists
from finale_pipeline.finale.pages import Pages
from finale_pipeline.finale.records import SHIPMENT, Field, Resource

ROW = "_row"
PIECE = 1 << 20
HASHED = 50_000
"""Rows whose keys are hashed at a time."""
AROUND = 32
"""Bytes that quotes, colon, comma and spaces around a field take, at most."""
ESCAPE = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash or a surrogate pair, which are well; else NUL, or half a pair."""
BAD_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")
DEEPEST = 60
"""Levels of brackets that any field of ours has, and many more."""
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was read and will not be written.

    Attributes:
        key: Its key; None = it has none that can be read.
        second_key: What else says whose it is, where its resource has such a column.
    """

    key: str | None
    reason: str
    sample: str = ""
    second_key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer; rows = len(frame) + len(rejects) + duplicates, always.

    Attributes:
        frame: One row per accepted record, with our column names.
        rejects: The records left out, each with its reason.
        duplicates: Repeated or superseded records of a key that were folded into one.
        unknown: Finale's fields that have no column of their own.
        notes: What of nested lists cannot be read; their records are in the frame without it.
    """

    frame: pl.DataFrame
    rejects: list[Reject]
    rows: int
    duplicates: int
    unknown: tuple[str, ...]
    notes: tuple[Reject, ...] = ()


def decode(body: bytes | Pages, resource: Resource, *, lists_later: bool = False) -> Answer:
    """Decode a collection's answer.

    The longest column counts the records; an absent or empty optional column is null; a short one
    ends in nulls.

    Args:
        body: Pages are given back as they are read: nothing is left of them afterwards.
        lists_later: Whether who reads the nested lists finds what of them is unreadable.

    Raises:
        DriftError: A required column is gone.
        MalformedError: No object of columns; a required column is short; a key of a resource
            that allows none stands twice.
    """
    columns = _by_first_name(_columns(body, resource), resource)
    if isinstance(body, Pages):
        typed, raw = _read_giving_back(columns, resource, body)
    else:
        mapped = {field.source for field in resource.fields}
        typed = cells.read({f: columns[f.source] for f in resource.fields if f.source in columns})
        raw = cells.as_json({name: sent for name, sent in columns.items() if name not in mapped})
    del body, columns  # large ones are as large as the frame that is made now
    lengths = {f.source: len(series) for f, (series, _) in typed.items()}
    rows = max([*lengths.values(), *(len(series) for series in raw.values())], default=0)
    _require(resource, lengths, rows)
    frame, errors = _frame(typed, raw, resource, rows)
    frame, rejects = _without_rejects(frame, errors, resource)
    frame, duplicates, conflicts = _unique(frame, resource)
    frame = frame.drop(ROW)
    problems = lists.no_numbers(frame, resource)
    if not lists_later:
        frame, unreadable = lists.checked(frame, resource)
        problems += unreadable
    return Answer(frame, rejects + conflicts, rows, duplicates, tuple(raw), noted(problems))


def _read_giving_back(
    columns: dict[str, msgspec.Raw], resource: Resource, body: Pages
) -> tuple[dict[Field, cells.Column], dict[str, pl.Series]]:
    """Read columns one after the other, in the order in which they were sent."""
    fields = {field.source: field for field in resource.fields}
    typed: dict[Field, cells.Column] = {}
    raw: dict[str, pl.Series] = {}
    read = 0
    for name, sent in columns.items():
        if name in fields:
            typed[fields[name]] = cells.read_long(sent, fields[name])
        elif resource.has_payload or name in dict(resource.helpers):
            raw |= cells.as_json({name: sent})
        else:
            raw[name] = cells.counted(sent)
        read += len(memoryview(sent))  # what stands between columns makes up for what is left
        body.give_back(read)
    return typed, raw


def noted(notes: Sequence[lists.Note]) -> tuple[Reject, ...]:
    """Return what of nested lists cannot be read as it is kept."""
    return tuple(Reject(key, reason, cells.escaped(sample)) for key, reason, sample in notes)


def decode_records(bodies: Sequence[bytes], resource: Resource) -> Answer:
    """Decode single records as if they were one collection; a field that one lacks is null.

    Raises:
        MalformedError: One is no record, such as an error with status 200.
    """
    records = [_object(body, resource) for body in bodies]
    key = next(field for field in resource.fields if field.column == resource.key[0])
    for record in records:
        if not {key.source, *key.others} & set(record):
            sample = cells.escaped(", ".join(record), 200)
            raise MalformedError(
                f"An answer for one {resource.path} is no record but has only: {sample}."
            )
    names = dict.fromkeys(name for record in records for name in record)
    null = msgspec.Raw(b"null")
    columns = {name: [record.get(name, null) for record in records] for name in names}
    return decode(msgspec.json.encode(columns), resource)


def has_list(body: bytes, name: str) -> bool:
    """Whether a single record has a list by that name, be it an empty one."""
    sent = _object(body, SHIPMENT).get(name)
    return sent is not None and bytes(memoryview(sent)[:1]) == b"["


def _object(body: bytes, resource: Resource) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(
            f"An answer for one {resource.path} cannot be read: {error}."
        ) from error


def _columns(body: bytes | Pages, resource: Resource) -> dict[str, msgspec.Raw]:
    try:
        text = _well_escaped(body)
        _refuse_bad_utf8(text)
        try:
            columns = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        except RecursionError:
            text = _without_depths(text)
            columns = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"The answer for {resource.path} cannot be read: {error}.") from error
    accounted = sum(
        len(name.encode()) + len(memoryview(raw)) + AROUND for name, raw in columns.items()
    )
    if len(text) > accounted + AROUND:
        raise MalformedError(
            f"The answer for {resource.path} names a field twice: nobody knows which one counts."
        )
    for name, raw in columns.items():
        if bytes(memoryview(raw)[:1]) != b"[":
            sample = cells.escaped(f"{name}: {bytes(raw)[:200].decode(errors='replace')}", 200)
            raise MalformedError(
                f"The answer for {resource.path} is no collection but looks like an error,"
                f" {sample}."
            )
    return columns


def _by_first_name(columns: dict[str, msgspec.Raw], resource: Resource) -> dict[str, msgspec.Raw]:
    """Return the columns with fields that go by one of their other names under their first."""
    first = {}
    for field in resource.fields:
        sent = next((name for name in field.others if name in columns), None)
        if sent is not None and field.source not in columns:
            first[sent] = field.source
    return {first.get(name, name): raw for name, raw in columns.items()} if first else columns


def _well_escaped(body: bytes | Pages) -> bytes | memoryview:
    """Return the text, without escapes that no database text can hold."""
    if isinstance(body, Pages):
        if not body.has(b"\\") or not any(map(body.has, BAD_ESCAPES)):
            return body.view()
        body = bytes(body.view())
    text = body.removeprefix(b"\xef\xbb\xbf")
    if b"\\" in text and any(escape in text for escape in BAD_ESCAPES):
        return _without_bad_escapes(text)
    return text


def _refuse_bad_utf8(text: bytes | memoryview) -> None:
    """Raise UnicodeDecodeError where a text is not UTF-8; by pieces, for it may be large."""
    if isinstance(text, bytes) and text.isascii():
        return
    decoder = getincrementaldecoder("utf-8")()
    view = memoryview(text)
    for start in range(0, len(view), PIECE):
        decoder.decode(view[start : start + PIECE])
    decoder.decode(b"", final=True)


def _without_bad_escapes(text: bytes) -> bytes:
    """Replace escapes that no database text can hold: NUL and half a surrogate pair."""
    return ESCAPE.sub(lambda found: found[1] or rb"\ufffd", text)


def _without_depths(text: bytes | memoryview) -> bytes:
    """Return JSON in which null stands for what is nested deeper than any field of ours."""
    depth, parts, since = 0, [], 0
    for token in TOKEN.finditer(text):
        mark = token[0][:1]
        if mark in b"[{":
            depth += 1
            if depth == DEEPEST:
                parts += [text[since : token.start()], b"null"]
        elif mark in b"]}":
            if depth == DEEPEST:
                since = token.end()
            depth -= 1
    return b"".join([*parts, text[since:]]) if depth == 0 else bytes(text)


def _require(resource: Resource, lengths: dict[str, int], rows: int) -> None:
    for field in resource.fields:
        is_short = field.source in lengths and lengths[field.source] < rows
        if is_short and field.kind == "number" and not resource.merges_duplicates:
            raise _short(resource, field, lengths[field.source], rows)
        if not rows or not field.required:
            continue
        if field.source not in lengths:
            raise DriftError(
                f"The answer for {resource.path} has no {field.source} any more.",
                step="Look whether Finale renamed it; nothing is written until it is back.",
            )
        if lengths[field.source] < rows:
            raise _short(resource, field, lengths[field.source], rows)


def _short(resource: Resource, field: Field, values: int, rows: int) -> MalformedError:
    return MalformedError(
        f"The answer for {resource.path} has {rows} records and only {values} values of"
        f" {field.source}."
    )


def _frame(
    typed: dict[Field, cells.Column],
    raw: dict[str, pl.Series],
    resource: Resource,
    rows: int,
) -> tuple[pl.DataFrame, list[cells.CellError]]:
    errors: list[cells.CellError] = []
    frame = [pl.int_range(rows, dtype=pl.UInt32, eager=True).alias(ROW)]
    for field in resource.fields:
        sent, wrong = typed.pop(field, (None, []))
        series, missing = cells.padded(sent, field, rows)
        frame.append(series)
        errors += wrong + missing
    raw = {name: cells.extended(series, rows) for name, series in raw.items()}
    if resource.has_payload:
        frame.append(cells.payload(raw, rows))
    empty = cells.nulls("", pl.String(), rows)
    frame += [raw.get(name, empty).alias(helper) for name, helper in resource.helpers]
    return pl.DataFrame(frame), errors


def _without_rejects(
    frame: pl.DataFrame, errors: list[cells.CellError], resource: Resource
) -> tuple[pl.DataFrame, list[Reject]]:
    """Leave out the rows with a fault; a row with several is named by its first."""
    if not errors:
        return frame, []
    first: dict[int, tuple[str, str]] = {}
    for index, reason, sample in errors:
        first.setdefault(index, (reason, sample))
    keys = frame[resource.key[0]]
    others = frame[resource.second_key] if resource.second_key else [None] * len(frame)
    rejects = [Reject(keys[i], why, sample, others[i]) for i, (why, sample) in first.items()]
    return frame.filter(~pl.col(ROW).is_in(list(first))), rejects


def _unique(frame: pl.DataFrame, resource: Resource) -> tuple[pl.DataFrame, int, list[Reject]]:
    """Leave one row per key: the newest; rows that contradict each other are rejected."""
    key = list(resource.key)
    # Where all hashes differ all keys do, and that takes a fraction of the memory to see.
    parts = [part.select(key).hash_rows() for part in frame.iter_slices(HASHED)]
    hashes = pl.concat(parts or [frame.select(key).hash_rows()]).sort()
    if not (hashes[1:] == hashes[:-1]).any():
        return frame, 0, []
    if frame.select(key).n_unique() == len(frame):
        return frame, 0, []
    repeated = frame.filter(frame.select(key).is_duplicated())
    if not resource.merges_duplicates:
        raise MalformedError(
            f"{len(repeated)} rows of {resource.path} share their key with another, the first:"
            f" {cells.escaped(str(repeated.row(0)[1:6]))}. Sums over them would be wrong."
        )
    newest = pl.col("updated_at").fill_null(pl.datetime(1, 1, 1, time_zone="UTC"))
    latest = frame.filter(newest == newest.max().over(key))
    latest = latest.unique([name for name in frame.columns if name != ROW], keep="last")
    against = latest.filter(latest.select(key).is_duplicated())
    kept = latest.join(against, on=key, how="anti").sort(ROW)
    losers = frame.join(against, on=key, how="semi")
    rejects = [Reject(url, "several records share this key and differ") for url in losers[key[0]]]
    return kept, len(frame) - len(kept) - len(rejects), rejects
