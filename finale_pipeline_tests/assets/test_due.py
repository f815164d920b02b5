"""From when on an asset is late: two due times missed, or one by two hours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.assets.due import GRACE, SPARE, last_tick, longest_allowed, missed_at

FRIDAY = datetime(2026, 3, 6, tzinfo=UTC)
QUARTERS, DAILY, WEEKLY = "*/15 * * * *", "0 2 * * *", "0 3 * * SUN"
OFFICE = "0 9-17 * * MON-FRI"


@pytest.mark.parametrize(
    ("read", "crons", "late"),
    [
        ("06 12:03", [QUARTERS], "06 12:32"),
        ("06 12:03", [QUARTERS, DAILY], "06 12:32"),  # both of the more frequent one
        ("06 02:20", [DAILY], "07 04:02"),
        ("06 17:20", [OFFICE], "09 10:02"),  # nothing is due at the weekend
        ("06 03:20", [WEEKLY], "08 05:02"),
        ("06 03:20", [DAILY, WEEKLY], "07 04:02"),
    ],
)
def test_an_asset_is_late_after_two_due_times_or_two_hours(
    read: str, crons: list[str], late: str
) -> None:
    at = datetime.strptime(f"2026-03-{read}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert f"{missed_at(at, crons, 'UTC', spare=SPARE):%d %H:%M}" == late


def test_what_is_mailed_about_waits_for_two_due_times_and_nothing_due_is_never_late() -> None:
    assert missed_at(FRIDAY, [WEEKLY], "UTC") == datetime(2026, 3, 15, 3, 2, tzinfo=UTC)
    assert missed_at(FRIDAY, [], "UTC") is None


@given(
    minutes=st.integers(0, 30 * 24 * 60),
    crons=st.lists(st.sampled_from([QUARTERS, DAILY, WEEKLY, OFFICE]), min_size=1, unique=True),
)
def test_late_is_what_missed_two_due_times(minutes: int, crons: list[str]) -> None:
    read = FRIDAY + timedelta(minutes=minutes)
    late = missed_at(read, crons, "America/New_York")
    assert late is not None
    newest = max(last_tick(cron, "America/New_York", late - GRACE) for cron in crons)
    just = newest - timedelta(seconds=1)
    before = max(last_tick(cron, "America/New_York", just) for cron in crons)
    assert read < before < newest == late - GRACE


@pytest.mark.parametrize(
    ("crons", "hours"), [([QUARTERS], 0.5), ([DAILY], 26), ([OFFICE], 65), ([WEEKLY], 170)]
)
def test_dagster_allows_the_longest_pause_of_the_schedules(crons: list[str], hours: float) -> None:
    assert longest_allowed(frozenset(crons), "UTC") == timedelta(hours=hours) + GRACE


def test_without_schedules_dagster_goes_by_age() -> None:
    assert longest_allowed(frozenset(), "UTC") is None
