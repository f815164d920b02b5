"""Incidents and their events: written from decisions, and changed by people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finale_pipeline.domain.alerts.incidents import AlertDecision
from finale_pipeline.warehouse.connect import (
    Connection,
    count_of,
    objects_of,
    scalar,
    trusted,
)

DECIDED = (
    "subject", "told", "state", "mailed", "snoozed_until", "even_if_worse", "kind", "from_level",
    "to_level", "cause", "available_units", "threshold_units", "no_mail", "message_id",
)  # fmt: skip
CREATE = """
CREATE TEMP TABLE decided (subject text, told text, state text, mailed text,
    snoozed_until timestamptz, even_if_worse boolean, kind text, from_level text, to_level text,
    cause text, available_units numeric, threshold_units numeric, no_mail text, message_id text)
ON COMMIT DROP
"""
OPEN = """
INSERT INTO ops.incident (subject, state, level, mailed, opened_at)
SELECT subject, state, told, mailed, %(now)s FROM decided d
WHERE state IS NOT NULL AND NOT EXISTS
    (SELECT FROM ops.incident i WHERE i.subject = d.subject AND i.closed_at IS NULL)
ORDER BY subject
"""
EVENTS = """
INSERT INTO ops.incident_event (incident_id, subject, kind, from_level, to_level, cause,
    available_units, threshold_units, happened_at, run_id, message_id, no_mail)
SELECT i.incident_id, d.subject, d.kind, d.from_level, d.to_level, d.cause, d.available_units,
       d.threshold_units, %(now)s, %(run_id)s, d.message_id, d.no_mail
FROM decided d JOIN ops.incident i ON i.subject = d.subject AND i.closed_at IS NULL
WHERE d.kind IS NOT NULL ORDER BY d.subject
"""
CHANGE = """
UPDATE ops.incident i SET level = d.told, mailed = d.mailed, state = d.state,
    snoozed_until = d.snoozed_until, even_if_worse = d.even_if_worse
FROM decided d WHERE i.subject = d.subject AND i.closed_at IS NULL AND d.state IS NOT NULL
  AND (i.level, i.mailed, i.state, i.snoozed_until, i.even_if_worse)
      IS DISTINCT FROM (d.told, d.mailed, d.state, d.snoozed_until, d.even_if_worse)
"""
CLOSE = """
UPDATE ops.incident i SET closed_at = %(now)s, state = 'resolved', level = d.told
FROM decided d WHERE i.subject = d.subject AND i.closed_at IS NULL AND d.state IS NULL
"""


def write(
    connection: Connection,
    decisions: Iterable[AlertDecision],
    *,
    message_ids: Mapping[str, str],
    now: datetime,
    run_id: int,
) -> None:
    """Open, change and close incidents, with their events.

    Args:
        connection: In the transaction of the evaluation.
        message_ids: Mail kind → the message that will tell of it.
    """
    connection.execute(CREATE)
    with connection.cursor().copy(f"COPY decided ({', '.join(DECIDED)}) FROM STDIN") as copy:
        for d in decisions:
            copy.write_row(_row(d, message_ids))
    values = {"now": now, "run_id": run_id}
    for statement in (OPEN, EVENTS, CHANGE, CLOSE):
        connection.execute(statement, values)


def _row(d: AlertDecision, message_ids: Mapping[str, str]) -> tuple[object, ...]:
    stored, event, incident = d.stored, d.event, d.stored.incident
    decided: tuple[object, ...] = (None, None, None, False)
    if incident is not None:
        decided = (
            incident.state, incident.mailed, incident.snoozed_until, incident.even_if_worse
        )  # fmt: skip
    said: tuple[object, ...] = (None,) * 4
    tail: tuple[object, ...] = (None, None)
    if event is not None:
        said = (event.kind, event.from_level, event.to_level, event.cause)
        tail = (event.no_mail, message_ids[event.mail] if event.mail else None)
    numbers = (d.current.available_units, d.current.threshold_units)
    return (d.current.product_url, stored.announced_level, *decided, *said, *numbers, *tail)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides about an incident.

    Attributes:
        state: acknowledged, snoozed, ordered, or open again.
        until: End of a snooze; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep; needs `until`.
    """

    state: str
    actor: str
    note: str | None = None
    until: datetime | None = None
    even_if_worse: bool = False


