"""The smart choice and who gives way to whom: pure rules, every bound from both sides."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.strategy import COVERED_BY, Schedule, Thresholds, covering, smart

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


def test_of_ticks_that_coincide_only_the_largest_goes() -> None:
    schedules = [due(name) for name in ("critical", "inventory", "active", "full")]
    schedules.append(due("smart", strategy="inventory"))
    goes = [
        s.name
        for s in schedules
        if covering(
            s, NOW, now=NOW, awake_at=NOW - QUARTER, others=[o for o in schedules if o is not s]
        )
        is None
    ]
    assert goes == ["full"]


def test_smart_gives_way_to_a_schedule_of_what_it_chose_and_not_the_reverse() -> None:
    fixed, clever = due("critical"), due("smart", strategy="critical")
    assert covering(clever, NOW, now=NOW, awake_at=NOW - QUARTER, others=[fixed])
    assert covering(fixed, NOW, now=NOW, awake_at=NOW - QUARTER, others=[clever]) is None


def test_a_smart_choice_that_is_larger_covers_the_smaller() -> None:
    assert covering(
        due("critical"),
        NOW,
        now=NOW,
        awake_at=NOW - QUARTER,
        others=[due("smart", strategy="full")],
    )


def test_an_earlier_larger_sync_does_not_stop_the_quarter_hours() -> None:
    """The full sync of three takes half an hour; what runs out at a quarter past must be seen."""
    full = due("full", 15, decided_at=NOW - timedelta(minutes=15), is_run=True)
    assert covering(due("critical"), NOW, now=NOW, awake_at=NOW - QUARTER, others=[full]) is None


def test_after_downtime_the_largest_missed_tick_makes_up_for_all() -> None:
    later = NOW + timedelta(minutes=7)
    missed = [due("critical"), due("inventory"), due("active", 480), due("full", 3000)]
    for number, tick in enumerate(missed[:3]):
        others = [s for i, s in enumerate(missed) if i != number]
        assert tick.last_tick_at is not None
        assert "made up for now" in str(
            covering(tick, tick.last_tick_at, now=later, awake_at=BEFORE, others=others)
        ) or "covered by" in str(
            covering(tick, tick.last_tick_at, now=later, awake_at=BEFORE, others=others)
        )
    assert (
        covering(
            missed[3], NOW - timedelta(minutes=3000), now=later, awake_at=BEFORE, others=missed[:3]
        )
        is None
    )


def test_a_missed_tick_decided_after_the_larger_one_was_asked_for_is_covered_too() -> None:
    later = NOW + timedelta(minutes=7)
    full = due("full", 3000, decided_at=later - timedelta(seconds=3), is_run=True)
    assert "just made up for" in str(
        covering(due("critical"), NOW, now=later, awake_at=BEFORE, others=[full])
    )
    skipped = due("full", 3000, decided_at=later - timedelta(seconds=3), is_run=False)
    assert covering(due("critical"), NOW, now=later, awake_at=BEFORE, others=[skipped]) is None


def test_a_due_time_before_the_schedule_was_there_stops_nobody() -> None:
    """Installed at noon, the sync of two o'clock was not missed; nobody will make up for it."""
    active = due("active", 600)
    for awake_at in (None, NOW - QUARTER):
        assert covering(due("critical"), NOW, now=NOW, awake_at=awake_at, others=[active]) is None


def test_nothing_covers_itself_or_a_larger_one() -> None:
    for strategy, larger in COVERED_BY.items():
        assert strategy not in larger
        assert all(strategy not in COVERED_BY.get(other, ()) for other in larger)
