"""Cron times of five fields, read strictly: a wrong one would hide every asset of Dagster."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTES_A_DAY = 24 * 60
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = {n: i for i, n in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
WEEKDAYS = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
ITEM = re.compile(r"(?:\*|(?P<begin>\w+)(?:-(?P<end>\w+))?)(?:/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True)
class _Field:
    what: str
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 7, WEEKDAYS),
)


def checked_cron(text: str) -> str:
    """Return a cron time with one space between its fields.

    Raises:
        ValueError: It is none, or never comes; the message says which part is wrong.

    >>> checked_cron("*/15  * * * *")
    '*/15 * * * *'
    >>> checked_cron("0 25 * * *")
    Traceback (most recent call last):
    ...
    ValueError: '0 25 * * *': the hour '25' is not between 0 and 23
    """
    days, months = _sets(text)[2:4]
    fields = text.split()
    if fields[4] == "*" and not any(day <= DAYS[month - 1] for day in days for month in months):
        raise ValueError(f"{text!r}: no month of these has such a day")
    return " ".join(fields)


def shortest_pause_minutes(text: str) -> int:
    """Return the minutes between the two due times of a day that are closest to each other.

    >>> [shortest_pause_minutes(cron) for cron in ("*/15 * * * *", "0,50 * * * *", "0 3 * * SUN")]
    [15, 10, 1440]
    """
    minutes, hours = _sets(text)[:2]
    due = sorted(60 * hour + minute for hour in hours for minute in minutes)
    return min(b - a for a, b in itertools.pairwise([*due, due[0] + MINUTES_A_DAY]))


def _sets(text: str) -> list[set[int]]:
    """Return the values of each field."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"{text!r} has not the five fields of a cron time, such as 0 2 * * *")
    try:
        return [_values(part, kind) for part, kind in zip(fields, FIELDS, strict=True)]
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def _values(text: str, kind: _Field) -> set[int]:
    values: set[int] = set()
    for item in text.split(","):
        match = ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"the {kind.what} {item!r} cannot be read")
        begin = _number(match["begin"], kind) if match["begin"] else kind.least
        last = begin if match["begin"] and not match["step"] else kind.most
        end = _number(match["end"], kind) if match["end"] else last
        step = int(match["step"] or 1)
        if begin > end or not 0 < step <= kind.most:
            raise ValueError(f"the {kind.what} {item!r} names no time")
        values |= set(range(begin, end + 1, step))
    return values


def _number(text: str, kind: _Field) -> int:
    digits = int(text) if text.isascii() and text.isdigit() else -1
    number = kind.names.get(text.upper(), digits)
    if not kind.least <= number <= kind.most:
        raise ValueError(f"the {kind.what} {text!r} is not between {kind.least} and {kind.most}")
    return number
