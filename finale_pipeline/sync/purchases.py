"""Lines of purchase orders, read one order at a time, and only for those that changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from finale_pipeline.finale.lines import order_lines
from finale_pipeline.finale.records import ORDER
from finale_pipeline.finale.wire import Reject, decode_records
from finale_pipeline.sync.catalog import write
from finale_pipeline.sync.quantities import current_reading, learn_of_orders
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.sales import backfill_orders, purchases
from finale_pipeline.warehouse import purchase_lines, receipts
from finale_pipeline.warehouse.purchase_lines import UnreadLines
from finale_pipeline.warehouse.store import HASH, Counts, TableWriter, hashed

ORDERS = "core.purchase_order"
LINES = "core.purchase_order_line"
WANTED: dict[str, Any] = {
    "order_url": pl.String, "updated_at": pl.Datetime("us", "UTC"), "items": pl.String,
    "total": pl.Float64,
}  # fmt: skip
BATCH = 50
"""Orders whose lines are written in one transaction."""


def sync_lines(run: SyncRun) -> None:
    """Read the lines of orders that are drafts or committed, and changed since their last read.

    What is completed or cancelled keeps the lines it had: nothing of it is still to come. Only
    lines that a version before stored without their packings are read once more.
    """
    unread = purchase_lines.unread(run.connection)
    for start in range(0, len(unread), BATCH):
        batch = unread[start : start + BATCH]
        step = f"lines of purchase order {start + 1} of {len(unread)}"
        sent = [order for order in batch if order.items is not None]
        if sent:
            learn_of_orders(run, pl.DataFrame(sent, schema=WANTED))
            with run.batch(step):
                counts = _write_lines(run, pl.DataFrame(sent, schema=WANTED))
            run.add(LINES, counts)
        _read_singly(run, [order for order in batch if order.items is None], step)


def backfill_purchases(run: SyncRun, since: datetime, until: datetime) -> None:
    """Read the orders last changed in [since, until) again, and lines that are wanting."""
    backfill_orders(run, since, until)
    sync_lines(run)


def _read_singly(run: SyncRun, unread: Sequence[UnreadLines], step: str) -> None:
    """Read orders one by one; a header that is newer by now goes in with its lines."""
    catalogue = purchases(run.settings.timezone)
    bodies: list[bytes] = []
    rejects: list[Reject] = []
    for order in unread:
        body = run.client.record(ORDER, order.order_url)
        if body is None:
            rejects.append(Reject(order.order_url, "Finale lists this order and does not show it"))
        else:
            bodies.append(body)
    answer = decode_records(bodies, ORDER)
    rejects += answer.rejects
    learn_of_orders(run, answer.frame)
    expected = pl.DataFrame(unread, schema=WANTED).select("order_url", known_at="updated_at")
    frame = catalogue.prepared(answer.frame).join(expected, on="order_url")
    newer = frame.filter(pl.col("updated_at") > pl.col("known_at")).drop("known_at")
    with run.batch(step):
        headers = write(run, catalogue, newer, pl.Series(HASH, [], dtype=pl.Int64), rejected=0)
        current = frame.filter(pl.col("updated_at") >= pl.col("known_at"))
        counts = _write_lines(run, current.select(list(WANTED)))
        purchase_lines.note_not_shown(run.connection, [r.key for r in rejects if r.key])
        run.keep_rejects(LINES, [*rejects, *answer.notes])
    for table, changed in headers.counts.items():
        run.add(table, changed)
    run.add(LINES, counts + Counts(read=len(rejects), rejected=len(rejects)))


def _write_lines(run: SyncRun, orders: pl.DataFrame) -> Counts:
    """Replace the lines of orders, in the open transaction.

    Args:
        orders: order_url, updated_at, items, total.
    """
    connection = run.connection
    rows = order_lines(orders, current_reading(run))
    owner, writer = TableWriter(connection, ORDERS), TableWriter(connection, LINES)
    owner.copy(orders.select("order_url", "updated_at"))
    writer.copy(hashed(rows))
    removed = writer.delete_others_of(owner)
    merged = writer.merge(now=run.clock())
    purchase_lines.note_read(connection, owner.stage)
    receipts.begin(connection, f"SELECT order_url FROM {owner.stage}")
    receipts.refresh(connection)
    unchanged = len(rows) - merged.inserted - merged.updated
    return Counts(len(rows), merged.inserted, merged.updated, unchanged, removed)
