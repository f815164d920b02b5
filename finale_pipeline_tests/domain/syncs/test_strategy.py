"""The smart choice and who gives way to whom: pure rules, every bound from both sides."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.syncs.strategy import COVERED_BY, Schedule, Thresholds, covering, smart

NOW = datetime(2026, 3, 8, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
BEFORE = NOW - timedelta(days=3)
"""When the scheduler last worked, before it was down."""


@pytest.mark.parametrize(
    ("minutes", "strategy"),
    [
        (None, "full"),
        (0, "critical"),
        (29.99, "critical"),
        (30, "inventory"),
        (119.99, "inventory"),
        (120, "active"),
        (1439.99, "active"),
        (1440, "full"),
        (1e6, "full"),
    ],
)
def test_the_age_of_the_last_good_sync_decides(minutes: float | None, strategy: str) -> None:
    assert smart(minutes, Thresholds()).strategy == strategy


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_older_data_never_get_a_smaller_sync(a: float, b: float) -> None:
    order = ("critical", "inventory", "active", "full")
    younger, older = sorted((a, b))
    chosen = [order.index(smart(m, Thresholds()).strategy) for m in (younger, older)]
    assert chosen == sorted(chosen)


def due(name: str, minutes_ago: float = 0, *, strategy: str = "", **facts: object) -> Schedule:
    at = NOW - timedelta(minutes=minutes_ago)
    return Schedule(name, strategy or name, at, **facts)  # type: ignore[arg-type]


def why_not(
    tick: Schedule,
    *others: Schedule,
    now: datetime = NOW,
    awake_at: datetime | None = NOW - QUARTER,
) -> str | None:
    assert tick.last_tick_at is not None
    return covering(tick, tick.last_tick_at, now=now, awake_at=awake_at, others=others)


def test_of_ticks_that_coincide_only_the_largest_goes() -> None:
    schedules = [due(name) for name in ("critical", "inventory", "active", "full")]
    schedules.append(due("smart", strategy="inventory"))
    goes = [
        tick.name for tick in schedules if not why_not(tick, *(o for o in schedules if o != tick))
    ]
    assert goes == ["full"]


def test_smart_gives_way_to_a_schedule_of_what_it_chose_and_not_the_reverse() -> None:
    fixed, clever = due("critical"), due("smart", strategy="critical")
    assert why_not(clever, fixed)
    assert why_not(fixed, clever) is None


def test_a_smart_choice_that_is_larger_covers_the_smaller() -> None:
    assert why_not(due("critical"), due("smart", strategy="full"))


def test_an_earlier_larger_sync_does_not_stop_the_quarter_hours() -> None:
    """The full sync of three takes half an hour; what runs out at a quarter past must be seen."""
    full = due("full", 15, decided_at=NOW - QUARTER, is_run=True)
    assert why_not(due("critical"), full) is None


def test_after_downtime_the_largest_missed_tick_makes_up_for_all() -> None:
    later = NOW + timedelta(minutes=7)
    missed = [due("critical"), due("inventory"), due("active", 480), due("full", 3000)]
    for tick in missed[:3]:
        others = [other for other in missed if other != tick]
        assert "covered by" in str(why_not(tick, *others, now=later, awake_at=BEFORE))
    full = missed[3]
    assert "made up for now" in str(why_not(missed[2], full, now=later, awake_at=BEFORE))
    assert why_not(full, *missed[:3], now=later, awake_at=BEFORE) is None


def test_a_missed_tick_decided_after_the_larger_one_was_asked_for_is_covered_too() -> None:
    later = NOW + timedelta(minutes=7)
    asked_at = later - timedelta(seconds=3)
    full = due("full", 3000, decided_at=asked_at, is_run=True)
    said = why_not(due("critical"), full, now=later, awake_at=BEFORE)
    assert "just made up for" in str(said)
    skipped = due("full", 3000, decided_at=asked_at, is_run=False)
    assert why_not(due("critical"), skipped, now=later, awake_at=BEFORE) is None


def test_a_due_time_before_the_schedule_was_there_stops_nobody() -> None:
    """Installed at noon, the sync of two o'clock was not missed; nobody will make up for it."""
    active = due("active", 600)
    assert why_not(due("critical"), active, awake_at=None) is None
    assert why_not(due("critical"), active) is None


def test_nothing_covers_itself_or_a_larger_one() -> None:
    for strategy, larger in COVERED_BY.items():
        assert strategy not in larger
        assert all(strategy not in COVERED_BY.get(other, ()) for other in larger)
