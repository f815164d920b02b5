"""`finale watch`: a dead man's switch, for cron or a timer; it needs no part of Dagster alive.

It tells through the outbox; while the database does not answer, it sends by itself. Each outage
is told once, and its end once.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from finale_pipeline.clock import utc_now
from finale_pipeline.domain.alerts.deadman import Outage, Trouble, after_telling, to_tell
from finale_pipeline.domain.alerts.quiet_hours import quiet_until
from finale_pipeline.errors import PipelineError
from finale_pipeline.health import rules, scheduling, watch_state
from finale_pipeline.health.findings import NOT_WELL, Finding
from finale_pipeline.health.watch_state import Memory, Unsent
from finale_pipeline.notify import routing, watch_mails
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.notify.messages import Content, new_id, origin_of, render
from finale_pipeline.notify.sender import files_of, sender_of
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import locks, outages, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_errors, running_url
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.outbox import Message, Waiting
from finale_pipeline.warehouse.reads import health as health_reads
from finale_pipeline.warehouse.reads import mails


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look found and did.

    Attributes:
        notes: What keeps it from being well and is no trouble to mail about, yet or again.
    """

    troubles: list[Trouble]
    outage: Outage | None
    did: str = ""
    unsent: Unsent | None = None
    notes: tuple[Finding, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or NOT_WELL."""
        return NOT_WELL if self.troubles or self.notes else 0

    def as_dict(self) -> dict[str, Any]:
        """Return it by name; the names are promised."""
        outage = self.outage
        return {
            "fine": not self.troubles and not self.notes,
            "troubles": self.troubles,
            "notes": self.notes,
            "told_since": outage.opened_at.isoformat() if outage else None,
            "did": self.did,
        }


def watch(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Watched:
    """Look once, and tell what is to be told."""
    with watch_state.recalled(settings.home, now=clock()) as last:
        try:
            with _connected(settings) as connection, database_errors("looking at the ledger"):
                watched = _by_outbox(connection, settings, last, clock)
        except PipelineError as error:
            watched = _by_itself(settings, last, error, clock())
        after = replace(last, outage=watched.outage, unsent=watched.unsent)
        if not watch_state.write(settings.home, after):
            forgets = "This look could not be noted on disk: what it told may be told again."
            watched = replace(watched, did=f"{watched.did} {forgets}".strip())
    return watched


@contextmanager
def _connected(settings: Settings) -> Iterator[Connection]:
    """Connect without starting anything, and not for long."""
    with connect(running_url(settings), name="finale watch") as connection:
        connection.execute("SET statement_timeout = '60s'")
        schema.require_current(connection)
        yield connection


def _by_outbox(
    connection: Connection, settings: Settings, last: Memory, clock: Callable[[], datetime]
) -> Watched:
    now = clock()
    troubles = scheduling.troubles(connection, settings, since=last.began_at, now=now)
    with connection.transaction():
        locks.acquire_until_commit(connection, Lock.DEADMAN)
        open_one = outages.open_one(connection)
        outage = open_one.joined(last.outage) if open_one else last.outage
        message: Message | None = None
        if news := to_tell(outage, troubles):
            outage = after_telling(outage, troubles, now=now)
            outages.keep(connection, outage)
            key = watch_mails.silent_key(outage)
            message = _put(connection, settings, watch_mails.silent(troubles), key, now)
        elif outage is not None and not troubles:
            outages.close(connection, now=now)
            key = watch_mails.recovered_key(outage)
            message = _put(connection, settings, watch_mails.recovered(outage), key, now)
            outage = None
    did = _sent(connection, settings, message, clock) if message else ""
    deliver(connection, settings, clock=clock)  # a dead daemon must not keep other mails back
    news_text = f"{len(news)} troubles" if news else "that all is well again"
    counts = health_reads.run_counts(connection, now=now)
    looked = (*rules.source(connection, counts, now=now), *rules.clock(connection, now=now))
    notes = tuple(f for f in looked if f.state != "ok")
    return Watched(troubles, outage, f"Told {news_text}: {did}." if message else "", notes=notes)


def _put(
    connection: Connection, settings: Settings, content: Content, key: str, now: datetime
) -> Message | None:
    origin = origin_of(settings, now)
    message, is_new = routing.put_one(connection, settings, content, origin, key)
    return message if is_new else None


def _sent(
    connection: Connection, settings: Settings, message: Message, clock: Callable[[], datetime]
) -> str:
    """Send a mail before all that waits; where the service is sick, a file says it too."""
    deliver(connection, settings, clock=clock, only=message.message_id)
    mail = mails.outcome(connection, message.message_id)
    state, error = mail["state"], mail["last_error"]
    if state == "pending":
        files_of(settings).send(
            Waiting.of(message, settings.alert_emails, clock()), settings.alert_emails
        )
    return f"the mail is {state}" + (f" ({error})" if error else "")


def _by_itself(settings: Settings, last: Memory, error: PipelineError, now: datetime) -> Watched:
    """Tell without the outbox: through the same service, or as a file."""
    trouble = Trouble("database", error.what, error.step)
    as_before = Watched([trouble], last.outage, unsent=last.unsent)
    if not to_tell(last.outage, [trouble]):
        return as_before
    if quiet_until(settings.quiet_hours, now, settings.zone) is not None:
        return replace(as_before, did="It is told when the quiet hours end.")
    unsent = last.unsent or Unsent(new_id(), now)
    origin = origin_of(settings, unsent.written_at)
    message = render(watch_mails.silent([trouble]), origin, message_id=unsent.message_id)
    mail = Waiting.of(message, settings.alert_emails, unsent.written_at)
    outcome = sender_of(settings).send(mail, settings.alert_emails)
    is_unknown = outcome.verdict == "unknown"
    if (outcome.verdict == "done" and outcome.accepted) or (is_unknown and unsent.is_unknown):
        outage = after_telling(last.outage, [trouble], now=now)
        return Watched([trouble], outage, f"Told by {_channel(settings)}.")
    is_file = files_of(settings).send(mail, settings.alert_emails).verdict == "done"
    why = outcome.error or json.dumps(dict(outcome.refused or {}))
    where = f"It is in {settings.home / 'outbox'}, and" if is_file else "It is"
    did = f"Not told: {why}. {where} tried again at the next look."
    return replace(as_before, did=did, unsent=replace(unsent, is_unknown=is_unknown))


def _channel(settings: Settings) -> str:
    if not settings.sends_mail:
        return f"a file in {settings.home / 'outbox'}"
    return "SendGrid" if settings.sendgrid_api_key is not None else "SMTP"


def shown(watched: Watched) -> str:
    """Return what a look found as lines to read."""
    lines = [_line(t) for t in watched.troubles]
    lines += [f"{note.what:10} {note.says}\n{'':10} {note.step}".rstrip() for note in watched.notes]
    lines = lines or ["well       syncs, daemon, mails, database"]
    return "\n".join([*lines, *([watched.did] if watched.did else [])])


def _line(trouble: Trouble) -> str:
    suffix = f" (told already: {trouble.told_by})" if trouble.told_by else ""
    return f"{trouble.kind:10} {trouble.says}{suffix}\n{'':10} {trouble.step}"
