"""When what starts by itself: shown, switched, given another time, given back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from finale_pipeline.automation.schedules import cron_of
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import load_settings
from finale_pipeline.settings.changed import FILE
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse

PATH = "/api/sync-finale/schedule"


@pytest.fixture
def home(tmp_path: Path, dagster: FakeDagster) -> Path:
    dagster.home = tmp_path
    return tmp_path


@pytest.fixture
def planned(stock: Warehouse, dagster: FakeDagster, home: Path) -> Iterator[httpx.Client]:
    """The app with a folder of its own: changed times stay there."""
    settings = stock.settings.model_copy(update={"home": home})
    with running(settings, dagster, stock.clock) as client:
        yield client


def put(api: httpx.Client, **body: Any) -> httpx.Response:
    return api.put(PATH, json={"schedule": "critical"} | body, headers={"X-Actor": "Anna"})


def critical(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["schedules"][0]
    return found


def test_schedules_are_shown(planned: httpx.Client) -> None:
    assert critical(planned.get(PATH)) == {
        "name": "critical", "on": True, "cron": "*/15 * * * *", "cron_from": "default",
        "changed_by": None, "changed_at": None, "zone": "UTC", "starts": "critical_sync",
        "last_at": "2026-03-09T12:00:00Z", "last_result": "SUCCESS",
        "last_run_ids": [], "last_reason": "", "next_at": "2026-03-09T12:15:00Z",
    }  # fmt: skip


def test_schedules_are_switched(planned: httpx.Client, dagster: FakeDagster) -> None:
    assert critical(put(planned, on=False))["on"] is False
    assert dagster.off == {"critical_schedule"}
    assert critical(put(planned, on=True))["on"] is True
    assert critical(put(planned, cron="OFF"))["on"] is False
    assert put(planned, cron="off", on=True).status_code == 422
    assert put(planned).status_code == 422
    unknown = put(planned, schedule="hourly", on=True)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_schedule")


def test_a_new_time_is_kept_with_who_gave_it_until_it_is_given_back(
    planned: httpx.Client, home: Path, stock: Warehouse
) -> None:
    answer = put(planned, cron=" 7-59/10  * * * * ")
    found = critical(answer)
    assert (found["cron"], found["cron_from"]) == ("7-59/10 * * * *", "api")
    assert (found["changed_by"], found["on"]) == ("Anna (api)", True)
    assert answer.json()["followed_within_seconds"] == 65
    assert json.loads((home / FILE).read_text())["critical"] == {
        "cron": "7-59/10 * * * *",
        "by": "Anna (api)",
        "at": stock.now.isoformat().replace("+00:00", "Z"),
    }
    assert critical(put(planned, cron=None))["cron_from"] == "default"
    assert critical(put(planned, cron="*/20 * * * *"))["cron"] == "*/20 * * * *"
    assert critical(put(planned, cron="default"))["cron"] == "*/15 * * * *"
    assert json.loads((home / FILE).read_text()) == {}


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "five fields"),
        ("0 2 * *", "five fields"),
        ("@hourly", "five fields"),
        ("61 * * * *", "minute '61' is not between 0 and 59"),
        ("0 2 * * FUN", "weekday 'FUN'"),
        ("*/0 * * * *", "minute '*/0' names no time"),
        ("9-5 * * * *", "minute '9-5' names no time"),
        ("0 2 30 2 *", "no month of these has such a day"),
        ("0 2 ? * *", "day '?' cannot be read"),
        ("* * * * *", "every 5 min at most"),
        ("0,2 * * * *", "comes again after 2 min"),
    ],
)
def test_a_time_that_cannot_be_is_refused(
    planned: httpx.Client, home: Path, cron: str, said: str
) -> None:
    answer = put(planned, cron=cron)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert not (home / FILE).exists()


def test_a_time_that_has_a_setting_of_another_kind_stays(planned: httpx.Client) -> None:
    answer = put(planned, schedule="morning_digest_daily", cron="0 8 * * *")
    assert (answer.status_code, answer.json()["code"]) == (422, "fixed_schedule")


@pytest.mark.parametrize("fault", ["is_broken", "reloads"])
def test_what_dagster_does_not_take_is_not_kept(
    planned: httpx.Client, dagster: FakeDagster, home: Path, fault: str
) -> None:
    assert put(planned, cron="*/20 * * * *").status_code == 200
    setattr(dagster, fault, fault == "is_broken")
    answer = put(planned, cron="*/30 * * * *")
    assert (answer.status_code, answer.json()["code"]) == (503, "dagster_unavailable")
    assert json.loads((home / FILE).read_text())["critical"]["cron"] == "*/20 * * * *"


def test_definitions_take_the_changed_time_before_the_setting(
    planned: httpx.Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINALE_HOME", str(home))
    monkeypatch.setenv("FINALE_SCHEDULE_CRITICAL", "off")
    monkeypatch.setenv("FINALE_SCHEDULE_FULL", "0 4 * * SAT")
    put(planned, cron="*/20 * * * *")
    assert cron_of("critical") == ("*/20 * * * *", True)
    assert cron_of("full") == ("0 4 * * SAT", True)


@pytest.mark.parametrize("text", ["{", "[]", '{"critical": {"cron": "x"}}', '{"hourly": {}}'])
def test_a_damaged_file_is_named_and_left_as_it_is(
    planned: httpx.Client, home: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("FINALE_HOME", str(home))
    (home / FILE).write_text(text)
    for answer in (planned.get(PATH), put(planned, cron="*/20 * * * *")):
        assert (answer.status_code, answer.json()["code"]) == (503, "schedules_damaged")
    assert (home / FILE).read_text() == text
    with pytest.raises(ConfigError, match=FILE):
        load_settings()
