"""Turns failed, held, stuck and recovered syncs into incidents and mails; the digest of a morning.

Read from the ledger of runs, not from Dagster: a run that Dagster believes in may be dead, and one
it calls a success may have been held.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from finale_pipeline.clock import business_day
from finale_pipeline.domain.syncs.outcomes import EndedSync, SyncProblem, trouble_of, works_again
from finale_pipeline.notify import routing, stock_mails, sync_mails
from finale_pipeline.notify.lines import critical_lines, money
from finale_pipeline.notify.messages import Content, new_id, origin_of
from finale_pipeline.settings import Settings
from finale_pipeline.text import plain
from finale_pipeline.warehouse import critical, incidents, locks, outbox
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.reads import plan as plan_reads
from finale_pipeline.warehouse.reads import runs

LOOK_BACK = timedelta(days=14)


def watch_syncs(connection: Connection, settings: Settings, *, now: datetime) -> list[str]:
    """Look at the ledger; open incidents of strategies in trouble, close those that work again.

    Returns:
        Kinds of the mails that were written.
    """
    with connection.transaction():
        locks.acquire_until_commit(connection, Lock.SYNC_WATCH)
        ended = runs.ended_since(connection, now - LOOK_BACK, now=now)
        watch = _Watch(connection, settings, ended, now)
        return [kind for strategy in watch.strategies() if (kind := watch.look(strategy))]


class _Watch:
    """One look at the ledger."""

    def __init__(
        self, connection: Connection, settings: Settings, runs: list[EndedSync], now: datetime
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.runs = runs
        self.now = now
        self.open = {found.strategy: found for found in incidents.open_of_syncs(connection)}

    def strategies(self) -> list[str]:
        return sorted({run.strategy for run in self.runs} | set(self.open))

    def look(self, strategy: str) -> str | None:
        """Return the kind of the mail that was written about a strategy, if any."""
        if strategy in self.open:
            return self._close(strategy)
        stuck_after = timedelta(minutes=self.settings.stuck_minutes)
        problem = trouble_of(strategy, self.runs, now=self.now, stuck_after=stuck_after)
        return self._open(problem) if problem is not None else None

    def _open(self, problem: SyncProblem) -> str | None:
        kind = problem.run.error_kind or problem.kind
        same = incidents.that_told_of(self.connection, kind)
        incident_id = incidents.open_of_sync(
            self.connection,
            problem.strategy,
            level=problem.kind,
            mailed=None if same else kind,
            note=problem.run.error,
            opened_at=problem.run.at,
        )
        if same:
            why = f"incident {same} has the same cause and was mailed"
            self._event(problem, incident_id, kind, no_mail=why)
            return None
        last_good = runs.last_good_at(self.connection, [problem.strategy])
        content = sync_mails.trouble(problem, last_good=last_good)
        message_id = self._put(content, f"incident {incident_id}", problem.run.run_id)
        self._event(problem, incident_id, kind, message_id=message_id)
        return content.kind

    def _event(self, problem: SyncProblem, incident_id: int, kind: str, **told: str) -> None:
        incidents.add_event(
            self.connection,
            {
                "incident_id": incident_id,
                "subject": f"sync:{problem.strategy}",
                "kind": "opened",
                "from_level": "ok",
                "to_level": problem.kind,
                "cause": kind,
                "happened_at": self.now,
                "run_id": problem.run.run_id,
                **told,
            },
        )

    def _close(self, strategy: str) -> str | None:
        incident = self.open[strategy]
        good = works_again(strategy, self.runs, since=incident.opened_at)
        if good is None:
            return None
        incidents.resolve(self.connection, incident.incident_id, now=self.now)
        event: dict[str, Any] = {
            "incident_id": incident.incident_id,
            "subject": f"sync:{strategy}",
            "kind": "closed",
            "from_level": incident.level,
            "to_level": "ok",
            "cause": "sync",
            "happened_at": self.now,
            "run_id": good.run_id,
            "no_mail": None if incident.mailed else "its failure was not mailed",
        }
        if incident.mailed:
            content = sync_mails.recovered(strategy, good, since=incident.opened_at)
            event["message_id"] = self._put(
                content, f"incident {incident.incident_id}", good.run_id
            )
        incidents.add_event(self.connection, event)
        return "sync_recovered" if incident.mailed else None

    def _put(self, content: Content, about: str, run_id: int) -> str:
        origin = origin_of(self.settings, self.now, run_id=run_id)
        key = f"{content.kind}:{about}"
        mail, _ = routing.put_one(self.connection, self.settings, content, origin, key)
        return mail.message_id


def write_digest(connection: Connection, settings: Settings, *, now: datetime) -> bool:
    """Write the digest of the account's present day.

    Returns:
        False when it was written before, or nothing was ever evaluated.
    """
    with connection.transaction():
        read_at = critical.evaluated_read_at(connection)
        if read_at is None:
            return False
        make = partial(
            stock_mails.digest,
            flapping=incidents.flapping_since(connection, now - timedelta(days=1)),
            unsent=outbox.given_up_since(connection, now - timedelta(days=7)),
            totals=_order_totals(connection),
        )
        return routing.put(
            connection,
            settings,
            make,
            critical_lines(connection, now=now),
            origin_of(settings, now, read_at),
            dedupe_key=f"digest:{business_day(now, settings.zone)}",
            message_id=new_id(),
        )


def _order_totals(connection: Connection) -> dict[str, str]:
    """Return what the newest plan orders from each vendor, by name, per currency."""
    orders = plan_reads.purchase_plan(connection, None, None).orders
    names = {order["vendor_url"]: order["vendor"] for order in orders}
    totals: dict[str, list[str]] = {}
    for row in plan_reads.vendor_totals(connection, plan_reads.newest_day(connection)):
        if row["total"] is not None and row["vendor_url"] in names:
            amount = money(row["total"], row["currency"])
            totals.setdefault(plain(names[row["vendor_url"]]), []).append(amount)
    return {name: " + ".join(amounts) for name, amounts in totals.items()}
