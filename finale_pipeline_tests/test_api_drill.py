"""The API of a system that runs as the README starts it: every address, with a real Dagster."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from finale_pipeline.settings.changed import FILE
from finale_pipeline_tests.live import Live

pytestmark = pytest.mark.slow
SYNC = "/api/sync-finale"
PROBES = ("/livez", "/readyz", "/metrics", "/openapi.json")
READ = (
    f"{SYNC}/critical", f"{SYNC}/schedule", f"{SYNC}/status", f"{SYNC}/health", f"{SYNC}/metrics",
    f"{SYNC}/history", "/api/products", "/api/forecasts", "/api/purchase-plan", "/api/incidents",
    "/api/vendors", "/", "/plan", "/syncs", "/outbox",
)  # fmt: skip
RUNS = "SELECT status, run_body::json -> 'tags' ->> 'finale/by' FROM runs WHERE run_id = %s"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A small account, synced by itself; nothing else starts but what a test starts."""
    home = tmp_path_factory.mktemp("home")
    off = {f"FINALE_SCHEDULE_{name}": "off" for name in ("INVENTORY", "SMART", "ACTIVE", "FULL")}
    never = {"FINALE_SCHEDULE_CRITICAL": "0 0 1 1 *"}
    with Live(home, FINALE_SANDBOX_PRODUCTS="300", **off, **never) as running:
        running.until(lambda: running.rows("SELECT FROM plan.forecast LIMIT 1"), "the first plan")
        running.until(lambda: is_idle(running), "nothing runs")
        yield running


def is_idle(live: Live) -> bool:
    return not live.rows("SELECT FROM ops.sync_run WHERE status = 'running'")


@pytest.fixture
def api(live: Live) -> Iterator[httpx.Client]:
    base = f"http://127.0.0.1:{live.ports['API']}"
    with httpx.Client(base_url=base, trust_env=False, timeout=90) as client:
        yield client


def critical(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return next(s for s in answer.json()["schedules"] if s["name"] == "critical")


def test_everything_that_reads_answers(api: httpx.Client) -> None:
    statuses = {path: api.get(path).status_code for path in (*READ, *PROBES)}
    assert statuses == dict.fromkeys(statuses, 200)
    assert len(api.get("/api/products", params={"limit": 1000}).json()["products"]) == 300
    known = {s["name"] for s in api.get(f"{SYNC}/schedule").json()["schedules"]}
    assert known >= {"critical", "inventory", "active", "full", "smart", "housekeeping"}


@pytest.mark.parametrize(
    ("path", "body", "strategy"),
    [
        ("", {"strategy": "smart"}, "critical"),
        ("/inventory", None, "inventory"),
        ("/critical", None, "critical"),
        ("/vendors", None, "vendors"),
    ],
)
def test_what_is_started_is_a_run_of_dagster_with_its_origin(
    live: Live, api: httpx.Client, path: str, body: Any, strategy: str
) -> None:
    answer = api.post(f"{SYNC}{path}", json=body, headers={"X-Actor": "drill"})
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["run_id"]
    assert answer.json()["strategy"] == strategy
    ledger = "SELECT status, trigger, strategy FROM ops.sync_run WHERE dagster_run_id = %s"
    done = live.until(
        lambda: [r for r in live.rows(ledger, run_id) if r[0] != "running"], "it is done"
    )
    assert done == [("done", "api", strategy)]
    ended = live.until(
        lambda: [r for r in live.dagster_rows(RUNS, run_id) if r[0] == "SUCCESS"], "Dagster too"
    )
    assert ended == [("SUCCESS", "drill (api)")]
    newest = api.get(f"{SYNC}/history", params={"limit": 1}).json()["history"][0]
    assert newest["dagster_run_id"] == run_id


def test_a_new_time_ticks_by_itself_and_can_be_given_back(live: Live, api: httpx.Client) -> None:
    """The daemon looks every minute whether its code was loaded anew; what runs goes on."""
    path = f"{SYNC}/schedule"
    live.sandbox("fault", fault="slow=25@inventoryitem*1")
    beside = api.post(f"{SYNC}/inventory").json()["run_id"]
    ledger = "SELECT status FROM ops.sync_run WHERE dagster_run_id = %s"
    live.until(lambda: live.rows(ledger, beside) == [("running",)], "a sync runs")
    assert critical(api.get(path))["cron_from"] == "setting"
    due = (datetime.now(UTC) + timedelta(seconds=95)).replace(second=0, microsecond=0)
    begun = time.monotonic()
    answer = api.put(path, json={"schedule": "critical", "cron": f"{due.minute} * * * *"})
    took = time.monotonic() - begun
    found = critical(answer)
    assert (found["cron"], found["cron_from"]) == (f"{due.minute} * * * *", "api")
    assert datetime.fromisoformat(found["next_at"]) == due
    assert live.rows(ledger, beside) == [("running",)]
    ticks = "SELECT decided_at, is_run FROM ops.schedule_tick WHERE tick_at = %s"
    decided_at, is_run = live.until(lambda: live.rows(ticks, due), "the tick came")[0]
    assert is_run
    assert decided_at - due < timedelta(seconds=30)
    print(f"changed in {took:.1f} s, ticked {(decided_at - due).total_seconds():.1f} s after due")  # noqa: T201 - measured
    ran = "SELECT FROM ops.sync_run WHERE trigger = 'schedule' AND started_at >= %s"
    live.until(lambda: live.rows(ran, due), "its sync ran")
    assert live.rows(ledger, beside) == [("done",)]
    assert critical(api.put(path, json={"schedule": "critical", "cron": None}))["cron"] == (
        "0 0 1 1 *"
    )
    assert (live.home / FILE).read_text().strip() == "{}"


def test_nothing_listens_for_other_machines(live: Live) -> None:
    """Dagster's UI has no log-in (row A18)."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    listening = [line.split()[1].split(":") for line in lines if line.split()[3] == "0A"]
    addresses = {int(port, 16): address for address, port in listening}
    assert {name: addresses[port] for name, port in live.ports.items()} == dict.fromkeys(
        live.ports, "0100007F"
    )


def test_off_and_on_are_dagsters(live: Live, api: httpx.Client) -> None:
    path = f"{SYNC}/schedule"
    assert critical(api.put(path, json={"schedule": "critical", "cron": "off"}))["on"] is False
    state = "SELECT status FROM instigators WHERE instigator_body LIKE '%%critical_schedule%%'"
    assert ("STOPPED",) in live.dagster_rows(state)
    assert critical(api.put(path, json={"schedule": "critical", "on": True}))["on"] is True
