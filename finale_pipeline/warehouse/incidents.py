"""Incidents and their events: written from decisions, and changed by people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime
from typing import Any

from finale_pipeline.domain.alerts.incidents import AlertDecision
from finale_pipeline.warehouse.connect import Connection

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
    """Open, change and close incidents with their events (by mail kind), as they were evaluated."""
    connection.execute(CREATE)
    with connection.cursor().copy("COPY decided FROM STDIN") as copy:
        for d in decisions:
            copy.write_row(_row(d, message_ids))
    values = {"now": now, "run_id": run_id}
    for statement in (OPEN, EVENTS, CHANGE, CLOSE):
        connection.execute(statement, values)


def _row(d: AlertDecision, message_ids: Mapping[str, str]) -> tuple[object, ...]:
    stored, event, incident = d.stored, d.event, d.stored.incident
    person = astuple(incident) if incident else (None, None, None, False)
    what: tuple[object, ...] = (None,) * 4
    tail: tuple[object, ...] = (None, None)
    if event is not None:
        what = (event.kind, event.from_level, event.to_level, event.cause)
        tail = (event.no_mail, message_ids[event.mail] if event.mail else None)
    numbers = (d.current.available_units, d.current.threshold_units)
    return (d.current.product_url, stored.announced_level, *person, *what, *numbers, *tail)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides about an incident.

    Attributes:
        until: End of a snooze; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep; needs `until`.
    """

    state: str
    actor: str
    note: str | None = None
    until: datetime | None = None
    even_if_worse: bool = False


CHOOSE = """
WITH before AS (
    SELECT * FROM ops.incident WHERE subject = ANY (%(subjects)s) AND closed_at IS NULL
    ORDER BY incident_id FOR UPDATE
), made AS (
    INSERT INTO ops.choice (state, note, snoozed_until, made_by, made_at)
    SELECT %(state)s, %(note)s, %(until)s, %(actor)s, %(now)s WHERE EXISTS (SELECT FROM before)
    RETURNING choice_id
), kept AS (
    INSERT INTO ops.choice_item (choice_id, incident_id, state_before, snoozed_until_before,
        even_if_worse_before, note_before, decided_by_before, decided_at_before)
    SELECT choice_id, incident_id, state, snoozed_until, even_if_worse, note, decided_by, decided_at
    FROM before, made
), told AS (
    INSERT INTO ops.incident_event (incident_id, subject, kind, from_level, to_level, cause,
        happened_at, no_mail, actor)
    SELECT incident_id, subject, %(kind)s, level, level, 'person', %(now)s,
           'a person decided it', %(actor)s FROM before ORDER BY incident_id
)
UPDATE ops.incident i SET state = %(state)s, note = %(note)s, decided_by = %(actor)s,
    decided_at = %(now)s, snoozed_until = %(until)s, even_if_worse = %(even_if_worse)s
FROM before b, made WHERE i.incident_id = b.incident_id
RETURNING i.subject, i.incident_id, made.choice_id
"""
UNDO = """
WITH undone AS (
    UPDATE ops.choice SET undone_by = %(actor)s, undone_at = %(now)s
    WHERE choice_id = %(choice)s AND undone_at IS NULL RETURNING *
), restored AS (
    UPDATE ops.incident i SET state = b.state_before, snoozed_until = b.snoozed_until_before,
        even_if_worse = b.even_if_worse_before, note = b.note_before,
        decided_by = b.decided_by_before, decided_at = b.decided_at_before
    FROM ops.choice_item b JOIN undone u USING (choice_id)
    WHERE i.incident_id = b.incident_id AND i.closed_at IS NULL AND i.state = u.state
      AND i.decided_at = u.made_at AND i.decided_by = u.made_by
    RETURNING i.incident_id, i.subject, i.level
)
INSERT INTO ops.incident_event (incident_id, subject, kind, from_level, to_level, cause,
    happened_at, no_mail, actor)
SELECT incident_id, subject, 'reopened', level, level, 'person', %(now)s,
       'a person took a decision back', %(actor)s FROM restored
RETURNING subject
"""
"""What was decided anew since, or is well again, stays as it is."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What became of a choice: its number (None = nothing is open), each incident's by subject."""

    choice_id: int | None
    incidents: dict[str, int]


def choose(
    connection: Connection, subjects: Sequence[str], choice: Choice, *, now: datetime
) -> Chosen:
    """Write a person's decision into the open incidents of some subjects, with their events."""
    kind = "reopened" if choice.state == "open" else choice.state
    values = {"subjects": list(subjects), "kind": kind, "now": now}
    rows = connection.rows(CHOOSE, **asdict(choice), **values)
    choice_id = rows[0]["choice_id"] if rows else None
    return Chosen(choice_id, {row["subject"]: row["incident_id"] for row in rows})


def undo(connection: Connection, choice_id: int, *, actor: str, now: datetime) -> list[str]:
    """Take a choice back and return the subjects that are again what they were before it."""
    return connection.texts(UNDO, choice=choice_id, actor=actor, now=now)


@dataclass(frozen=True, slots=True)
class SyncIncident:
    """An open incident of a sync; `mailed` is the class of error that a mail told of."""

    strategy: str
    incident_id: int
    level: str
    mailed: str | None
    opened_at: datetime


OF_SYNCS = "starts_with(subject, 'sync:') AND closed_at IS NULL"


def open_of_syncs(connection: Connection) -> list[SyncIncident]:
    """Return the open incidents of syncs."""
    return connection.objects(
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
    return connection.count(
        "INSERT INTO ops.incident (subject, state, level, mailed, opened_at, note)"
        " VALUES (%s, 'open', %s, %s, %s, %s) RETURNING incident_id",
        *(f"sync:{strategy}", level, mailed, opened_at, note),
    )


def that_told_of(connection: Connection, error_kind: str) -> int | None:
    """Return the open incident of a sync whose mail told of a class of error, if any."""
    query = f"SELECT incident_id FROM ops.incident WHERE {OF_SYNCS} AND mailed = %s LIMIT 1"
    return connection.scalar(int, query, error_kind)


def resolve(connection: Connection, incident_id: int, *, now: datetime) -> None:
    """Close an incident."""
    connection.execute(
        "UPDATE ops.incident SET state = 'resolved', closed_at = %s WHERE incident_id = %s",
        (now, incident_id),
    )


def close_syncs_in_silence(connection: Connection) -> None:
    """Let the open incidents of syncs end without a mail: after a restore it may have gone out."""
    connection.execute(f"UPDATE ops.incident SET mailed = NULL WHERE {OF_SYNCS}")


def flapping_since(connection: Connection, moment: datetime) -> int:
    """Return how many products went to and fro since a moment."""
    return connection.count(
        "SELECT count(DISTINCT subject) FROM ops.incident_event WHERE kind = 'flapping'"
        " AND happened_at > %s",
        moment,
    )


def add_event(connection: Connection, values: Mapping[str, Any]) -> None:
    """Write one event, in the transaction of what it tells of."""
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    query = f"INSERT INTO ops.incident_event ({names}) VALUES ({marks})"
    connection.execute(query, values)
