"""Reads that were not believed: kept with their difference until a person decides, or they pass."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finale_pipeline.domain.states import HoldState
from finale_pipeline.warehouse.connect import Connection, columns_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What a read that is not believed would change; `lost` of `after` counts records that lose."""

    reasons: Sequence[str]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sample: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Hold:
    """A held read, as it is stored."""

    run_id: int
    subject: str
    reasons: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    sample: list[dict[str, Any]]
    held_at: datetime
    seen_at: datetime
    seen_count: int
    state: HoldState


SELECT = f"SELECT {columns_of(Hold)} FROM ops.hold"


def keep(
    connection: Connection, run_id: int, subject: str, difference: Difference, *, now: datetime
) -> None:
    """Keep a difference; when the subject is held already, note that it was seen again."""
    sums = [json.dumps(part) for part in (difference.before, difference.after, difference.sample)]
    connection.execute(
        "INSERT INTO ops.hold AS h (run_id, subject, reasons, before, after, sample, held_at,"
        " seen_at, seen_count, state) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1, 'open')"
        " ON CONFLICT (subject) WHERE state IN ('open', 'rejected') DO UPDATE SET"
        " seen_at = excluded.seen_at, seen_count = h.seen_count + 1, reasons = excluded.reasons,"
        " before = excluded.before, after = excluded.after, sample = excluded.sample",
        (run_id, subject, list(difference.reasons), *sums, now, now),
    )


def standing(connection: Connection, subject: str) -> Hold | None:
    """Return the subject's hold that no read and no approval has ended yet."""
    return _one(connection, "subject = %s AND state IN ('open', 'rejected')", subject)


def of_run(connection: Connection, run_id: int) -> Hold | None:
    """Return what a run held, or saw to be held still."""
    hold = _one(connection, "run_id = %s", run_id)
    return hold or _one(
        connection,
        "state IN ('open', 'rejected') AND EXISTS (SELECT FROM ops.sync_run r"
        " WHERE r.run_id = %s AND r.status = 'held' AND r.started_at <= seen_at"
        " AND r.started_at >= held_at)",
        run_id,
    )


def all_open(connection: Connection) -> list[Hold]:
    """Return the holds that wait for a person."""
    return connection.objects(Hold, f"{SELECT} WHERE state = 'open' ORDER BY run_id")


def settle(
    connection: Connection, subject: str, state: HoldState, *, now: datetime, by: str | None = None
) -> None:
    """End the subject's standing hold; by nobody where a sync does not know for whom it writes."""
    connection.execute(
        "UPDATE ops.hold SET state = %s, decided_at = %s, decided_by = %s"
        " WHERE subject = %s AND state IN ('open', 'rejected')",
        (state, now, by, subject),
    )


def was_approved(connection: Connection, subject: str, reason: str) -> bool:
    """Whether a person has approved a subject's read once that was held for this reason alone."""
    query = (
        "SELECT count(*) FROM ops.hold WHERE subject = %s AND state = 'approved' AND reasons = %s"
    )
    return connection.is_true(query, subject, [reason])


def note_approver(connection: Connection, hold: Hold, by: str) -> None:
    """Note who approved a hold, once a sync has written it."""
    connection.execute(
        "UPDATE ops.hold SET decided_by = %s"
        " WHERE run_id = %s AND subject = %s AND state = 'approved'",
        (by, hold.run_id, hold.subject),
    )


def _one(connection: Connection, condition: str, value: object) -> Hold | None:
    query = f"{SELECT} WHERE {condition} ORDER BY hold_id DESC LIMIT 1"
    return connection.one(Hold, query, value)
