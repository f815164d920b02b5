"""Turns failed, held, stuck and recovered syncs into incidents and mails; the digest of a morning.

Read from the ledger of runs, not from Dagster: a run that Dagster believes in may be dead, and one
it calls a success may have been held.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from psycopg.rows import class_row

from finale_pipeline.clock import business_day
from finale_pipeline.domain.syncs.outcomes import EndedSync, SyncProblem, trouble_of, works_again
from finale_pipeline.notify import outbox, stock_mails, sync_mails
from finale_pipeline.notify.lines import critical_lines
from finale_pipeline.notify.messages import Content, new_id, origin_of, render
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import incidents, locks
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock

LOOK_BACK = timedelta(days=14)

RUNS = (
    "SELECT run_id, strategy, trigger, status, coalesce(finished_at, heartbeat_at) AS at,"
    " error_kind, error FROM ops.sync_run WHERE coalesce(finished_at, heartbeat_at) > %s"
    " ORDER BY coalesce(finished_at, heartbeat_at), run_id"
)


def watch_syncs(connection: Connection, settings: Settings, *, now: datetime) -> list[str]:
    """Look at the ledger; open incidents of strategies in trouble, close those that work again.

    Returns:
        Kinds of the mails that were written.
    """
    with connection.transaction():
        locks.take_until_commit(connection, Lock.SYNC_WATCH)
        with connection.cursor(row_factory=class_row(EndedSync)) as cursor:
            runs = cursor.execute(RUNS, (now - LOOK_BACK,)).fetchall()
        watch = _Watch(connection, settings, runs, now)
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
        rows = connection.execute(
            "SELECT subject, incident_id, level, mailed, opened_at FROM ops.incident"
            " WHERE subject LIKE 'sync:%' AND closed_at IS NULL"
        ).fetchall()
        self.open: dict[str, Any] = {str(row[0]).removeprefix("sync:"): row[1:] for row in rows}

    def strategies(self) -> list[str]:
        return sorted({run.strategy for run in self.runs} | set(self.open))

    def look(self, strategy: str) -> str | None:
        """Return the kind of the mail that was written about a strategy, if any."""
        if strategy in self.open:
            return self._close(strategy)
        stuck_after = timedelta(minutes=self.settings.stuck_minutes)
        found = trouble_of(strategy, self.runs, now=self.now, stuck_after=stuck_after)
        return self._open(found) if found is not None else None

    def _open(self, found: SyncProblem) -> str | None:
        kind = found.run.error_kind or found.kind
        same = self._told_of(kind)
        row = self.connection.execute(
            "INSERT INTO ops.incident (subject, state, level, mailed, opened_at, note)"
            " VALUES (%s, 'open', %s, %s, %s, %s) RETURNING incident_id",
            (
                f"sync:{found.strategy}", found.kind, None if same else kind, found.run.at,
                found.run.error,
            ),
        ).fetchone()  # fmt: skip
        incident_id = cast("tuple[int]", row)[0]
        if same:
            why = f"incident {same} has the same cause and was mailed"
            self._event(found, incident_id, kind, no_mail=why)
            return None
        content = sync_mails.trouble(found, last_good=self._last_good(found.strategy))
        message_id = self._put(content, f"incident {incident_id}", found.run.run_id)
        self._event(found, incident_id, kind, message_id=message_id)
        return content.kind

    def _told_of(self, kind: str) -> int | None:
        """Return the open incident that told of the same class of error, if any."""
        row = self.connection.execute(
            "SELECT incident_id FROM ops.incident WHERE subject LIKE 'sync:%%'"
            " AND closed_at IS NULL AND mailed = %s LIMIT 1",
            (kind,),
        ).fetchone()
        return cast("int", row[0]) if row else None

    def _event(self, found: SyncProblem, incident_id: int, kind: str, **told: str) -> None:
        incidents.add_event(
            self.connection,
            {
                "incident_id": incident_id, "subject": f"sync:{found.strategy}",
                "kind": "opened", "from_level": "ok", "to_level": found.kind, "cause": kind,
                "happened_at": self.now, "run_id": found.run.run_id, **told,
            },
        )  # fmt: skip

    def _close(self, strategy: str) -> str | None:
        incident_id, level, mailed, opened_at = self.open[strategy]
        good = works_again(strategy, self.runs, since=opened_at)
        if good is None:
            return None
        self.connection.execute(
            "UPDATE ops.incident SET state = 'resolved', closed_at = %s WHERE incident_id = %s",
            (self.now, incident_id),
        )
        event: dict[str, Any] = {
            "incident_id": incident_id, "subject": f"sync:{strategy}", "kind": "closed",
            "from_level": level, "to_level": "ok", "cause": "sync", "happened_at": self.now,
            "run_id": good.run_id, "no_mail": None if mailed else "its failure was not mailed",
        }  # fmt: skip
        if mailed:
            content = sync_mails.recovered(strategy, good, since=opened_at)
            event["message_id"] = self._put(content, f"incident {incident_id}", good.run_id)
        incidents.add_event(self.connection, event)
        return "sync_recovered" if mailed else None

    def _last_good(self, strategy: str) -> datetime | None:
        row = self.connection.execute(
            "SELECT max(finished_at) FROM ops.sync_run WHERE strategy = %s AND status = 'done'",
            (strategy,),
        ).fetchone()
        return cast("datetime | None", row[0]) if row else None

    def _put(self, content: Content, about: str, run_id: int) -> str:
        message_id = new_id()
        origin = origin_of(self.settings, self.now, run_id=run_id)
        outbox.put(
            self.connection, render(content, origin, message_id=message_id),
            dedupe_key=f"{content.kind}:{about}", recipients=self.settings.alert_emails,
            now=self.now, run_id=run_id,
        )  # fmt: skip
        return message_id


def write_digest(connection: Connection, settings: Settings, *, now: datetime) -> bool:
    """Write the digest of the account's present day.

    Returns:
        False when it was written before, or nothing was ever evaluated.
    """
    with connection.transaction():
        row = connection.execute("SELECT read_at FROM ops.evaluation").fetchone()
        if row is None:
            return False
        read_at = cast("datetime", row[0])
        content = stock_mails.digest(
            critical_lines(connection, now=now),
            flapping=_count(
                connection,
                "SELECT count(DISTINCT subject) FROM ops.incident_event WHERE kind = 'flapping'"
                " AND happened_at > %s",
                now - timedelta(days=1),
            ),
            unsent=_count(
                connection,
                "SELECT count(*) FROM ops.outbox WHERE state = 'dead' AND created_at > %s",
                now - timedelta(days=7),
            ),
        )
        return outbox.put(
            connection, render(content, origin_of(settings, now, read_at), message_id=new_id()),
            dedupe_key=f"digest:{business_day(now, settings.zone)}",
            recipients=settings.alert_emails, now=now,
        )  # fmt: skip


def _count(connection: Connection, query: Any, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    return cast("int", row[0]) if row else 0
