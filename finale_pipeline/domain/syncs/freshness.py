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
"""Hours, where nothing is known of the schedules: the active sync reads all but stock once a day,
with two hours to spare. `mart.freshness` is made with these numbers."""

CLOCKS_APART = timedelta(minutes=5)
"""What lies further ahead than this was noted while a clock was ahead, and counts for nothing."""

LOST = 6
"""So many times the allowed age, and nobody can count on the data any more."""


def grade(read_at: datetime, late_at: datetime, *, now: datetime) -> Grade:
    """Return how an asset is to be judged that was read at a moment and is late from another on.

    >>> at = lambda hour: datetime(2026, 3, 9, hour)
    >>> [grade(at(5), at(6), now=at(hour)) for hour in (6, 7, 11, 12)]
    ['fresh', 'late', 'late', 'lost']
    """
    if now <= late_at:
        return "fresh"
    return "late" if now - read_at <= LOST * (late_at - read_at) else "lost"
