"""A fortnight of sales in 15-minute ticks; what was mailed against the sandbox's own history."""

import csv
import io
import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from finale_pipeline.notify.delivery import deliver
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.critical import evaluate_left_behind
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse import outbox
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.mail_server import KEY, Accepted, MailServer

FAST_TICKS = 48
SICK_TICKS = 2
"""So long after a fault of the mail service, the mails behind the one that met it may wait."""


class Oracle:
    """What should be told, from the sandbox's records alone.

    Args:
        account: The sandbox's.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.points: dict[str, Decimal] = {}
        for record in account.records("product"):
            rules = record["reorderGuidelineList"]
            kept = [r for r in rules if r["reorderCalculationMethodId"] != "##doNotReorder"]
            if record["statusId"] != "PRODUCT_ACTIVE" or (rules and not kept):
                continue
            points = [Decimal(r["reorderPoint"]) for r in kept if "reorderPoint" in r]
            self.points[record["productUrl"]] = sum(points) if points else Decimal(10)  # type: ignore[assignment]
        self.levels = self.present()
        self.crossings: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def present(self) -> dict[str, str]:
        sums = self.account.stock_sums()
        levels = {}
        for url, point in self.points.items():
            on_hand, _, reserved = sums.get(url, (Decimal(0),) * 3)
            available = on_hand - reserved
            levels[url] = "out" if available <= 0 else "low" if available < point else "ok"
        return levels

    def tick(self) -> None:
        """Note what crossed since the last tick."""
        now = self.present()
        for url, level in now.items():
            if level != self.levels[url]:
                self.crossings[url].append((self.levels[url], level))
        self.levels = now


class Fortnight:
    """Sandbox, mail service and warehouse under one clock.

    Args:
        settings: Of the account.
        account: Of the sandbox.
        service: For the mails.
        connection: To the warehouse.
    """

    def __init__(
        self, settings: Settings, account: Account, service: MailServer, connection: Connection
    ) -> None:
        self.settings = settings
        self.account = account
        self.service = service
        self.connection = connection
        self.dice = random.Random(7)  # noqa: S311 - repeatable
        self.late: list[str] = []
        self.sick_at = -SICK_TICKS

    def clock(self) -> object:
        return self.account.clock.now()

    def sync(self, strategy: str = "inventory", *, dies: bool = False) -> None:
        """Run a strategy; or die between its stock and its evaluation."""
        with open_sync(
            self.settings, strategy=strategy, trigger="test", table_sets=TABLE_SETS[strategy],
            clock=self.account.clock.now, sleep=lambda _: None,
        ) as run:  # fmt: skip
            if dies:
                evaluate_left_behind(run)
                sync_stock(run)
            else:
                carry_out(run)

    def tick(self, number: int, flapping: str, *, is_down: bool) -> None:
        self.account.clock.advance(seconds=900)
        self.account.catch_up()
        self.account.set_stock(flapping, 9 if number % 2 else 10)
        if self.dice.random() < 0.4:
            self.account.set_stock(self.dice.choice(self.products), self.dice.choice((0, 4, 300)))
        self.service.clear_faults()
        if is_down:
            self.service.add_fault("status=503")
            self.sick_at = number
        elif self.dice.random() < 0.1:
            self.service.add_fault("cut*1")
            self.sick_at = number
        dies = number % 7 == 3
        self.sync(dies=dies)
        if number % 11 == 5:
            self.sender_dies()
        deliver(self.connection, self.settings, clock=self.account.clock.now)
        if not dies and number - self.sick_at > SICK_TICKS:
            self.note_late(number)

    def sender_dies(self) -> None:
        url = self.settings.database_url
        assert url is not None
        with connect(url.get_secret_value(), name="dying") as dying:
            claimed = outbox.claim(dying, now=self.account.clock.now())
        if claimed is not None:
            self.connection.execute(
                "SELECT pg_advisory_lock(%s, %s), pg_advisory_unlock(%s, %s)",
                (Lock.MAIL, claimed.outbox_id) * 2,
            )

    def note_late(self, number: int) -> None:
        """A crossing whose mail waits for more than a tick, with a service that is well."""
        rows = self.connection.execute(
            "SELECT message_id FROM ops.outbox WHERE state NOT IN ('sent', 'merged', 'dead')"
            " AND unknown_outcomes = 0 AND attempts = 0 AND created_at <= %s",
            (self.account.clock.now() - timedelta(minutes=15),),
        ).fetchall()
        self.late += [f"{number}: {row[0]}" for row in rows]

    @property
    def products(self) -> list[str]:
        return sorted(r["productUrl"] for r in self.account.records("product"))


def skus(mail: Accepted) -> set[str]:
    """Products in a mail's attachment."""
    found: set[str] = set()
    for data in mail.attachments.values():
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        found |= {row["product_url"] for row in rows}
    return found


