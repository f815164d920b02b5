"""All of `finale dev`: quiet while it is idle, alive when a part is killed, gone within seconds."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from finale_pipeline.services.supervisor import STOP_SECONDS
from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.live import Live, descendants, of_process

pytestmark = pytest.mark.slow
PARTS = ("code", "daemon", "web", "api")
IDLE_SECONDS = 180
LINES_PER_HOUR = 20
CHATTER = re.compile(r"DEBUG|Traceback|\x1b\[|BetaWarning")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A small account, synced by itself; no schedule is due while it is looked at."""
    home = tmp_path_factory.mktemp("home")
    names = ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART", "HOUSEKEEPING")
    never = {f"FINALE_SCHEDULE_{name}": "0 0 1 1 *" for name in names}
    with Live(home, FINALE_SANDBOX_PRODUCTS="300", **never) as running:
        running.until(lambda: running.rows("SELECT FROM plan.forecast LIMIT 1"), "the first plan")
        idle = "SELECT 1 FROM ops.sync_run HAVING bool_and(status <> 'running')"
        running.until(lambda: running.rows(idle), "nothing runs")
        yield running


def lines(live: Live) -> dict[str, list[str]]:
    return {part: (live.home / "logs" / f"{part}.log").read_text().splitlines() for part in PARTS}


def process_of(live: Live, part: str) -> int:
    """The process of a part: those of Dagster have taken theirs over."""
    words = {"code": b"services.codeserver", "daemon": b"dagster._daemon",
             "web": b"services.webserver", "api": b"serve\0api"}  # fmt: skip
    for pid in descendants(live.process.pid):
        if words[part] in of_process(pid, "cmdline"):
            return pid
    return 0


def test_logs_say_nothing_that_nobody_needs(live: Live) -> None:
    """Also not while it starts, and while the first sync and plan are made."""
    time.sleep(10)  # what follows the plan
    before = lines(live)
    time.sleep(IDLE_SECONDS)
    after = lines(live)
    said = {part: after[part][len(before[part]) :] for part in PARTS}
    assert sum(map(len, said.values())) <= LINES_PER_HOUR * IDLE_SECONDS / 3_600, said
    wrong = {part: [t for t in texts if CHATTER.search(t)][:3] for part, texts in after.items()}
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_comes_back_and_answers(live: Live, part: str) -> None:
    first = process_of(live, part)
    assert first
    os.kill(first, signal.SIGKILL)
    live.until(lambda: process_of(live, part) not in {0, first}, f"{part} is started again", 60)
    base = f"http://127.0.0.1:{live.ports['API']}"
    answers: dict[str, Callable[[], object]] = {
        "code": lambda: "errors" not in live.dagster("{ version }") and code_answers(live),
        "daemon": lambda: process_of(live, "daemon"),
        "web": lambda: live.dagster("{ version }"),
        "api": lambda: httpx.get(f"{base}/readyz", trust_env=False).status_code == 200,
    }

    def answer() -> object:
        try:
            return bool(answers[part]())
        except (OSError, httpx.HTTPError, AssertionError):
            return False

    live.until(answer, f"{part} answers again", 120)
    assert f"{part:10} was killed by signal 9" in (live.home / "dev.log").read_text()


def code_answers(live: Live) -> bool:
    found = live.dagster(
        "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
    )
    return bool(found["workspaceOrError"]["locationEntries"])


@pytest.mark.skipif(chromium.found() is None, reason="there is no browser")
def test_dagsters_pages_work_in_a_browser_behind_the_guard(live: Live) -> None:
    """Its scripts, GraphQL and WebSocket: the guard must stop others' pages, and not its own."""
    base = f"http://127.0.0.1:{live.ports['UI']}"
    with chromium.running(str(chromium.found())) as browser, browser.page(base) as tab:
        tab.open("/assets")
        shown = live.until(
            lambda: [text for text in tab.texts("body") if "inventory_levels" in text],
            "the page of assets shows them", 60,
        )  # fmt: skip
        assert shown
        tab.open("/runs")
        live.until(
            lambda: [text for text in tab.texts("body") if "full_sync" in text],
            "the page of runs shows them", 60,
        )  # fmt: skip
        refused = [text for text in tab.troubles if "403" in text or "refused" in text.lower()]
        assert refused == []


def test_ctrl_c_ends_all_of_it_before_anything_must_be_killed(live: Live) -> None:
    live.until(lambda: all(process_of(live, part) for part in PARTS), "all parts run", 60)
    time.sleep(20)  # what was just started again is up
    begun = time.monotonic()
    live.process.send_signal(signal.SIGINT)
    live.process.wait(60)
    took = time.monotonic() - begun
    said = (live.home / "dev.log").read_text()
    assert "was killed\n" not in said.split("Stopping")[-1], said
    assert took < STOP_SECONDS + 4, f"{took:.1f} s: {said[-600:]}"
