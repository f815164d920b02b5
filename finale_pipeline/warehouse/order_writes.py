"""The ledger of orders we write to Finale: rows change state only from the state we knew."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from finale_pipeline.domain.orders.purchase_orders import Draft, PurchaseLine, body_hash
from finale_pipeline.domain.states import OrderState
from finale_pipeline.errors import SkippedError
from finale_pipeline.text import number
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock

OPEN: tuple[OrderState, ...] = ("intended", "sent", "unverified", "unknown")
"""States whose end is not known yet."""
IN_FINALE = ("created", "differs", "unverified")
MAYBE = ("sent", "unknown")
"""States in which an order may or may not be in Finale."""

SELECT = "SELECT * FROM ops.purchase_order_write"
SHOWN_OF_DRAFT = "reference order_id plan_on vendor_id facility_url total"
SHOWN = (
    "state vendor_url attempts sent_at settled_at order_url finale_status link differences warnings"
    " error"
)


@dataclass(frozen=True, slots=True)
class OrderWrite:
    """A row of ops.purchase_order_write, whose comments say what each column is."""

    draft: Draft
    state: OrderState
    vendor_url: str
    body: str
    attempts: int
    sent_at: datetime | None
    sent_source_at: datetime | None
    settled_at: datetime | None
    order_url: str | None
    finale_status: str | None
    link: str | None
    differences: list[str]
    warnings: list[str]
    error: str | None
    idempotency_key: str | None
    request_hash: str | None

    @property
    def reference(self) -> str:
        """Our key."""
        return self.draft.reference

    def as_dict(self) -> dict[str, Any]:
        """Return what people and programs are told of it."""
        draft = {name: getattr(self.draft, name) for name in SHOWN_OF_DRAFT.split()}
        own = {name: getattr(self, name) for name in SHOWN.split()}
        return draft | {"lines": len(self.draft.lines)} | own


@contextmanager
def only_drafter(connection: Connection) -> Iterator[None]:
    """Hold the lock of who writes or resolves orders; a SkippedError: another process has it."""
    if not locks.try_acquire(connection, Lock.DRAFTING):
        raise SkippedError("Another process drafts or checks purchase orders just now.")
    try:
        yield
    finally:
        if not connection.closed:
            locks.release(connection, Lock.DRAFTING)


def find(connection: Connection, reference: str) -> OrderWrite | None:
    """Return a row by its reference."""
    return next(iter(_read(connection, " WHERE reference = %s", reference)), None)


def of_key(connection: Connection, key: str) -> list[OrderWrite]:
    """Return the rows of a request that its sender named."""
    return _read(connection, " WHERE idempotency_key = %s ORDER BY reference", key)


def of_plan(
    connection: Connection, *, plan_on: date, vendor_id: str, facility_url: str
) -> list[OrderWrite]:
    """Return the orders of a plan, vendor and place, the newest sequence first."""
    return _read(
        connection,
        " WHERE plan_on = %s AND vendor_id = %s AND facility_url = %s ORDER BY sequence DESC",
        plan_on,
        vendor_id,
        facility_url,
    )


def was_ever(connection: Connection, reference: str, state: OrderState) -> bool:
    """Whether an order was once in a state."""
    query = (
        "SELECT 1 FROM ops.purchase_order_write_event WHERE reference = %s AND state = %s LIMIT 1"
    )
    return connection.is_true(query, reference, state)


def open_rows(connection: Connection) -> list[OrderWrite]:
    """Return the orders whose end is not known, the oldest first."""
    where = " WHERE state = ANY (%s) ORDER BY intended_at, reference"
    return _read(connection, where, list(OPEN))


def newest(connection: Connection, *, limit: int) -> list[OrderWrite]:
    """Return the newest orders."""
    return _read(connection, " ORDER BY intended_at DESC, reference LIMIT %s", limit)


def _read(connection: Connection, where: str, *values: object) -> list[OrderWrite]:
    return [_written(row) for row in connection.rows(f"{SELECT}{where}", *values)]


def _written(row: Mapping[str, Any]) -> OrderWrite:
    draft = Draft(
        row["account_name"],
        row["plan_on"],
        row["vendor_id"],
        row["facility_url"],
        msgspec.convert(row["lines"], tuple[PurchaseLine, ...]),
        row["sequence"],
    )
    return OrderWrite(draft, *(row[name] for name in OrderWrite.__slots__ if name != "draft"))


def _stored(lines: Sequence[PurchaseLine]) -> str:
    """Return lines as JSON; numbers as text, which keeps every digit."""
    rows = [
        {
            "product_url": x.product_url,
            "sku": x.sku,
            "quantity_units": number(x.quantity_units),
            "unit_price": None if x.unit_price is None else number(x.unit_price),
            "currency": x.currency,
            "arrival_on": None if x.arrival_on is None else x.arrival_on.isoformat(),
        }
        for x in lines
    ]
    return json.dumps(rows)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent: the order, its vendor, its text, who wants it, what was said.

    A request that its sender named has a key, and the hash of what it asks for.
    """

    draft: Draft
    vendor_url: str
    body: str
    actor: str
    warnings: tuple[str, ...] = ()
    key: str | None = None
    request_hash: str | None = None


