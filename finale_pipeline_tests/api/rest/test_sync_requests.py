"""Starting syncs, and what keeps them from being started twice."""

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest

from finale_pipeline.sync.session import open_sync
from finale_pipeline_tests.api.client import FakeDagster
from finale_pipeline_tests.notify.warehouse import Warehouse

BEGUN = timedelta(minutes=3)


def start(api: httpx.Client, what: str = "", key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(f"/api/sync-finale{what}", json=body or None, headers=headers)


def test_a_sync_is_started_in_dagster_with_its_origin(
    api: httpx.Client, dagster: FakeDagster
) -> None:
    answer = start(api, strategy="full")
    assert answer.status_code == 202
    assert answer.json()["run_id"] == "run-1"
    assert answer.json()["strategy"] == "full"
    assert dagster.launched[0]["selector"]["pipelineName"] == "full_sync"
    assert (dagster.tags()["finale/trigger"], dagster.tags()["finale/by"]) == ("api", "api")


def test_smart_says_what_it_chose_and_why(api: httpx.Client, dagster: FakeDagster) -> None:
    answer = start(api).json()
    assert answer["strategy"] == "critical"
    assert "last good sync 0 min ago" in answer["reason"]
    assert dagster.tags()["finale/reason"] == answer["reason"]


@pytest.mark.parametrize("strategy", ["inventory", "critical", "vendors"])
def test_one_strategy_has_an_address(
    api: httpx.Client, dagster: FakeDagster, strategy: str
) -> None:
    assert start(api, f"/{strategy}").status_code == 202
    assert dagster.launched[0]["selector"]["pipelineName"] == f"{strategy}_sync"


def test_taken_tables_are_told_with_who_has_them(
    api: httpx.Client, dagster: FakeDagster, stock: Warehouse
) -> None:
    with open_sync(
        stock.settings, strategy="inventory", trigger="test", table_sets=("stock",),
        clock=stock.clock,
    ) as run:  # fmt: skip
        stock.now += timedelta(seconds=90)
        answer = start(api, "/critical")
        assert answer.status_code == 409
        found = answer.json()
        assert found["code"] == "sync_running"
        assert found["running"]["run_id"] == run.run_id
        assert found["running"]["age_seconds"] == 90
        assert "progress" in found["running"]
        assert start(api, "/vendors").status_code == 202
        assert api.get("/api/sync-finale/status").json()["state"] == "running"
    assert len(dagster.launched) == 1


def test_a_thousand_triggers_start_one_run(
    api: httpx.Client, dagster: FakeDagster, stock: Warehouse
) -> None:
    answers = [start(api, "/critical") for _ in range(1000)]
    assert [a.status_code for a in answers[:2]] == [202, 409]
    assert answers[1].json()["running"]["dagster_run_id"] == "run-1"
    assert {a.status_code for a in answers[2:]} == {409, 429}
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(dagster.launched) == 1
    assert stock.rows("SELECT count(*) FROM ops.trigger") == [(1,)]


def test_a_run_that_never_began_can_be_started_again(
    api: httpx.Client, dagster: FakeDagster, stock: Warehouse
) -> None:
    assert start(api, "/critical").status_code == 202
    stock.now += BEGUN
    assert start(api, "/critical").status_code == 202
    assert len(dagster.launched) == 2


def test_the_same_key_gets_the_same_answer_and_one_run(
    api: httpx.Client, dagster: FakeDagster
) -> None:
    first, again = start(api, key="k1", strategy="full"), start(api, key="k1", strategy="full")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    other = start(api, key="k1", strategy="critical")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(dagster.launched) == 1


def test_the_same_key_twice_at_once_starts_one_run(api: httpx.Client, dagster: FakeDagster) -> None:
    found: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: found.append(start(api, key="k2", strategy="full")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in found} == {202}
    assert all(a.json() == found[0].json() for a in found)
    assert len(dagster.launched) == 1


def test_without_dagster_nothing_is_started_and_503_is_told(
    api: httpx.Client, dagster: FakeDagster, stock: Warehouse
) -> None:
    dagster.is_broken = True
    answer = start(api, "/critical")
    assert (answer.status_code, answer.json()["code"]) == (503, "dagster_unavailable")
    assert stock.rows("SELECT count(*) FROM ops.trigger") == [(0,)]
    dagster.is_broken = False
    assert start(api, "/critical").status_code == 202


def test_incidents_are_decided(api: httpx.Client, stock: Warehouse) -> None:
    opened = api.get("/api/incidents", params={"sort": "sku"}).json()["incidents"]
    first, second = (f"/api/incidents/{i['incident_id']}" for i in opened)
    assert api.post(f"{first}/acknowledge", json={"note": "seen"}).status_code == 200
    assert api.post(f"{second}/snooze", json={"until": "2099-01-01"}).status_code == 200
    assert stock.rows("SELECT state, note FROM ops.incident ORDER BY subject") == [
        ("acknowledged", "seen"),
        ("snoozed", None),
    ]
    assert api.post(f"{second}/ordered").json()["state"] == "ordered"
    assert api.post(f"{first}/snooze", json={"even_if_worse": True}).status_code == 422
    assert api.post("/api/incidents/999/ordered").json()["code"] == "unknown_incident"


def test_who_asked_is_kept(api: httpx.Client, stock: Warehouse, dagster: FakeDagster) -> None:
    opened = api.get("/api/incidents", params={"sort": "sku"}).json()["incidents"]
    first, second = (f"/api/incidents/{i['incident_id']}" for i in opened)
    named = {"X-Actor": "Anna Meyer"}
    api.post(f"{first}/acknowledge", headers=named)
    api.post(f"{second}/ordered")
    decided = api.get("/api/incidents", params={"sort": "sku"}).json()["incidents"]
    assert [i["decided_by"] for i in decided] == ["Anna Meyer (api)", "api"]
    events = api.get("/api/products/A").json()["events"]
    assert events[0]["actor"] == "Anna Meyer (api)"
    api.post("/api/sync-finale/critical", headers=named)
    assert dagster.tags()["finale/by"] == "Anna Meyer (api)"
    assert stock.rows("SELECT asked_by FROM ops.trigger") == [("Anna Meyer (api)",)]


@pytest.mark.parametrize("name", ["x" * 81, "a\tb", "J\xf6rg"])
def test_a_name_that_cannot_be_kept_is_refused(
    api: httpx.Client, dagster: FakeDagster, name: str
) -> None:
    answer = api.post("/api/sync-finale/critical", headers={b"X-Actor": name.encode()})
    assert (answer.status_code, dagster.launched) == (422, [])
