"""How stock does over time, as a picture: what is available at cost, and the share that is out."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from finale_pipeline.planning.charts import (
    LEFT,
    RIGHT,
    WIDTH,
    AxisTick,
    Point,
    Scale,
    framed,
    months,
    nice,
    row_lines,
    short,
)
from finale_pipeline.warehouse.connect import Row

DAYS = 180
"""As many days are shown at most."""
HEIGHT = 196.0
VALUE, SHARE = (22.0, 92.0), (122.0, 172.0)
"""Top and bottom of each part."""


def runs(points: Sequence[Point]) -> list[list[Point]]:
    """Return points in runs of days that follow each other: over a day without data goes no line.

    >>> runs([(1.0, 5.0), (2.0, 4.0), (4.0, 7.0)])
    [[(1.0, 5.0), (2.0, 4.0)], [(4.0, 7.0)]]
    """
    grouped = [[point] for point in points[:1]]
    for before, point in pairwise(points):
        if point[0] - before[0] > 1:
            grouped.append([])
        grouped[-1].append(point)
    return grouped


def trend(rows: Sequence[Row]) -> str | None:
    """Return the picture as SVG; None = there are not two days to compare.

    Args:
        rows: Of plan.day_total, the oldest first.
    """
    if len(rows) <= 1:
        return None
    first, last = rows[0]["snapshot_on"], rows[-1]["snapshot_on"]
    across = Scale(0.0, float((last - first).days), LEFT, WIDTH - RIGHT)
    worth = _points(rows, first, lambda row: row["stock_value"])
    out = _points(rows, first, lambda row: 100 * row["products_out"] / row["products"])
    parts = []
    for title, name, points, (top, bottom), unit in (
        ("available, at cost", "stock", worth, VALUE, ""),
        ("products out of stock", "out", out, SHARE, " %"),
    ):
        most = max([1.0, *(value for _, value in points)])
        up = Scale(0.0, most * 1.05, bottom, top)
        parts += row_lines([AxisTick(up.at(n), f"{short(n)}{unit}") for n in nice(most)])
        parts.append(f'<text x="{LEFT + 6:g}" y="{top - 8:g}">{title}</text>')
        parts += [_line(name, run, across, up) for run in runs(points)]
    parts += [
        f'<text x="{across.at(day)}" y="{HEIGHT - 6:g}">{text}</text>'
        for day, text in months(first, across)
    ]
    return framed(parts, HEIGHT, _says(rows[0], rows[-1]))


def _points(rows: Sequence[Row], first: date, value: Callable[[Row], Any]) -> list[Point]:
    """Return the days, counted from the first, on which a value is known."""
    valued = ((row["snapshot_on"], value(row)) for row in rows)
    return [(float((on - first).days), float(known)) for on, known in valued if known is not None]


def _line(name: str, run: Sequence[Point], across: Scale, up: Scale) -> str:
    """Return a run as a line; one day alone as a dash, else nothing would be seen of it."""
    places = [(across.at(day), up.at(value)) for day, value in run]
    if len(places) == 1:
        ((x, y),) = places
        places = [(max(x - 2, LEFT), y), (min(x + 2, WIDTH - RIGHT), y)]
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    return f'<polyline class="{name}" points="{points}"/>'


def _says(first: Row, last: Row) -> str:
    def of(row: Row) -> str:
        value = "not known" if row["stock_value"] is None else f"{row['stock_value']:,.0f}"
        return (
            f"{row['snapshot_on']}: available at cost {value},"
            f" {row['products_out']} of {row['products']} products out"
        )

    return f"{of(first)}; {of(last)}."
