"""The outbox: a mail is written in the transaction of its reason, and delivered afterwards.

A mail that is about to leave is marked so in a transaction of its own, under a lock that dies with
its sender. So a crash leaves either a waiting mail, or one whose outcome nobody knows: the second
is repeated once, under the same message id.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import datetime, timedelta

from finale_pipeline.domain.states import WAITING, MailState
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection, columns_of
from finale_pipeline.warehouse.locks import Lock

IS_WAITING = f"state IN {WAITING}"
"""In SQL; the outbox has an index of them."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=15)
DEFERRED_FOR = timedelta(days=3)
"""So long an address may put a mail off, as mail servers do with each other; then it is refused."""
STALE = timedelta(hours=1)
"""Stock mails that waited longer are merged, when there are several."""


STOCK_NEWS = ("out_of_stock", "reorder_needed", "back_in_stock", "catch_up")
"""Mails about single crossings: when several waited long, one present digest says it instead."""


@dataclass(frozen=True, slots=True)
class Message:
    """A mail, ready for the outbox; its fields are columns of ops.outbox."""

    message_id: str
    kind: str
    subject: str
    body_text: str
    body_html: str
    attachment_name: str | None = None
    attachment: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Message):
    """A mail that was claimed for delivery, of ops.outbox; `attempts` counts this one, too."""

    outbox_id: int
    recipients: list[str]
    delivered: list[str]
    refused: dict[str, str]
    attempts: int
    unknown_outcomes: int
    created_at: datetime

    @classmethod
    def of(cls, message: Message, recipients: Sequence[str], now: datetime) -> "Waiting":
        """Return a mail that is in no outbox, as it is sent for the first time."""
        return cls(
            **asdict(message),
            outbox_id=0,
            recipients=[*recipients],
            delivered=[],
            refused={},
            attempts=1,
            unknown_outcomes=0,
            created_at=now,
        )

    @property
    def left(self) -> list[str]:
        """Addresses that have not got it and were not refused."""
        answered = {*self.delivered, *self.refused}
        return [address for address in self.recipients if address not in answered]


def put(
    connection: Connection,
    message: Message,
    *,
    dedupe_key: str,
    recipients: Sequence[str],
    now: datetime,
    run_id: int | None = None,
    route: str | None = None,
) -> bool:
    """Write a mail in the transaction of its reason; False when the same was written before."""
    inserted = connection.execute(
        f"INSERT INTO ops.outbox ({columns_of(Message)},"
        " dedupe_key, recipients, state, next_attempt_at, run_id, created_at, route)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'pending', %s, %s, %s, %s)"
        " ON CONFLICT (dedupe_key) DO NOTHING",
        (*astuple(message), dedupe_key, list(recipients), now, run_id, now, route),
    )
    return inserted.rowcount > 0


# The order of mails is kept: while the oldest waits for a sick service, the others wait with it.
# One that waits for some of its addresses alone is passed by.
NEXT = (
    "SELECT outbox_id, next_attempt_at <= %(now)s FROM ops.outbox WHERE state = 'pending'"
    " AND (%(only)s::text IS NULL OR message_id = %(only)s)"
    " AND NOT (is_deferred AND next_attempt_at > %(now)s)"
    " ORDER BY outbox_id LIMIT 1 FOR UPDATE SKIP LOCKED"
)
CLAIM = (
    "UPDATE ops.outbox SET state = 'sending', attempts = attempts + 1 WHERE outbox_id = %s"
    f" RETURNING {columns_of(Waiting)}"
)


def claim(connection: Connection, *, now: datetime, only: str | None = None) -> Waiting | None:
    """Take the oldest mail when it is due, or a certain one, and say so before it leaves.

    Call `settle` afterwards; when this process dies before, `recover` finds the mail.
    """
    with connection.transaction():
        row = connection.execute(NEXT, {"now": now, "only": only}).fetchone()
        if row is None or not row[1]:
            return None
        # Nobody else has it: whoever sends a mail holds it in the state `sending`.
        locks.acquire(connection, Lock.MAIL, row[0])
        return connection.one(Waiting, CLAIM, row[0])


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """How an attempt ended.

    Attributes:
        accepted: Addresses the service took it for.
        refused: Addresses it refuses for good, and why.
        error: What went wrong with the attempt as a whole; None = nothing.
        verdict: done; later = it was certainly not taken; unknown = it may have been; dead = no
            repeat can help.
        wait: The service's own word on when to come again.
        is_service_well: Whether `later` is about some addresses alone: other mails need not wait.
    """

    accepted: Sequence[str] = ()
    refused: Mapping[str, str] | None = None
    error: str | None = None
    verdict: str = "done"
    wait: timedelta | None = None
    is_service_well: bool = False


