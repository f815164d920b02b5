"""The picture of stock over time: of the days that are known, and of no others."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.planning.trend import HEIGHT, trend

FIRST = date(2026, 1, 5)


def row(day: int, value: Decimal | None, out: int = 1, products: int = 4) -> dict[str, Any]:
    return {
        "snapshot_on": FIRST + timedelta(days=day), "products": products,
        "products_out": out, "products_low": 0, "stock_value": value,
    }  # fmt: skip


def lines(picture: str, name: str) -> list[list[tuple[float, float]]]:
    """Return the lines of a class, each with its points."""
    found = re.findall(rf'<polyline class="{name}" points="([^"]*)"', picture)
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in line.split())]
        for line in found
    ]


def test_one_day_is_no_trend() -> None:
    assert trend([]) is None
    assert trend([row(0, Decimal(1))]) is None


def test_no_line_goes_over_days_without_data() -> None:
    picture = trend([row(0, Decimal(10)), row(1, Decimal(20)), row(5, None), row(9, Decimal(5))])
    assert picture is not None
    (two, alone) = lines(picture, "stock")
    assert len(two) == 2
    assert abs(alone[0][0] - alone[1][0]) <= 4, "a day alone is a dash"
    assert len(lines(picture, "out")) == 3, "what is out is known of that day, its value is not"


days = st.lists(st.integers(0, 400), min_size=2, max_size=30, unique=True).map(sorted)
values = st.none() | st.decimals(0, 10**12, places=2)


@given(days=days, data=st.data())
def test_everything_is_inside_and_as_high_as_it_is_worth(days: list[int], data: Any) -> None:
    rows = [row(day, data.draw(values), data.draw(st.integers(0, 4))) for day in days]
    picture = trend(rows)
    assert picture is not None
    drawn = {name: [p for line in lines(picture, name) for p in line] for name in ("stock", "out")}
    for x, y in [*drawn["stock"], *drawn["out"]]:
        assert 51 <= x <= 1233
        assert 14 <= y <= HEIGHT
    worth = [r["stock_value"] for r in rows if r["stock_value"] is not None]
    by_day = sorted({x: y for line in lines(picture, "stock") for x, y in line[:1]}.items())
    if worth and len(by_day) == len(worth):  # no two days follow each other: a line for each
        heights = [y for _, y in by_day]
        assert heights[worth.index(max(worth))] == min(heights)
        assert heights[worth.index(min(worth))] == max(heights)
