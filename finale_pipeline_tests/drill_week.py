"""A week of ticks in minutes, with real daemons: `python -m finale_pipeline_tests.drill_week`.

Starts all of `finale dev` in a folder of its own with schedules that are due every few minutes,
lets stock run out and come back, kills runs and services, lets the source and the mail service be
sick, and at the end compares what is stored and what was mailed with what really happened. Prints
what it saw; ends with 1 when anything was lost, doubled or left open.
"""

import os
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests import mail_server
from finale_pipeline_tests.live import Live, descendants, of_process
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, assert_mirrors
from finale_pipeline_tests.test_fortnight import Oracle

SECONDS = 1_110.0
"""How long it plays; then it heals and compares."""
TICKS = 300
"""So many due times there are at least, of schedules and sensors."""
SCHEDULES = {"CRITICAL": "* * * * *", "SMART": "* * * * *", "INVENTORY": "*/4 * * * *",
             "ACTIVE": "*/6 * * * *", "FULL": "*/10 * * * *",
             "HOUSEKEEPING": "*/5 * * * *"}  # fmt: skip
FULL_SHELF = 100_000
OPEN = "'QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED', 'CANCELING'"
EVENTS = "SELECT subject, from_level, to_level FROM ops.incident_event WHERE from_level <> to_level"
SIZES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information)'
"""
STOP = """
mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename } }
"""
STATES = """
{ schedulesOrError(repositorySelector: {repositoryLocationName: "finale_pipeline.definitions",
  repositoryName: "__repository__"}) {
  ... on Schedules { results { name scheduleState { id } } } } }
