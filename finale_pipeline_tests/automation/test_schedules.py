"""Schedules as Dagster evaluates them, with their settings."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from finale_pipeline.assets.due import last_tick
from finale_pipeline.automation.schedules import SCHEDULES, due_times
from finale_pipeline.definitions import definitions
from finale_pipeline.domain.syncs.strategy import SYNCS
from finale_pipeline.settings import Settings
from finale_pipeline_tests.sync.helpers import sync

NEW_YORK = "America/New_York"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """One that a schedule's context can refer to."""
    with dg.instance_for_test() as made:
        yield made


def evaluate(name: str, instance: dg.DagsterInstance) -> Any:
    moment = last_tick("*/15 * * * *", "UTC", datetime.now(UTC))
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=moment,
        repository_def=definitions.get_repository_def(),
        resources=definitions.resources,
    )
    return definitions.resolve_schedule_def(name).evaluate_tick(context)


def test_a_tick_asks_for_a_run_once(
    instance: dg.DagsterInstance,
    variables: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("inventory", "active", "full", "smart"):  # whatever the time is, none coincides
        monkeypatch.setenv(f"FINALE_SCHEDULE_{name.upper()}", "off")
    sync(settings)
    first = evaluate("critical_schedule", instance)
    assert [r.tags["finale/strategy"] for r in first.run_requests] == ["critical"]
    again = evaluate("critical_schedule", instance)
    assert not again.run_requests
    assert "second daemon" in again.skip_message


def test_smart_says_what_it_chose_and_why(
    instance: dg.DagsterInstance,
    variables: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("critical", "inventory", "active", "full"):  # whatever the time is
        monkeypatch.setenv(f"FINALE_SCHEDULE_{name.upper()}", "off")
    asked = evaluate("smart_schedule", instance).run_requests[0]
    assert asked.tags["finale/strategy"] == "full"
    assert asked.tags["finale/reason"] == "no sync was ever good"


def test_every_schedule_has_a_job_and_runs_by_default() -> None:
    assert {s.name for s in SCHEDULES} >= {f"{name}_schedule" for name in SYNCS}
    for schedule in SCHEDULES:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert schedule.description


def test_all_schedules_that_are_on_are_asked_for_their_due_time(
    instance: dg.DagsterInstance,
) -> None:
    now = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
    due = due_times(instance, "UTC", now)
    assert set(due) == set(SYNCS)
    assert due["active"] == datetime(2026, 3, 9, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "now", "wanted"),
    [
        # two o'clock of the night when the clocks go forward is three
        ("0 2 * * *", (2026, 3, 8, 12, 0), (2026, 3, 8, 3, 0)),
        ("0 3 * * SUN", (2026, 3, 8, 12, 0), (2026, 3, 8, 3, 0)),
        # half past one comes twice in autumn, and counts once
        ("30 1 * * *", (2026, 11, 1, 12, 0), (2026, 11, 1, 1, 30)),
        ("*/15 * * * *", (2026, 3, 9, 12, 14), (2026, 3, 9, 12, 0)),
        ("*/15 * * * *", (2026, 3, 9, 12, 15), (2026, 3, 9, 12, 15)),
    ],
)
def test_due_times_are_those_of_the_scheduler_on_clock_change_days_too(
    cron: str, now: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    zone = ZoneInfo(NEW_YORK)
    at = datetime(*now, tzinfo=zone)  # type: ignore[arg-type,misc]
    found = last_tick(cron, NEW_YORK, at.astimezone(UTC))
    assert found.astimezone(zone) == datetime(*wanted, tzinfo=zone)  # type: ignore[arg-type,misc]
    assert timedelta(0) <= at - found


@pytest.mark.parametrize(
    ("zone", "cron", "first"),
    [
        ("America/Havana", "30 0 * * *", datetime(2026, 10, 31, 4, 30, tzinfo=UTC)),
        ("America/Denver", "30 1 * * *", datetime(2026, 10, 31, 7, 30, tzinfo=UTC)),
    ],
)
def test_the_newest_due_time_never_steps_back(zone: str, cron: str, first: datetime) -> None:
    seen = [last_tick(cron, zone, first + timedelta(minutes=7 * n)) for n in range(400)]
    assert seen == sorted(seen)
    assert seen[0] == first
    assert all(0 <= (first + timedelta(minutes=7 * n) - at).total_seconds() <= 25 * 3600
               for n, at in enumerate(seen))  # fmt: skip