def settle(
    connection: Connection, mail: Waiting, outcome: SendOutcome, *, now: datetime
) -> MailState:
    """Write how an attempt ended and return the mail's state: sent, pending or dead."""
    delivered = [*mail.delivered, *outcome.accepted]
    refused = {**mail.refused, **(outcome.refused or {})}
    if outcome.is_service_well and now - mail.created_at >= DEFERRED_FOR:
        unanswered = [a for a in mail.recipients if a not in {*delivered, *refused}]
        refused |= dict.fromkeys(
            unanswered, f"put off for {DEFERRED_FOR.days} days: {outcome.error}"
        )
        outcome = replace(outcome, verdict="done", is_service_well=False)
    unknown = mail.unknown_outcomes + (outcome.verdict == "unknown")
    state, error = _state(outcome, unknown, delivered=delivered, refused=refused)
    connection.execute(
        "UPDATE ops.outbox SET state = %s, delivered = %s, refused = %s, unknown_outcomes = %s,"
        " last_error = %s, next_attempt_at = %s, sent_at = %s, is_deferred = %s"
        " WHERE outbox_id = %s AND state = 'sending'",
        (
            state,
            delivered,
            json.dumps(refused),
            unknown,
            error,
            now + (outcome.wait or _pause(mail.attempts)),
            now if state == "sent" else None,
            outcome.is_service_well,
            mail.outbox_id,
        ),
    )
    locks.release(connection, Lock.MAIL, mail.outbox_id)
    return state


def _state(
    outcome: SendOutcome, unknown: int, *, delivered: Sequence[str], refused: Mapping[str, str]
) -> tuple[MailState, str | None]:
    named = "; ".join(f"{address}: {why}" for address, why in refused.items())
    if outcome.verdict == "done":
        if delivered:
            return "sent", f"refused for {named}" if named else None
        return "dead", f"every address is refused: {named}"
    if outcome.verdict == "dead":
        return "dead", outcome.error
    if unknown > 1:
        return "dead", f"{outcome.error}; twice, so it may have arrived or not"
    return "pending", outcome.error


