"""Findings about daemons and schedules go away by their steps; with real daemons."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from finale_pipeline_tests.live import Live, descendants, of_process
from finale_pipeline_tests.processes import command

pytestmark = pytest.mark.slow
OURS = {"repositoryName": "__repository__", "repositoryLocationName": "finale_pipeline.definitions"}
SCHEDULES = """query ($of: RepositorySelector!) { schedulesOrError(repositorySelector: $of) {
  ... on Schedules { results { name scheduleState { id } } } } }"""
STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
START = "mutation ($of: ScheduleSelector!) { startSchedule(scheduleSelector: $of) { __typename } }"
AGED = """UPDATE daemon_heartbeats SET body =
  regexp_replace(body::text, '"timestamp": [0-9.]+', '"timestamp": 1.5')"""


def findings(live: Live, what: str) -> list[tuple[str, str]]:
    """What `finale doctor` does not find well, and its steps."""
    done = subprocess.run(
        command("doctor", "--json"), env=live.environment, cwd=live.home, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return [(f["says"], f["step"]) for f in found if f["what"] == what and f["state"] != "ok"]


def daemons(live: Live) -> list[int]:
    words = b"dagster._daemon"
    return [p for p in descendants(live.process.pid) if words in of_process(p, "cmdline")]


def test_daemons_and_schedules_are_brought_back_by_the_steps(tmp_path: Path) -> None:
    names = ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART")
    never = {f"FINALE_SCHEDULE_{name}": "0 0 1 1 *" for name in names}
    live = Live(tmp_path, FINALE_SANDBOX_PRODUCTS="50", **never)
    upgrade = subprocess.run(command("db", "upgrade"), env=live.environment, check=False)
    assert upgrade.returncode == 0
    assert findings(live, "daemons") == [("Dagster was never started here.", "finale dev")]
    with live:  # the step
        live.until(lambda: findings(live, "daemons") == [], "the daemons are alive")
        assert findings(live, "schedules") == []

        listed = live.dagster(SCHEDULES, of=OURS)["schedulesOrError"]["results"]
        (critical,) = [s for s in listed if s["name"] == "critical_schedule"]
        live.dagster(STOP, id=critical["scheduleState"]["id"])
        ((says, step),) = findings(live, "schedules")
        assert says == "switched off: critical_schedule"
        assert "in Dagster's UI" in step
        live.dagster(START, of=OURS | {"scheduleName": "critical_schedule"})
        assert findings(live, "schedules") == []

        (frozen,) = daemons(live)
        os.kill(frozen, signal.SIGSTOP)
        with live.connect("finale_dagster") as connection:
            connection.execute(AGED)
        ((says, step),) = findings(live, "daemons")
        assert "no recent heartbeat: MONITORING, QUEUED_RUN_COORDINATOR, SCHEDULER, SENSOR" in says
        assert "Start it" in step
        os.kill(frozen, signal.SIGKILL)  # and `finale dev` starts it again
        live.until(lambda: findings(live, "daemons") == [], "the daemons are alive again")