@pytest.mark.parametrize(
    "ticks",
    [FAST_TICKS, pytest.param(14 * 96, marks=pytest.mark.slow)],
    ids=["half-a-day", "fortnight"],
)
def test_the_mail_servers_ledger_equals_the_sandboxs_own_history(
    url: str, connection: Connection, tmp_path: Path, ticks: int
) -> None:
    account = invented_account(products=300, clock=Clock(frozen_at=NOW), years=0.2)
    with SandboxServer(account, rate_limits=None) as sandbox, MailServer() as service:
        settings = settings_for(
            url, sandbox, home=tmp_path, alert_emails=("a@b.example",), alert_from="s@b.example",
            sendgrid_api_key=KEY, sendgrid_base_url=service.base_url,
        )  # fmt: skip
        world = Fortnight(settings, account, service, connection)
        world.sync("full")
        oracle = Oracle(account)
        flapping = next(u for u, p in oracle.points.items() if p == 10)
        for number in range(ticks):
            down = number % 96 in range(24, 40)
            world.tick(number, flapping, is_down=down)
            oracle.tick()
        service.clear_faults()
        world.sync()
        for _ in range(4):
            account.clock.advance(seconds=1_800)
            deliver(connection, settings, clock=account.clock.now)
        assert world.late == []
        compare(connection, oracle, service)


def compare(connection: Connection, oracle: Oracle, service: MailServer) -> None:
    rows = connection.execute(
        "SELECT subject, from_level, to_level FROM ops.incident_event WHERE from_level <> to_level"
        " ORDER BY event_id"
    ).fetchall()
    recorded: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for subject, before, after in rows:
        recorded[str(subject)].append((str(before), str(after)))
    assert recorded == {u: c for u, c in oracle.crossings.items() if c}
    assert len(rows) > 10

    promised: dict[str, set[str]] = defaultdict(set)
    for subject, message_id in connection.execute(
        "SELECT e.subject, coalesce(o.merged_into, o.message_id) FROM ops.incident_event e"
        " JOIN ops.outbox o USING (message_id)"
    ).fetchall():
        promised[str(message_id)].add(str(subject))
    arrived: dict[str, list[Accepted]] = defaultdict(list)
    for mail in service.accepted:
        arrived[mail.message_id].append(mail)
    unknown = {
        str(message_id): int(str(count))
        for message_id, count in connection.execute(
            "SELECT message_id, unknown_outcomes FROM ops.outbox WHERE state <> 'merged'"
        ).fetchall()
    }
    rows = connection.execute("SELECT message_id FROM ops.outbox WHERE state = 'dead'").fetchall()
    dead = {str(row[0]) for row in rows}
    for message_id, products in promised.items():
        mails = arrived.pop(message_id, [])
        assert mails or message_id in dead
        assert len(mails) <= 1 + min(1, unknown[message_id])
        assert {frozenset(skus(mail)) for mail in mails} <= {frozenset(products)}
    assert {mail[0].kind for mail in arrived.values()} <= {"summary"}
    worsened = connection.execute(
        "SELECT count(*) FROM ops.incident_event WHERE kind IN ('opened', 'worsened')"
        " AND message_id IS NULL"
    ).fetchall()
    assert worsened == [(0,)]