def _pause(attempts: int) -> timedelta:
    """Return a growing pause; the first repeats come soon."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 10)))


def recover(connection: Connection, *, now: datetime) -> int:
    """Repeat mails once whose sender died sending, or give them up loudly; return how many."""
    with connection.transaction():
        rows = connection.execute(
            "SELECT outbox_id FROM ops.outbox WHERE state = 'sending'"
            " AND pg_try_advisory_xact_lock(%s, outbox_id::int) FOR UPDATE SKIP LOCKED",
            (Lock.MAIL,),
        ).fetchall()
        connection.execute(
            "UPDATE ops.outbox SET unknown_outcomes = unknown_outcomes + 1, next_attempt_at = %s,"
            " state = CASE WHEN unknown_outcomes > 0 THEN 'dead' ELSE 'pending' END,"
            " last_error = 'the sender died while it sent; it may have arrived or not'"
            " WHERE outbox_id = ANY (%s) AND state = 'sending'",
            (now, [row[0] for row in rows]),
        )
    return len(rows)


def hold(connection: Connection, *, until: datetime | None) -> None:
    """Hold what waits until the end of the quiet hours; outside of them let it go."""
    if until is None:
        connection.execute("UPDATE ops.outbox SET state = 'pending' WHERE state = 'held'")
        return
    connection.execute(
        "UPDATE ops.outbox SET state = 'held', next_attempt_at = greatest(next_attempt_at, %s)"
        " WHERE state = 'pending' AND kind <> 'test'",
        (until,),
    )


def stale(connection: Connection, *, now: datetime) -> list[tuple[str, str]]:
    """Lock stock mails to merge (message_id, dedupe_key); none unless several waited for long.

    A mail that may have arrived is left alone: its own repeat is recognisable, a merged one is not.
    """
    rows = connection.execute(
        "SELECT message_id, dedupe_key, created_at FROM ops.outbox WHERE state = 'pending'"
        " AND kind = ANY (%s) AND unknown_outcomes = 0 AND delivered = '{}' AND route IS NULL"
        " AND next_attempt_at <= %s ORDER BY outbox_id FOR UPDATE SKIP LOCKED",
        (list(STOCK_NEWS), now),
    ).fetchall()
    if len(rows) < 2 or now - rows[0][2] < STALE:  # noqa: PLR2004 - several
        return []
    return [(message_id, key) for message_id, key, _ in rows]


def waiting_picture(connection: Connection, *, now: datetime) -> tuple[str, int] | None:
    """Lock the mail that speaks for merged ones, if due; return its message_id and their count."""
    return connection.execute(
        "SELECT o.message_id, (SELECT count(*) FROM ops.outbox m"
        " WHERE m.merged_into = o.message_id) FROM ops.outbox o WHERE o.state = 'pending'"
        " AND o.kind = 'catch_up' AND o.unknown_outcomes = 0 AND o.delivered = '{}'"
        " AND o.next_attempt_at <= %s AND EXISTS (SELECT FROM ops.outbox m"
        " WHERE m.merged_into = o.message_id) ORDER BY outbox_id LIMIT 1 FOR UPDATE SKIP LOCKED",
        (now,),
    ).fetchone()


def rewrite(connection: Connection, message: Message) -> None:
    """Let a mail that nobody has got yet say something newer."""
    connection.execute(
        "UPDATE ops.outbox SET subject = %s, body_text = %s, body_html = %s, attachment_name = %s,"
        " attachment = %s WHERE message_id = %s",
        (*astuple(message)[2:], message.message_id),
    )


def mark_merged(connection: Connection, messages: Sequence[str], *, into: str) -> None:
    """Let one mail speak for several, and for those that they spoke for already."""
    connection.execute(
        "UPDATE ops.outbox SET state = 'merged', merged_into = %s, last_error = NULL"
        " WHERE message_id = ANY (%s) OR merged_into = ANY (%s)",
        (into, list(messages), list(messages)),
    )


def revive(connection: Connection, message_id: str | None, *, now: datetime) -> int:
    """Let dead mails be tried again, one or all: a person has mended the cause. Return how many."""
    return connection.execute(
        "UPDATE ops.outbox SET state = 'pending', next_attempt_at = %s, unknown_outcomes = 0,"
        " refused = '{}' WHERE state = 'dead' AND (%s::text IS NULL OR message_id = %s)",
        (now, message_id, message_id),
    ).rowcount


def given_up_since(connection: Connection, moment: datetime) -> int:
    """Return how many mails that were written since a moment were given up."""
    query = "SELECT count(*) FROM ops.outbox WHERE state = 'dead' AND created_at > %s"
    return connection.count(query, moment)


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A mail that waits: its identity, when it was written, and its subject."""

    message_id: str
    created_at: datetime
    subject: str


def waiting(connection: Connection) -> list[WaitingMail]:
    """Return the mails that wait, the oldest first."""
    query = (
        f"SELECT {columns_of(WaitingMail)} FROM ops.outbox WHERE {IS_WAITING} ORDER BY outbox_id"
    )
    return connection.objects(WaitingMail, query)


def subjects_of(connection: Connection, messages: Sequence[str]) -> list[str]:
    """Return what some mails, and those that they speak for, are about."""
    return connection.texts(
        "SELECT DISTINCT e.subject FROM ops.incident_event e JOIN ops.outbox o"
        " USING (message_id) WHERE o.message_id = ANY (%(ids)s) OR o.merged_into = ANY (%(ids)s)",
        ids=list(messages),
    )


def recipients_of(connection: Connection, message_id: str) -> list[str]:
    """Return who gets a mail."""
    query = "SELECT recipients FROM ops.outbox WHERE message_id = %s"
    return connection.scalar(list, query, message_id) or []
