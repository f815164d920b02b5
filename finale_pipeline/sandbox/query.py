"""Reads the query of a collection as Finale does: the filter's ranges and their rules."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_DAYS = timedelta(days=30)
DATE = "lastUpdatedDate"
FREE_TEXT = {"orderId", "referenceNumber"}


class BadQuery(Exception):
    """Finale answers 400."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks of a collection.

    Attributes:
        lo: Unix seconds of the oldest stamp, None = open.
        hi: Unix seconds of the newest, None = open.
        ranges: Other fields: name → lower and upper bound, both included.
        limit: The first so many records of the date range are looked at.
    """

    lo: int | None = None
    hi: int | None = None
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    limit: int | None = None


def parse(params: dict[str, str], *, now: datetime) -> Query:
    """Read a request's parameters; those Finale does not know, such as offset, are ignored.

    Raises:
        BadQuery: The filter cannot be read, or its date range is open or over 30 days.
    """
    limit = params.get("limit", "")
    text = params.get("filter")
    ranges = _decoded(text) if text else {}
    count = int(limit) if limit.isdigit() else None
    if DATE not in ranges:
        return Query(ranges=ranges, limit=count)
    lower, upper = ranges.pop(DATE)
    if lower is None:
        raise BadQuery
    lo, hi = _moment(lower), _moment(upper) if upper is not None else now
    if hi - lo > MOST_DAYS:
        raise BadQuery
    return Query(int(lo.timestamp()), int(hi.timestamp()), ranges, count)


def _decoded(text: str) -> dict[str, tuple[Any, Any]]:
    compact = "".join(text.split())
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
        ranges = json.loads(raw)
        return {name: (low, high) for name, (low, high) in ranges.items()}
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise BadQuery from error


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadQuery from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def matches(
    record: dict[str, Any], ranges: dict[str, tuple[Any, Any]], *, is_loose: bool = False
) -> bool:
    """Whether a record's fields lie in the ranges, compared as numbers or as text.

    Args:
        ranges: Field → lower and upper bound.
        is_loose: In free text case makes no difference, and what begins with the upper bound
            lies below it: such a range over one value finds more than that value.
    """
    return all(
        _inside(record.get(name), *bounds, is_loose=is_loose and name in FREE_TEXT)
        for name, bounds in ranges.items()
    )


def _inside(value: Any, low: Any, high: Any, *, is_loose: bool) -> bool:
    if value is None or isinstance(value, list | dict):
        return False
    if not all(isinstance(v, int | float) for v in (value, low or 0, high or 0)):
        value, low, high = str(value), _text(low), _text(high)
    if is_loose:
        value, low, high = (None if v is None else str(v).casefold() for v in (value, low, high))
        high = None if high is not None and value.startswith(high) else high
    return (low is None or value >= low) and (high is None or value <= high)


def _text(bound: object) -> str | None:
    return None if bound is None else str(bound)
