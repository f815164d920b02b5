"""A long weekend of ticks with a moved clock: the ledger shows the expected syncs alone."""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dagster._utils.schedules import cron_string_iterator

from finale_pipeline.assets.due import last_tick
from finale_pipeline.domain.syncs.strategy import SYNCS
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.sync.ticks import decide
from finale_pipeline.warehouse import leases
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.conftest import settings_for

ZONE = ZoneInfo("America/New_York")
KILLED_AT = (15, 15)
"""Each day at this local time the run is killed."""
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, and an outage of more than a day in between."""

    begin: datetime
    down: tuple[datetime, datetime]
    end: datetime


def at(day: int, hour: int, minute: int) -> datetime:
    """Return a local time in March 2026; the clocks go forward on the eighth, a Sunday, at two."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE)


LONG = Span(at(7, 12, 1), (at(9, 10, 7), at(10, 12, 7)), at(10, 18, 1))
SHORT = Span(at(8, 0, 1), (at(9, 3, 7), at(10, 4, 7)), at(10, 6, 1))
"""The same but for hours like those before and after: two nights and a day."""


def crons(settings: Settings) -> dict[str, str]:
    return {name: str(getattr(settings, f"schedule_{name}")) for name in SYNCS}


def ticks(settings: Settings, span: Span) -> Iterator[tuple[datetime, str]]:
    """Yield every due time of the span, with its schedule, as the scheduler sees them."""

    def of(name: str, cron: str) -> Iterator[tuple[datetime, str]]:
        for tick in cron_string_iterator(span.begin.timestamp(), cron, str(ZONE)):
            yield tick.astimezone(UTC), name

    for due, name in heapq.merge(*(of(*pair) for pair in crons(settings).items())):
        if due >= span.end:
            return
        yield due, name


class Weekend:
    """Plays the scheduler and the runs, as the account's clock passes."""

    def __init__(self, settings: Settings, account: Account, connection: Connection) -> None:
        self.settings = settings
        self.account = account
        self.connection = connection
        self.skipped: Counter[str] = Counter()

    def move_to(self, moment: datetime) -> None:
        self.account.clock.advance(seconds=(moment - self.account.clock.now()).total_seconds())

    def tick(self, name: str, at: datetime) -> None:
        now = self.account.clock.now()
        due = {n: last_tick(c, str(ZONE), now) for n, c in crons(self.settings).items()}
        decision = decide(
            self.connection, self.settings, schedule=name, tick_at=at, now=now, due=due
        )
        if not decision.is_run:
            self.skipped[str(decision.reason).split(" that was due")[0]] += 1
        elif (now.astimezone(ZONE).hour, now.astimezone(ZONE).minute) == KILLED_AT:
            self._killed(decision.strategy)
        else:
            self.run(decision.strategy)

    def run(self, strategy: str) -> None:
        with open_sync(
            self.settings,
            strategy=strategy,
            trigger="schedule",
            table_sets=TABLE_SETS[strategy],
            clock=self.account.clock.now,
            sleep=lambda _: None,
        ) as run:
            carry_out(run)

    def _killed(self, strategy: str) -> None:
        """Leave what a killed process leaves; a minute later the sensor sees it."""
        now = self.account.clock.now()
        with connect(str(self.settings.database_url.get_secret_value()), name="killed") as own:  # type: ignore[union-attr]
            leases.lock(own, "stock")
            run_id = leases.open_run(
                own, strategy=strategy, trigger="schedule", table_sets=("stock",),
                dagster_run_id=None, now=now,
            )  # fmt: skip
        # The server's own queue: free when it has seen that the session is gone.
        for held in ((Lock.RUN, run_id), (Lock.TABLE_SET, leases.TABLE_SETS["stock"])):
            self.connection.execute("SELECT pg_advisory_lock(%s, %s)", held)
            self.connection.execute("SELECT pg_advisory_unlock(%s, %s)", held)
        buried = leases.mark_crashed_runs(self.connection, now=now + MINUTE)
        assert [run.run_id for run in buried] == [run_id]


def expected(span: Span) -> list[tuple[datetime, str, str]]:
    """Return what should have run: by plain counting of quarter hours, no cron, no rules."""
    found = [(span.begin.astimezone(UTC), "full", "done")]
    due = span.begin.astimezone(UTC) + 14 * MINUTE
    while due < span.end:
        local = due.astimezone(ZONE)
        if not span.down[0] <= local < span.down[1]:
            strategy = "inventory" if local.minute == 0 else "critical"
            is_spring = (local.month, local.day, local.hour) == (3, 8, 3)
            if local.minute == 0 and local.hour == 2:
                strategy = "active"
            if local.minute == 0 and is_spring:
                strategy = "full"  # two o'clock does not exist; both fall on three
            is_killed = (local.hour, local.minute) == KILLED_AT
            found.append((due, strategy, "failed" if is_killed else "done"))
        due += 15 * MINUTE
    found.append((span.down[1].astimezone(UTC), "full", "done"))  # makes up for a day and more
    return sorted(found)


@pytest.mark.parametrize(
    "span", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_a_weekend_of_ticks_leaves_exactly_the_expected_syncs(
    url: str, connection: Connection, span: Span
) -> None:
    clock = Clock(frozen_at=span.begin.astimezone(UTC))
    account = invented_account(products=40, clock=clock, years=0.2, sales_days=5)
    with SandboxServer(account) as sandbox:  # with Finale's own request limits
        budgets = {"get_per_minute": 120, "collections_per_hour": 300}
        settings = settings_for(url, sandbox, timezone=str(ZONE), **budgets)
        weekend = Weekend(settings, account, connection)
        weekend.run("full")
        missed: dict[str, datetime] = {}
        for due, name in ticks(settings, span):
            if span.down[0] <= due < span.down[1]:
                missed[name] = due  # the scheduler brings only the last one
                continue
            if missed and due >= span.down[1]:
                weekend.move_to(span.down[1])
                for late, when in sorted(missed.items()):
                    weekend.tick(late, when)
                missed = {}
            weekend.move_to(due)
            weekend.tick(name, due)
    rows = connection.execute(
        "SELECT started_at, strategy, status FROM ops.sync_run ORDER BY started_at"
    ).fetchall()
    assert rows == expected(span)
    assert set(weekend.skipped) == {
        "covered by the critical sync",  # smart chose what is due anyway
        "covered by the inventory sync",
        "covered by the active sync",
        "covered by the full sync",
    }
    assert "429" not in str(connection.execute("SELECT error FROM ops.sync_run").fetchall())
