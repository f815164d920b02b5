"""How old what is known of each asset may be: one limit for checks, doctor, health and views."""

from datetime import datetime, timedelta
from typing import Literal

Grade = Literal["fresh", "late", "lost"]

ALLOWED_HOURS = {
    "facilities": 26,
    "vendors": 26,
    "products": 26,
    "inventory_levels": 1,
    "critical_items": 1,
    "shipments": 26,
    "purchase_orders": 26,
    "forecasts": 26,
}
"""Hours, under the default schedules: the active sync reads all but stock once a day, with two
hours to spare. Dagster judges by them too, and the purchase plan, which is written with the
forecasts, by theirs. `mart.freshness` is made with these numbers."""

CLOCKS_APART = timedelta(minutes=5)
"""What lies further ahead than this was noted while a clock was ahead, and counts for nothing."""

LOST = 6
"""So many times the allowed age, and nobody can count on the data any more."""


def grade(read_at: datetime | None, *, now: datetime, allowed_hours: float) -> Grade:
    """Return how an asset's age is to be judged.

    Args:
        read_at: UTC, when it was last read completely; None = never.

    >>> noon = datetime(2026, 3, 9, 12)
    >>> [grade(noon - timedelta(hours=h), now=noon, allowed_hours=1) for h in (1, 2, 7)]
    ['fresh', 'late', 'lost']
    """
    if read_at is None:
        return "late"
    age = now - read_at
    allowed = timedelta(hours=allowed_hours)
    return "fresh" if age <= allowed else "late" if age <= LOST * allowed else "lost"