def choose(connection: Connection, subject: str, choice: Choice, *, now: datetime) -> int | None:
    """Write a person's decision into the open incident of a subject, with its event.

    Returns:
        The incident's number; None when none is open.
    """
    with connection.transaction():
        row = connection.execute(
            "UPDATE ops.incident SET state = %s, note = %s, decided_by = %s, decided_at = %s,"
            " snoozed_until = %s, even_if_worse = %s WHERE subject = %s AND closed_at IS NULL"
            " RETURNING incident_id, level",
            (
                choice.state, choice.note, choice.actor, now, choice.until, choice.even_if_worse,
                subject,
            ),
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        incident_id, level = int(row[0]), row[1]
        kind = "reopened" if choice.state == "open" else choice.state
        add_event(
            connection,
            {
                "incident_id": incident_id, "subject": subject, "kind": kind, "from_level": level,
                "to_level": level, "cause": "person", "happened_at": now,
                "no_mail": "a person decided it", "actor": choice.actor,
            },
        )  # fmt: skip
    return incident_id


@dataclass(frozen=True, slots=True)
class SyncIncident:
    """An open incident of a sync.

    Attributes:
        level: What is wrong: failed, held, stuck.
        mailed: Class of error that a mail told of; None = none was written.
        opened_at: UTC.
    """

    strategy: str
    incident_id: int
    level: str
    mailed: str | None
    opened_at: datetime


OF_SYNCS = "starts_with(subject, 'sync:') AND closed_at IS NULL"


def open_of_syncs(connection: Connection) -> list[SyncIncident]:
    """Return the open incidents of syncs."""
    return objects_of(
        connection,
        SyncIncident,
        "SELECT substr(subject, 6) AS strategy, incident_id, level, mailed, opened_at"
        f" FROM ops.incident WHERE {OF_SYNCS}",
    )


def open_of_sync(
    connection: Connection,
    strategy: str,
    *,
    level: str,
    mailed: str | None,
    note: str | None,
    opened_at: datetime,
) -> int:
    """Open an incident of a sync and return its number. Arguments: as of `SyncIncident`."""
    return count_of(
        connection,
        "INSERT INTO ops.incident (subject, state, level, mailed, opened_at, note)"
        " VALUES (%s, 'open', %s, %s, %s, %s) RETURNING incident_id",
        f"sync:{strategy}", level, mailed, opened_at, note,
    )  # fmt: skip


def that_told_of(connection: Connection, error_kind: str) -> int | None:
    """Return the open incident of a sync whose mail told of a class of error, if any."""
    query = f"SELECT incident_id FROM ops.incident WHERE {OF_SYNCS} AND mailed = %s LIMIT 1"
    return scalar(connection, int, query, error_kind)


def resolve(connection: Connection, incident_id: int, *, now: datetime) -> None:
    """Close an incident."""
    connection.execute(
        "UPDATE ops.incident SET state = 'resolved', closed_at = %s WHERE incident_id = %s",
        (now, incident_id),
    )


def close_syncs_in_silence(connection: Connection) -> None:
    """Let the open incidents of syncs end without a mail: after a restore it may have gone out."""
    connection.execute(trusted(f"UPDATE ops.incident SET mailed = NULL WHERE {OF_SYNCS}"))


def flapping_since(connection: Connection, moment: datetime) -> int:
    """Return how many products went to and fro since a moment."""
    return count_of(
        connection,
        "SELECT count(DISTINCT subject) FROM ops.incident_event WHERE kind = 'flapping'"
        " AND happened_at > %s",
        moment,
    )


def add_event(connection: Connection, values: Mapping[str, Any]) -> None:
    """Write one event.

    Args:
        connection: In the transaction of what it tells of.
    """
    names = (
        "incident_id", "subject", "kind", "from_level", "to_level", "cause", "happened_at",
        "run_id", "message_id", "no_mail", "actor",
    )  # fmt: skip
    connection.execute(
        "INSERT INTO ops.incident_event (incident_id, subject, kind, from_level, to_level, cause,"
        " happened_at, run_id, message_id, no_mail, actor) VALUES (%s, %s, %s, %s, %s, %s, %s, %s,"
        " %s, %s, %s)",
        [values.get(name) for name in names],
    )
