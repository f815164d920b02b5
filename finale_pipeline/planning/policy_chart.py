"""The picture of what a service level costs: fill over stock, a line per method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from finale_pipeline.planning.charts import AxisTick, Scale, nice, short

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 570, 20, 255
CAPTION = "units on hand; each point: the service level asked, at the fill per product reached"
COLOURS = ("#1f5fa8", "#b3541e")
OTHERS = "#5b6470"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a curve: where, and the service level that was asked, in words."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """What a method reaches: its line (points of SVG's polyline), and where its name stands."""

    name: str
    colour: str
    line: str
    marks: list[Mark]
    name_x: float
    name_y: float


@dataclass(frozen=True, slots=True)
class PolicyChart:
    """The picture, in a box of `WIDTH` by `HEIGHT`: shares upward, units of stock across."""

    shares: list[AxisTick]
    units: list[AxisTick]
    curves: list[Curve]


def policy_chart(policies: Sequence[Mapping[str, Any]], in_use: str) -> PolicyChart:
    """Return the picture.

    Args:
        policies: Scores of the simulated policy: `method`, `service_level`, `stock_units`,
            `fill_per_product`; without a service level it is one point.
    """
    most = max(float(row["stock_units"]) for row in policies) * 1.05 or 1.0
    least = min(float(row["fill_per_product"]) for row in policies)
    floor = min(0.9, int(least * 10) / 10)
    across, up = Scale(0.0, most, LEFT, RIGHT), Scale(floor, 1.0, BOTTOM, TOP)
    marks: dict[str, list[Mark]] = {}
    for row in policies:
        level, name = row["service_level"], str(row["method"])
        curve = name if level is None else name.rpartition(", ")[0]
        x, y = across.at(float(row["stock_units"])), up.at(float(row["fill_per_product"]))
        level_text = "" if level is None else f"{100 * float(level):g}"
        marks.setdefault(curve, []).append(Mark(x, y, level_text))
    ranked = sorted(marks, key=lambda name: name != in_use)
    return PolicyChart(
        [AxisTick(up.at(n / 10), f"{10 * n} %") for n in range(round(floor * 10), 11)],
        [AxisTick(across.at(units), short(units)) for units in nice(most)],
        [_curve(name, marks[name], number) for number, name in enumerate(ranked)],
    )


def _curve(name: str, marks: list[Mark], number: int) -> Curve:
    is_line = len(marks) > 1
    colour = COLOURS[number] if is_line and number < len(COLOURS) else OTHERS
    line = " ".join(f"{mark.x:g},{mark.y:g}" for mark in marks)
    last = marks[-1]
    return Curve(name, colour, line, marks, last.x + 8, last.y + (16 if is_line else 26))


def svg(chart: PolicyChart) -> str:
    """Return the picture as SVG."""
    parts = [
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{tick.at}" y2="{tick.at}" stroke="#d7dae0"/>'
        f'<text x="{LEFT - 8}" y="{tick.at + 4}" text-anchor="end">{tick.text}</text>'
        for tick in chart.shares
    ]
    parts += [
        f'<text x="{tick.at}" y="{BOTTOM + 18}" text-anchor="middle">{tick.text}</text>'
        for tick in chart.units
    ]
    parts.append(f'<text x="{LEFT}" y="{BOTTOM + 38}">{CAPTION}</text>')
    for curve in chart.curves:
        parts.append(
            f'<polyline points="{curve.line}" fill="none" stroke="{curve.colour}"'
            f' stroke-width="2"/><text x="{curve.name_x:g}" y="{curve.name_y:g}"'
            f' fill="{curve.colour}">{escape(curve.name)}</text>'
        )
        parts += [
            f'<circle cx="{mark.x}" cy="{mark.y}" r="4" fill="{curve.colour}"/><text'
            f' x="{mark.x}" y="{mark.y - 8:g}" text-anchor="middle" fill="{curve.colour}">'
            f"{mark.text}</text>"
            for mark in curve.marks
        ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="Fill over stock">{"".join(parts)}</svg>'
    )
