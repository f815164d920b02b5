"""The picture of a product stays inside its box, whatever the numbers."""

import base64
import re
from datetime import date, timedelta
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.assets.entries import BY_NAME
from finale_pipeline.assets.purchasing import pictures
from finale_pipeline.planning.charts import Ahead, Chart, ahead_of, arrival_days, drawn, nice
from finale_pipeline.planning.plan import plan_day
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

AS_OF = date(2026, 3, 9)
amounts = st.floats(-1e6, 1e9)
days_ago = st.integers(-90, 0).map(float)
pasts = st.lists(st.tuples(days_ago, amounts), max_size=20)
sales = st.lists(st.tuples(days_ago, st.floats(0, 1e9)), max_size=20)


def forecast(**changes: Any) -> dict[str, Any]:
    found = {
        "snapshot_on": AS_OF, "velocity_units_per_day": 4, "protection_days": 20,
        "available_units": 100, "demand_q95_units": 110, "reorder_point_units": 90,
    }  # fmt: skip
    return found | changes


def points(line: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, point.split(","))) for point in line.split()]


def check(chart: Chart) -> None:
    for x, y in [p for line in (chart.stock, chart.expected, chart.band) for p in points(line)]:
        assert 51 <= x <= 1233
        assert 9 <= y <= 177
    for x, y, height in chart.bars:
        assert 51 <= x <= 1233
        assert abs(y + height - 258) < 0.2
    assert chart.point_at is None or 9 <= chart.point_at <= 177
    assert [tick.at for tick in chart.units] == sorted((t.at for t in chart.units), reverse=True)


@given(stock=pasts, sold=sales, available=amounts, pace=st.floats(0, 1e6), point=st.floats(0, 1e9))
def test_everything_is_inside(
    stock: list[tuple[float, float]],
    sold: list[tuple[float, float]],
    available: float,
    pace: float,
    point: float,
) -> None:
    found = forecast(
        velocity_units_per_day=pace, available_units=available, reorder_point_units=point
    )
    check(drawn(AS_OF, stock, sold, ahead_of(found, []), found))
    check(drawn(AS_OF, stock, sold, Ahead([], []), None))


def test_stock_falls_at_its_pace_and_arrivals_lift_it() -> None:
    orders: list[dict[str, Any]] = [
        {"due_on": AS_OF + timedelta(days=10), "open_units": 50},
        {"due_on": AS_OF - timedelta(days=3), "open_units": 1},
    ]
    ahead = ahead_of(forecast(), arrival_days(orders, AS_OF, 14))
    assert [ahead.expected[day][1] for day in (0, 1, 9, 10)] == [100, 97, 65, 111]
    assert ahead.worst[20][1] == ahead.expected[20][1] - 30  # 110 less the 80 that are expected
    assert ahead.worst[0] == ahead.expected[0]
    assert len(ahead.expected) == 31


@given(top=st.floats(1e-3, 1e12))
def test_round_numbers_are_few_and_reach_up(top: float) -> None:
    found = nice(top)
    assert 2 <= len(found) <= 6
    assert found[-1] <= top * 1.001


def test_the_page_draws_every_day_where_its_own_axis_says(
    api: httpx.Client, stock: Warehouse
) -> None:
    """A sells three a day; what is left on each day is read from the picture by its ticks."""
    stock.plan()
    (available,) = stock.rows("SELECT available_units FROM mart.stock WHERE sku = 'A'")[0]
    shown = api.get("/products/A").text
    ticks = re.findall(r'<text class="n" x="47" y="([\d.]+)">([\d.,]+)</text>', shown)
    (low, zero), *_, (high, top) = [
        (float(y) - 4, float(t.replace(",", ""))) for y, t in ticks[:-1]
    ]
    (line,) = re.findall(r'<polyline class="expected" points="([^"]+)"', shown)
    (width, height), *_ = [map(float, b) for b in re.findall(r'"0 0 ([\d.]+) ([\d.]+)"', shown)]
    across = [float(x) for x in re.findall(r' x[12]?="([\d.]+)"', shown)]
    assert max(*across, *(x for x, _ in points(line))) <= width
    assert max(y for _, y in points(line)) <= height
    drawn_units = [zero + (low - y) / (low - high) * (top - zero) for _, y in points(line)]

    for day, units in enumerate(drawn_units):
        # What cannot be sold is not drawn below nothing; a tenth of a pixel is lost to rounding.
        expected = max(0.0, float(available) - 3 * day)
        assert abs(units - expected) <= 0.11 * (top - zero) / (low - high) + 0.01, day


def picture(svg: str) -> dict[str, list[str]]:
    """Return every point of every line, and every bar."""
    lines = re.findall(r'<poly(?:line|gon) class="(\w+)" points="([^"]+)"', svg)
    bars = re.findall(r'<rect x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)"', svg)
    return {name: line.split() for name, line in lines} | {"bars": [" ".join(b) for b in bars]}


def test_the_report_draws_the_same_points(api: httpx.Client, stock: Warehouse) -> None:
    for ago, units in ((80, 60), (41, 30), (12, 9)):
        stock.connection.execute(
            "INSERT INTO core.stock_daily (product_url, snapshot_on, on_hand_units,"
            " reserved_units, on_order_units, changed_at)"
            " SELECT product_url, %s, %s, 0, 0, now() FROM core.product",
            (stock.now.date() - timedelta(days=ago), units),
        )
    report = plan_day(stock.connection, stock.now.date(), stock.settings, now=stock.now)
    reported = str(pictures(stock.connection, report, BY_NAME["forecasts"])["fan_chart"].value)
    encoded = reported.partition("base64,")[2].rstrip(")")
    drawn_there = picture(base64.b64decode(encoded).decode())

    assert drawn_there == picture(api.get("/products/A").text)
    assert len(drawn_there["stock"]) == 7  # three days and the present, in steps
    assert len(drawn_there["bars"]) == 60
    assert {"expected", "band"} <= set(drawn_there)


def test_the_page_draws_stock_sales_and_forecast(api: httpx.Client, stock: Warehouse) -> None:
    shown = api.get(f"/products/{url_of('A')}").text
    for part in ('class="stock"', 'class="expected"', 'class="band"', 'class="point"', "<rect"):
        assert part in shown, part
    nothing = api.get(f"/products/{url_of('=1+1/ö')}").text
    assert "<rect" not in nothing