"""


class Stoppable:
    """The present time, until it is stopped: then nothing is sold any more."""

    def __init__(self) -> None:
        self._stopped: datetime | None = None

    def now(self) -> datetime:
        """Return it."""
        return self._stopped or datetime.now(UTC)

    def stop(self) -> None:
        """Let it stand still."""
        self._stopped = datetime.now(UTC)


@dataclass
class Week:
    """The system, the account that it reads and the service that it mails by.

    Args:
        live: The system.
        sandbox: Serves the account.
        service: Takes the mails.
        time: The account's.
    """

    live: Live
    sandbox: SandboxServer
    service: mail_server.MailServer
    time: "Stoppable"
    expected: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    done: Counter[str] = field(default_factory=Counter)
    begun: float = 0.0
    _empty: list[str] = field(default_factory=list)
    _full: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Fill the shelves of what will run out, and wait for the first sync."""
        account = self.sandbox.account
        self._full = sorted(Oracle(account).points)[:90]
        for product in self._full:
            account.set_stock(product, FULL_SHELF)
        done = "SELECT FROM ops.sync_run WHERE strategy = 'full' AND status = 'done'"
        self.live.until(lambda: self.live.rows(done), "the first sync")
        self.begun = time.monotonic()

    def play(self) -> None:
        """Let happen what happens in such a week."""
        story: list[tuple[float, str, Callable[[], object]]] = [
            (40, "runs killed", self.kill_run),
            (120, "hours without the source", lambda: self.sandbox.add_fault("status=503")),
            (270, "", self.sandbox.clear_faults),
            (300, "runs killed", self.kill_run),
            (360, "hours without mails", lambda: self.service.add_fault("status=503")),
            (540, "", self.service.clear_faults),
            (560, "daemons killed", lambda: self.kill("dagster._daemon")),
            (640, "code servers killed", lambda: self.kill("services.codeserver")),
            (720, "runs killed", self.kill_run),
            (
                780,
                "reads of half the stock",
                lambda: self.sandbox.add_fault("half@inventoryitem*1"),
            ),
            (840, "mails cut off", lambda: self.service.add_fault("cut*1")),
            (880, "APIs killed", lambda: self.kill("finale_pipeline.cli\0serve\0api")),
            (940, "runs killed", self.kill_run),
            (1000, "answers cut off", lambda: self.sandbox.add_fault("reset-mid*2")),
        ]
        changes_at = 0.0
        while (now := time.monotonic() - self.begun) < SECONDS:
            if story and now >= story[0][0]:
                _, what, act = story.pop(0)
                act()
                self.done[what] += bool(what)
            if now >= changes_at:
                self.change()
                changes_at = now + 30
            time.sleep(0.5)

    def change(self) -> None:
        """Let one product run out; fill the shelf of one whose shortage is in the ledger."""
        known = {str(row[0]) for row in self.live.rows(EVENTS)}
        product = self._full.pop()
        self.sandbox.account.set_stock(product, 0)
        self.expected[product].append(("ok", "out"))
        self._empty.append(product)
        back = next((p for p in self._empty if p in known), None) if len(self._empty) > 3 else None
        if back:
            self._empty.remove(back)
            self.sandbox.account.set_stock(back, FULL_SHELF)
            self.expected[back].append(("out", "ok"))

    def kill_run(self) -> None:
        """Kill the process of a run in its work."""
        running = "SELECT FROM ops.sync_run WHERE status = 'running'"
        self.live.until(lambda: self.live.rows(running), "a run works")
        for pid in self.live.run_processes():
            os.kill(pid, signal.SIGKILL)

    def kill(self, words: str) -> None:
        """Kill a service."""
        for pid in descendants(self.live.process.pid):
            if words.replace(" ", "\0") in of_process(pid, "cmdline").decode():
                os.kill(pid, signal.SIGKILL)
                return
        raise AssertionError(f"no process {words!r}")

    def settle(self) -> None:
        """Let all be well and everything come to its end; then nothing is due any more."""
        self.sandbox.clear_faults()
        self.service.clear_faults()
        waits = "SELECT FROM ops.outbox WHERE state NOT IN ('sent', 'merged', 'dead')"
        self.live.until(lambda: not self.live.rows(waits), "no mail waits", 1_200)
        self.time.stop()
        (newest,) = self.live.rows("SELECT max(run_id) FROM ops.sync_run")[0]
        done = (
            "SELECT FROM ops.sync_run WHERE run_id > %s AND strategy = 'full' AND status = 'done'"
        )
        self.live.until(lambda: self.live.rows(done, newest), "a full sync is done", 1_200)
        schedules = self.live.dagster(STATES)["schedulesOrError"]["results"]
        for schedule in schedules:
            self.live.dagster(STOP, id=schedule["scheduleState"]["id"])
        self.live.until(
            lambda: not self.live.dagster_rows(f"SELECT FROM runs WHERE status IN ({OPEN})"),
            "no run is open", 300,
        )  # fmt: skip

    def wrong(self) -> list[str]:
        """Return what was lost, doubled or left open."""
        found = []
        with self.live.connect() as connection:
            try:
                assert_mirrors(connection, self.sandbox.account)
                assert_ledger_is_closed(connection)
            except AssertionError as error:
                found.append(f"the warehouse is not what the account is: {error}"[:500])
        recorded: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for product, before, after in self.live.rows(f"{EVENTS} ORDER BY event_id"):
            recorded[str(product)].append((str(before), str(after)))
        found += [
            f"{product}: happened {happened}, recorded {recorded[product]}"
            for product, happened in self.expected.items()
            if recorded[product] != happened
        ]
        return found + self._wrong_mails()

    def _wrong_mails(self) -> list[str]:
        rows = self.live.rows(
            "SELECT o.message_id, o.state, max(o.unknown_outcomes) FROM ops.incident_event e"
            " JOIN ops.outbox o USING (message_id) WHERE o.state <> 'merged' GROUP BY 1, 2"
        )
        arrived = Counter(mail.message_id for mail in self.service.accepted)
        found = [
            f"mail {name} is {state} and arrived {arrived[name]} times"
            for name, state, unknown in rows
            if not 1 <= arrived[name] <= 1 + min(1, unknown)
        ]
        untold = self.live.rows(
            "SELECT subject FROM ops.incident_event WHERE kind = 'opened' AND message_id IS NULL"
            " AND no_mail IS NULL"
            " AND subject = ANY (%s)", list(self.expected),
        )  # fmt: skip
        return found + [f"{product}: nobody was told" for (product,) in untold]


