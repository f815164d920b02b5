"""How strong a season is: the right value is that of a world in which it is known."""

import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse

WEEKS = 104


def sold(peak: float, *, phase: int) -> list[float]:
    """Two a day, and so many times as much in four of every thirteen weeks; today is week 0."""
    return [
        2.0 * (peak if (week - WEEKS - phase) % 13 < 4 else 1.0)
        for week in range(WEEKS)
        for _ in range(7)
    ]


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    return Warehouse(connection)


def expected(warehouse: Warehouse) -> dict[str, float]:
    plan_day(warehouse.connection, AS_OF, SETTINGS, now=NOW)
    rows = warehouse.connection.execute(
        "SELECT sku, velocity_units_per_day FROM mart.forecast"
    ).fetchall()
    return {str(sku): float(units) for sku, units in rows}


def test_the_weeks_ahead_are_expected_as_they_were_in_earlier_years(warehouse: Warehouse) -> None:
    """A season that starts today triples 28 days; an order covers these."""
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=500, lead_days=14)
        warehouse.sales(url, sold(3.0, phase=0))
    found = expected(warehouse)

    days = warehouse.forecast_of("p00")["lead_time_days"] + SETTINGS.cover_days
    ahead = sold(3.0, phase=0)[: int(days)]  # the years are alike, so the next days are the first
    assert ahead[0] == 6
    for units in found.values():
        assert units == pytest.approx(sum(ahead) / len(ahead), rel=0.15)


def test_where_no_weeks_differ_nothing_is_added(warehouse: Warehouse) -> None:
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=500, lead_days=14)
        warehouse.sales(url, sold(1.0, phase=0))

    assert all(units == pytest.approx(2.0, rel=0.01) for units in expected(warehouse).values())
