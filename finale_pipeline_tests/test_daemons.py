"""The whole system with real daemons: killed, frozen, doubled; `make drill` runs these."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from finale_pipeline.warehouse import embedded
from finale_pipeline_tests.live import Live, descendants

pytestmark = pytest.mark.slow


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A small account, synced by itself; critical every minute, the other schedules as always."""
    home = tmp_path_factory.mktemp("home")
    with Live(
        home,
        FINALE_SANDBOX_PRODUCTS="300",
        FINALE_SCHEDULE_CRITICAL="* * * * *",
        FINALE_SCHEDULE_INVENTORY="off",
        FINALE_SCHEDULE_SMART="off",
        FINALE_STUCK_MINUTES="0.5",
    ) as running:
        running.until(
            lambda: running.rows("SELECT FROM ops.sync_run WHERE status = 'done'"), "first sync"
        )
        yield running


def slow_critical(live: Live) -> tuple[int, int]:
    """Return a critical sync that waits for the source: its number and its process."""
    live.until(lambda: not live.run_processes(), "no run is left")
    live.sandbox("fault", fault="slow=100@inventoryitem*1")
    waiting = "SELECT run_id FROM ops.sync_run WHERE strategy = 'critical' AND status = 'running'"
    run_id = live.until(lambda: live.rows(waiting), "a critical sync runs")[0][0]
    return run_id, live.until(live.run_processes, "its process is there")[0]


def dagster_status(live: Live, run_id: int) -> str:
    (dagster_id,) = live.rows("SELECT dagster_run_id FROM ops.sync_run WHERE run_id = %s", run_id)[
        0
    ]
    return str(live.dagster_rows("SELECT status FROM runs WHERE run_id = %s", dagster_id)[0][0])


def test_a_killed_run_is_closed_everywhere_and_the_next_tick_runs(live: Live) -> None:
    run_id, process = slow_critical(live)
    os.kill(process, signal.SIGKILL)
    ended = "SELECT error FROM ops.sync_run WHERE run_id = %s AND status = 'failed'"
    error = live.until(lambda: live.rows(ended, run_id), "the ledger closes it", 60)[0][0]
    assert "killed, or the machine went down" in error
    live.until(lambda: dagster_status(live, run_id) == "FAILURE", "Dagster closes it", 60)
    later = (
        "SELECT FROM ops.sync_run WHERE run_id > %s AND strategy = 'critical' AND status = 'done'"
    )
    live.until(lambda: live.rows(later, run_id), "the next tick runs", 150)


def test_a_frozen_run_is_cancelled_and_can_no_longer_commit(live: Live) -> None:
    run_id, process = slow_critical(live)
    os.kill(process, signal.SIGSTOP)
    ended = "SELECT error_kind FROM ops.sync_run WHERE run_id = %s AND status = 'failed'"
    assert live.until(lambda: live.rows(ended, run_id), "it is cancelled", 120) == [("STUCK",)]
    later = "SELECT FROM ops.sync_run WHERE run_id > %s AND status = 'done'"
    live.until(lambda: live.rows(later, run_id), "another run works meanwhile", 150)
    levels = "SELECT sum(on_hand_units), max(changed_at) FROM core.stock_level"
    before = live.rows(levels)
    os.kill(process, signal.SIGCONT)
    live.until(lambda: process not in live.run_processes(), "the woken process ends", 150)
    assert live.rows(levels) == before
    assert live.rows(ended, run_id) == [("STUCK",)]


def test_the_process_that_starts_runs_is_killed_and_syncs_go_on(live: Live) -> None:
    def starter() -> list[int]:
        return [
            pid for pid in descendants(live.process.pid)
            if b"dagster\0api\0grpc" in (Path("/proc") / str(pid) / "cmdline").read_bytes()
        ]  # fmt: skip

    live.until(lambda: not live.run_processes(), "no run is left")
    (killed,) = live.until(starter, "it is there")
    (begun,) = live.rows("SELECT max(run_id) FROM ops.sync_run")[0]
    os.kill(killed, signal.SIGKILL)
    live.until(lambda: set(starter()) - {killed}, "another one is there", 90)
    later = "SELECT FROM ops.sync_run WHERE run_id > %s AND status = 'done'"
    live.until(lambda: live.rows(later, begun), "a sync is done", 180)


def test_a_run_goes_on_while_the_code_is_loaded_again(live: Live) -> None:
    live.until(lambda: not live.run_processes(), "no run is left")
    live.sandbox("fault", fault="slow=20@inventoryitem*1")
    waiting = "SELECT run_id FROM ops.sync_run WHERE strategy = 'critical' AND status = 'running'"
    run_id = live.until(lambda: live.rows(waiting), "a critical sync runs")[0][0]
    assert live.dagster("mutation { reloadWorkspace { __typename } }")
    assert live.rows(waiting) == [(run_id,)]
    ended = "SELECT status FROM ops.sync_run WHERE run_id = %s AND finished_at IS NOT NULL"
    assert live.until(lambda: live.rows(ended, run_id), "it ends", 120) == [("done",)]
    live.until(lambda: dagster_status(live, run_id) == "SUCCESS", "Dagster says so, too", 60)
    later = "SELECT FROM ops.sync_run WHERE run_id > %s AND status = 'done'"
    live.until(lambda: live.rows(later, run_id), "the next tick runs", 150)


def test_what_a_killed_dev_left_running_is_ended_by_the_next_one(tmp_path: Path) -> None:
    off = {f"FINALE_SCHEDULE_{name}": "off" for name in
           ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART")}  # fmt: skip
    with Live(tmp_path, FINALE_SANDBOX_PRODUCTS="50", **off) as first:
        first.until(lambda: answers(first), "it serves")
        left = list(descendants(first.process.pid))
        first.process.kill()
        first.process.wait()
    again = Live(tmp_path, FINALE_SANDBOX_PRODUCTS="50", **off)
    again.ports, again.environment = first.ports, first.environment
    with again:
        said = tmp_path / "dev.log"
        again.until(lambda: "was left running by a `finale dev`" in said.read_text(), "it says so")
        again.until(lambda: not [pid for pid in left if is_alive(pid)], "all of them have ended")
        again.until(lambda: answers(again), "it serves again")
    assert embedded.running_url(tmp_path / "postgres") is None


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answers(live: Live) -> bool:
    try:
        return bool(live.dagster("{ version }"))
    except OSError:
        return False


def test_a_second_daemon_starts_nothing_twice(live: Live) -> None:
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "finale_pipeline.definitions"]
    second = subprocess.Popen(
        command,
        env=live.dagster_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        (begun,) = live.rows("SELECT max(run_id) FROM ops.sync_run")[0]
        done = "SELECT count(*) FROM ops.sync_run WHERE run_id > %s AND status = 'done'"
        live.until(lambda: live.rows(done, begun)[0][0] >= 3, "three more syncs", 300)
    finally:
        second.terminate()
        second.wait(60)
    doubled = (
        "SELECT date_trunc('minute', started_at) FROM ops.sync_run WHERE strategy = 'critical'"
        " AND status = 'done' GROUP BY 1 HAVING count(*) > 1"
    )
    assert live.rows(doubled) == []
