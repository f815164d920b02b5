"""The picture of what a service level costs: fill over stock, a line per method."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from finale_pipeline.planning.charts import Scale, nice, short

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 570, 20, 255
CAPTION = "units on hand; each point: the service level asked, at the fill per product reached"
COLOURS = ("#1f5fa8", "#b3541e")
OTHERS = "#5b6470"

Mark = tuple[float, float, str]
"""A point of a curve: its place across and down, and the service level that was asked, in words."""


def policy_chart(policies: Sequence[Mapping[str, Any]], in_use: str) -> str:
    """Return the picture as SVG: shares upward, units of stock across.

    Args:
        policies: Scores of the simulated policy: `method`, `service_level`, `stock_units`,
            `fill_per_product`; without a service level it is one point.
    """
    most = max(float(row["stock_units"]) for row in policies) * 1.05 or 1.0
    least = min(float(row["fill_per_product"]) for row in policies)
    floor = min(0.9, int(least * 10) / 10)
    across, up = Scale(0.0, most, LEFT, RIGHT), Scale(floor, 1.0, BOTTOM, TOP)
    curves: dict[str, list[Mark]] = {}
    for row in policies:
        level, name = row["service_level"], str(row["method"])
        curve = name if level is None else name.rpartition(", ")[0]
        x, y = across.at(float(row["stock_units"])), up.at(float(row["fill_per_product"]))
        text = "" if level is None else f"{100 * float(level):g}"
        curves.setdefault(curve, []).append((x, y, text))
    ranked = sorted(curves, key=lambda name: name != in_use)
    shares = [(up.at(n / 10), f"{10 * n} %") for n in range(round(floor * 10), 11)]
    parts = [
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}" stroke="#d7dae0"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end" fill="currentColor">{text}</text>'
        for y, text in shares
    ]
    parts += [
        f'<text x="{across.at(units)}" y="{BOTTOM + 18}" text-anchor="middle"'
        f' fill="currentColor">{short(units)}</text>'
        for units in nice(most)
    ]
    parts.append(f'<text x="{LEFT}" y="{BOTTOM + 38}" fill="currentColor">{CAPTION}</text>')
    parts += [_curve(name, curves[name], number) for number, name in enumerate(ranked)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="Fill over stock">{"".join(parts)}</svg>'
    )


def _curve(name: str, marks: Sequence[Mark], number: int) -> str:
    is_line = len(marks) > 1
    colour = COLOURS[number] if is_line and number < len(COLOURS) else OTHERS
    line = " ".join(f"{x:g},{y:g}" for x, y, _ in marks)
    x, y, _ = marks[-1]
    points = [
        f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
        f'<text x="{x}" y="{y - 8:g}" text-anchor="middle" fill="{colour}">{text}</text>'
        for x, y, text in marks
    ]
    return (
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x + 8:g}" y="{y + (16 if is_line else 26):g}" fill="{colour}">'
        f"{escape(name)}</text>{''.join(points)}"
    )
