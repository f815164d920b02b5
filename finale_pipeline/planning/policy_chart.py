"""The picture of what a service level costs: fill over stock, a line per method."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from finale_pipeline.planning.charts import nice, short

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 20, 45
INK, LINES = "#5b6470", ("#1f5fa8", "#b3541e")


def policy_chart(policies: Sequence[Mapping[str, Any]], in_use: str) -> str:
    """Return the picture as SVG.

    Args:
        policies: Scores of the simulated policy: `method`, `service_level`, `stock_units`,
            `fill_per_product`; without a service level it is one point.
        in_use: The method in use; its line is the first.
    """
    most = max(float(row["stock_units"]) for row in policies) * 1.05 or 1.0
    least = min(float(row["fill_per_product"]) for row in policies)
    floor = min(0.9, int(least * 10) / 10)
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(row: Mapping[str, Any]) -> tuple[float, float]:
        share = (float(row["fill_per_product"]) - floor) / (1 - floor)
        return LEFT + across * float(row["stock_units"]) / most, TOP + up * (1 - share)

    drawn = [_axes(floor, most, across, up)]
    curves: dict[str, list[Mapping[str, Any]]] = {}
    for row in policies:
        name = str(row["method"])
        curve = name.rpartition(", ")[0] if row["service_level"] is not None else name
        curves.setdefault(curve, []).append(row)
    for number, name in enumerate(sorted(curves, key=lambda name: name != in_use)):
        points = [(*place(row), row) for row in curves[name]]
        colour = LINES[number] if number < len(LINES) and len(points) > 1 else INK
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [_point(x, y, row, colour) for x, y, row in points]
        x, y, _ = points[-1]
        below = 16 if len(points) > 1 else 26
        drawn.append(
            f'<text x="{x + 8:.1f}" y="{y + below:.1f}" fill="{colour}">{escape(name)}</text>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="Fill over stock">{"".join(drawn)}</svg>'
    )


def _axes(floor: float, most: float, across: int, up: int) -> str:
    found = []
    for tenth in range(round(floor * 10), 11):
        y = TOP + up * (1 - (tenth / 10 - floor) / (1 - floor))
        found.append(
            f'<line x1="{LEFT}" x2="{LEFT + across}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d7dae0"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10 * tenth} %</text>'
        )
    for units in nice(most):
        x = LEFT + across * units / most
        found.append(
            f'<text x="{x:.1f}" y="{TOP + up + 18}" text-anchor="middle">{short(units)}</text>'
        )
    found.append(
        f'<text x="{LEFT + across / 2}" y="{TOP + up + 38}" text-anchor="middle">'
        "units on hand; each point: the service level asked, at the fill per product reached</text>"
    )
    return "".join(found)


def _point(x: float, y: float, row: Mapping[str, Any], colour: str) -> str:
    level = row["service_level"]
    asked = "" if level is None else f"{100 * float(level):g}"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle" fill="{colour}">{asked}</text>'
    )