def ticks(live: Live) -> dict[str, Counter[str]]:
    """Return how often what came due, by how it ended."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, status, count in live.dagster_rows(
        "SELECT type, status, count(*) FROM job_ticks GROUP BY 1, 2"
    ):
        found[str(kind).lower()][str(status).lower()] += int(count)
    return found


def sizes(live: Live) -> dict[str, int]:
    """Return the bytes of every table of both databases."""
    ours = dict(live.rows(SIZES))
    return ours | {f"dagster {name}": size for name, size in live.dagster_rows(SIZES)}


def report(week: Week, before: dict[str, int]) -> int:
    """Print what happened; return how many things are wrong."""
    live, wrong = week.live, week.wrong()
    counted = ticks(live)
    total = sum(sum(states.values()) for states in counted.values())
    print(f"{total} due times in {(time.monotonic() - week.begun) / 60:.0f} minutes:")
    for kind, states in sorted(counted.items()):
        print(f"  {kind}s: " + ", ".join(f"{n} {state}" for state, n in sorted(states.items())))
    runs = "SELECT strategy, status, count(*) FROM ops.sync_run GROUP BY 1, 2 ORDER BY 1, 2"
    print("syncs: " + ", ".join(f"{n} {s} {status}" for s, status, n in live.rows(runs)))
    statuses = live.dagster_rows("SELECT status, count(*) FROM runs GROUP BY 1 ORDER BY 1")
    print("runs of Dagster: " + ", ".join(f"{n} {status}" for status, n in statuses))
    print("it suffered: " + ", ".join(f"{n} {what}" for what, n in week.done.items() if n))
    events = sum(len(happened) for happened in week.expected.values())
    print(f"crossings that happened: {events}; mails that arrived: {len(week.service.accepted)}")
    after = sizes(live)
    syncs = live.rows("SELECT count(*) FROM ops.sync_run")[0][0]
    grown = {name: size - before.get(name, 0) for name, size in after.items()}
    print(f"growth: {sum(grown.values()) / syncs / 1e3:.0f} KB a sync, of which")
    for name, size in sorted(grown.items(), key=lambda pair: -pair[1])[:8]:
        print(f"  {name:32}{size / syncs / 1e3:8.1f} KB")
    if total < TICKS:
        wrong.append(f"only {total} due times")
    print("\n".join(["WRONG:", *wrong]) if wrong else "ledger = truth, no run is open")
    return len(wrong)


def main() -> int:
    """Play it, print it."""
    time_of_it = Stoppable()
    account = invented_account(products=400, clock=Clock(real=time_of_it.now))
    with (
        tempfile.TemporaryDirectory(prefix="finale") as folder,
        SandboxServer(account) as sandbox,
        mail_server.MailServer() as service,
    ):
        home = Path(folder)
        home.chmod(0o755)
        os.environ["SENDGRID_API_KEY"] = mail_server.KEY
        os.environ["SENDGRID_BASE_URL"] = service.base_url
        settings: dict[str, Any] = {
            "FINALE_BASE_URL": sandbox.base_url, "FINALE_ACCOUNT": "demo",
            "FINALE_API_KEY": KEY, "FINALE_API_SECRET": SECRET,
            "FINALE_SINCE": account.first_change().date().isoformat(),
            "FINALE_ALERT_EMAILS": "buyer@shop.example", "FINALE_ALERT_FROM": "s@shop.example",
            "FINALE_STUCK_MINUTES": "1",
            **{f"FINALE_SCHEDULE_{name}": cron for name, cron in SCHEDULES.items()},
        }  # fmt: skip
        with Live(home, **settings) as live:
            week = Week(live, sandbox, service, time_of_it)
            week.begin()
            before = sizes(live)
            week.play()
            week.settle()
            wrong = report(week, before)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