def intend(connection: Connection, intent: Intent, *, now: datetime) -> OrderWrite:
    """Write an intent down, over one that never reached Finale; a SkippedError: it was sent."""
    draft, digest = intent.draft, body_hash(intent.body)
    names = (draft.reference, draft.order_id, draft.account, draft.plan_on, intent.vendor_url)
    place = (draft.vendor_id, draft.facility_url, draft.sequence)
    warnings = json.dumps(intent.warnings)
    content = (_stored(draft.lines), draft.total, intent.body, digest, warnings)
    with connection.transaction():
        before = find(connection, draft.reference)
        written = connection.execute(
            "INSERT INTO ops.purchase_order_write (reference, order_id, account_name, plan_on,"
            " vendor_url, vendor_id, facility_url, sequence, state, lines, total, body, body_hash,"
            " warnings, created_by, intended_at, idempotency_key, request_hash) VALUES (%s, %s, %s,"
            " %s, %s, %s, %s, %s, 'intended', %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (reference) DO UPDATE SET state = 'intended', lines = excluded.lines,"
            " total = excluded.total, body = excluded.body, body_hash = excluded.body_hash,"
            " warnings = excluded.warnings, created_by = excluded.created_by,"
            " intended_at = excluded.intended_at, settled_at = NULL, error = NULL,"
            " idempotency_key = coalesce(excluded.idempotency_key,"
            " purchase_order_write.idempotency_key),"
            " request_hash = coalesce(excluded.request_hash, purchase_order_write.request_hash)"
            " WHERE purchase_order_write.state IN ('intended', 'refused')",
            (*names, *place, *content, intent.actor, now, intent.key, intent.request_hash),
        )
        if not written.rowcount:
            raise _raced(draft.reference)
        note = f"{len(draft.lines)} lines, {number(draft.total)}, text {digest[:12]}"
        change = StateChange("intended", intent.actor, note)
        _add_event(connection, draft.reference, before.state if before else None, change, now)
        return _found(connection, draft.reference)


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of state: to which, by whom, what was seen; and columns that change with it."""

    state: OrderState
    actor: str
    detail: str | None = None
    columns: Mapping[str, object] | None = None


FINAL = ("created", "differs", "refused", "abandoned")
COLUMNS = {
    *("sent_at sent_source_at attempts order_url link differences error finale_status").split()
}


def move(
    connection: Connection, row: OrderWrite, change: StateChange, *, now: datetime
) -> OrderWrite:
    """Change an order's state, with its event; a SkippedError: somebody else did meanwhile."""
    columns = dict(change.columns or {})
    if set(columns) - COLUMNS:
        raise AssertionError(columns)
    columns |= {"state": change.state, "settled_at": now if change.state in FINAL else None}
    named = ", ".join(f"{name} = %s" for name in columns)
    values = [json.dumps(v) if isinstance(v, list | tuple) else v for v in columns.values()]
    with connection.transaction():
        changed = connection.execute(
            f"UPDATE ops.purchase_order_write SET {named} WHERE reference = %s AND state = %s"
            " AND attempts = %s",
            [*values, row.reference, row.state, row.attempts],
        )
        if not changed.rowcount:
            raise _raced(row.reference)
        _add_event(connection, row.reference, row.state, change, now)
        return _found(connection, row.reference)


def _add_event(
    connection: Connection, reference: str, before: str | None, change: StateChange, now: datetime
) -> None:
    connection.execute(
        "INSERT INTO ops.purchase_order_write_event (reference, from_state, state, happened_at,"
        " actor, detail) VALUES (%s, %s, %s, %s, %s, %s)",
        (reference, before, change.state, now, change.actor, change.detail),
    )


def _found(connection: Connection, reference: str) -> OrderWrite:
    row = find(connection, reference)
    if row is None:
        raise _raced(reference)
    return row


def _raced(reference: str) -> SkippedError:
    return SkippedError(f"Order {reference} was changed by another process meanwhile.")
