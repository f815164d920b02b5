"""A product's picture: its stock and sales so far, and where stock may go; the page and reports."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Any

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import products as products_reads

PAST_DAYS = 90
MOST_DAYS = 120
"""Of the days ahead, as many as are shown at most."""
WIDTH, HEIGHT, LEFT, RIGHT = 1240.0, 280.0, 52.0, 8.0
STOCK_TOP, STOCK_BOTTOM = 10.0, 176.0
SOLD_TOP, SOLD_BOTTOM = 204.0, 258.0
TICKS = 4

Point = tuple[float, float]
"""Day, counted from the plan's, and units."""


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A mark at an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the page draws: lines as the points of SVG's polyline, in a box of WIDTH by HEIGHT.

    Attributes:
        stock: Available units so far, in steps.
        expected: Available units ahead, arrivals in, if nothing more is ordered.
        band: Between what is expected and what stays above in 95 of 100 cases.
        point_at: Height of the reorder point; None = there is none to show.
        bars: Of units sold, each with x, y and height.
        units: Ticks of the stock; `sold` those of a day's sales, `months` of time.
        says: The picture in a sentence.
    """

    stock: str
    expected: str
    band: str
    point_at: float | None
    zero_at: float
    now_at: float
    bars: list[tuple[float, float, float]]
    bar_width: float
    units: list[AxisTick]
    sold: list[AxisTick]
    months: list[AxisTick]
    says: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns values into places; a span of nothing becomes the middle of one unit."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value.

        >>> Scale(0, 10, 100, 0).at(4)
        60.0
        """
        span = (self.high - self.low) or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The days to come: what is expected, and what stays above in 95 of 100 cases."""

    expected: list[Point]
    worst: list[Point]


def ahead_of(forecast: dict[str, Any] | None, arrivals: Sequence[Point]) -> Ahead:
    """Return where stock may go; what is unsure of demand grows with the root of time.

    Args:
        forecast: A row of the plan: available, velocity, protection days, the 95 % quantile of
            demand in them.
        arrivals: Days from the plan's and units of open orders; usable from the start of the day.
    """
    if forecast is None or forecast["velocity_units_per_day"] is None:
        return Ahead([], [])
    protection = max(float(forecast["protection_days"]), 1.0)
    pace = float(forecast["velocity_units_per_day"])
    available = float(forecast["available_units"] or 0)
    days = range(min(math.ceil(protection * 1.5), MOST_DAYS) + 1)
    more = float(forecast["demand_q95_units"] or 0) - pace * protection
    expected, worst = [], []
    for day in days:
        come = sum(units for on, units in arrivals if on <= day)
        units = available + come - pace * day
        expected.append((float(day), units))
        worst.append((float(day), units - max(more, 0.0) * math.sqrt(day / protection)))
    return Ahead(expected, worst)


def arrival_days(
    orders: Sequence[dict[str, Any]], as_of: date, lead_time_days: float
) -> list[Point]:
    """Return when open orders arrive, as the plan counts on them.

    What should have come before arrives tomorrow; what has no day, as if ordered today.

    >>> orders = [{"due_on": date(2026, 3, 1), "open_units": 5}, {"due_on": None, "open_units": 1}]
    >>> arrival_days(orders, date(2026, 3, 9), 6.5)
    [(1.0, 5.0), (7.0, 1.0)]
    """
    arrivals = []
    for order in orders:
        due = order["due_on"]
        ahead = math.ceil(lead_time_days) if due is None else (due - as_of).days
        arrivals.append((float(ahead if ahead >= 0 else 1), float(order["open_units"])))
    return arrivals


def product_chart(
    connection: Connection,
    url: str,
    forecast: dict[str, Any] | None,
    available_units: float | None,
    today: date,
) -> Chart | None:
    """Return the picture of a product; None when neither stock nor sales of it are known.

    Args:
        forecast: A row of mart.forecast, of the day that the picture is of; None = of today.
        available_units: Of today; None = not known.
        today: The last day on which stock was read.
    """
    as_of = forecast["snapshot_on"] if forecast else today
    since = as_of - timedelta(days=PAST_DAYS)
    sales = products_reads.sales_history(connection, url, since)
    sold = [(float((row["sold_on"] - as_of).days), float(row["units"])) for row in sales]
    levels = products_reads.stock_history(connection, url, since)
    stock = [
        (float(max((row["snapshot_on"] - as_of).days, -PAST_DAYS)), float(row["available_units"]))
        for row in levels
    ]
    if available_units is not None:
        stock.append((float(max((today - as_of).days, 0)), float(available_units)))
    if not sold and not levels and forecast is None:
        return None
    arrivals: list[Point] = []
    if forecast is not None:
        orders = products_reads.arrivals(connection, url)
        arrivals = arrival_days(orders, as_of, float(forecast["lead_time_days"]))
    return drawn(as_of, stock, sold, ahead_of(forecast, arrivals), forecast)


def drawn(as_of: date, stock: list[Point], sold: list[Point], ahead: Ahead, forecast: Any) -> Chart:
    """Return the picture, with everything in its place."""
    last = max([day for day, _ in [*ahead.expected, *stock]], default=0.0)
    across = Scale(-PAST_DAYS, max(last, 7.0), LEFT, WIDTH - RIGHT)
    floor = min([0.0, *(units for _, units in stock)])
    fan = [(day, max(units, floor)) for day, units in ahead.expected]
    worst = [(day, max(units, floor)) for day, units in ahead.worst]
    point = float(forecast["reorder_point_units"] or 0) if forecast else 0.0
    top = max([1.0, point, *(units for _, units in [*stock, *fan])])
    up = Scale(floor, top * 1.05, STOCK_BOTTOM, STOCK_TOP)
    most = max([1.0, *(units for _, units in sold)])
    bars = Scale(0.0, most, SOLD_BOTTOM, SOLD_TOP)
    day_width = across.at(1) - across.at(0)
    return Chart(
        stock=_line(_steps(stock), across, up),
        expected=_line(fan, across, up),
        band=_line([*fan, *reversed(worst)], across, up),
        point_at=up.at(point) if point > 0 else None,
        zero_at=up.at(0),
        now_at=across.at(0),
        bars=[
            (across.at(day), bars.at(units), round(SOLD_BOTTOM - bars.at(units), 1))
            for day, units in sold
            if units > 0
        ],
        bar_width=round(max(day_width - 0.6, 0.8), 1),
        units=[AxisTick(up.at(value), short(value)) for value in nice(top)],
        sold=[AxisTick(bars.at(most), short(most))],
        months=[AxisTick(across.at(day), text) for day, text in months(as_of, across)],
        says=f"Units in stock and sold a day since {as_of - timedelta(days=PAST_DAYS)}"
        + (f", and in stock for {last:.0f} days ahead." if ahead.expected else "."),
    )


def _line(points: Sequence[Point], across: Scale, up: Scale) -> str:
    return " ".join(f"{across.at(day):g},{up.at(units):g}" for day, units in points)


def _steps(points: Sequence[Point]) -> list[Point]:
    """Return a line that keeps its height until the next point.

    >>> _steps([(0.0, 5.0), (3.0, 2.0)])
    [(0.0, 5.0), (3.0, 5.0), (3.0, 2.0)]
    """
    steps: list[Point] = []
    for day, units in sorted(points, key=lambda point: point[0]):
        if steps:
            steps.append((day, steps[-1][1]))
        steps.append((day, units))
    return steps


def nice(top: float) -> list[float]:
    """Return round numbers from 0 up to a value, about four of them.

    >>> nice(130), nice(1), nice(8)
    ([0.0, 50.0, 100.0], [0.0, 0.5, 1.0], [0.0, 2.0, 4.0, 6.0, 8.0])
    """
    rough = top / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= rough)
    return [step * n for n in range(math.floor(top / step + 1e-9) + 1)]


def short(value: float) -> str:
    """Return a number in few characters.

    >>> short(0.5), short(1200), short(25_000), short(1.5e6), short(3e9)
    ('0.5', '1,200', '25k', '1.5M', '3,000M')
    """
    for unit, name, least in ((1e6, "M", 1e6), (1e3, "k", 1e4)):
        if value >= least:
            return f"{float(f'{value / unit:.3g}'):,g}{name}"
    return f"{float(f'{value:.4g}'):,g}"


def months(as_of: date, across: Scale) -> list[tuple[float, str]]:
    """Return the first days of months that are shown, by their names; day 0 is `as_of`."""
    days = range(round(across.low), round(across.high) - 5)
    named = ((day, as_of + timedelta(days=day)) for day in days)
    return [(float(day), f"{on:%b}") for day, on in named if on.day == 1]


ACROSS = f'x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}"'


def row_lines(ticks: Sequence[AxisTick]) -> list[str]:
    """Return a line across for each tick, with what it says to the left."""
    return [
        f'<line class="grid" {ACROSS} y1="{tick.at}" y2="{tick.at}"/>' for tick in ticks
    ] + texts(ticks)


def texts(ticks: Sequence[AxisTick]) -> list[str]:
    """Return what ticks say, to the left of the picture."""
    return [f'<text class="n" x="47" y="{tick.at + 4:g}">{tick.text}</text>' for tick in ticks]


def framed(parts: Sequence[str], height: float, says: str) -> str:
    """Return a picture of these parts, of the width that all have.

    Args:
        says: The picture in a sentence.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img"'
        f' aria-label="{escape(says)}">{"".join(parts)}</svg>'
    )


def svg(chart: Chart, *, style: str = "") -> str:
    """Return the picture as SVG; the classes are those of the pages' style sheet.

    Args:
        style: Style sheet to put in, where the picture stands alone.
    """
    parts = [f"<style>{style}</style>"] if style else []
    parts += [*row_lines(chart.units), *texts(chart.sold)]
    parts.append(f'<line class="grid" {ACROSS} y1="{SOLD_BOTTOM:g}" y2="{SOLD_BOTTOM:g}"/>')
    parts += [f'<text x="{tick.at}" y="274">{tick.text}</text>' for tick in chart.months]
    parts += [
        f'<rect x="{x}" y="{y}" width="{chart.bar_width}" height="{height}"/>'
        for x, y, height in chart.bars
    ]
    if chart.band:
        parts.append(f'<polygon class="band" points="{chart.band}"/>')
    for name, at in (("zero", chart.zero_at), ("point", chart.point_at)):
        if at is not None:
            parts.append(f'<line class="{name}" {ACROSS} y1="{at}" y2="{at}"/>')
    now = chart.now_at
    parts.append(f'<line class="now" x1="{now}" x2="{now}" y1="6" y2="262"/>')
    for name, line in (("stock", chart.stock), ("expected", chart.expected)):
        if line:
            parts.append(f'<polyline class="{name}" points="{line}"/>')
    parts.append('<text x="58" y="200">sold a day</text>')
    return framed(parts, HEIGHT, chart.says)
