"""Orders and shipments: what customers asked for per business day, what vendors delivered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from finale_pipeline.domain.packing import Reading
from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.lines import shipment_lines, supplier_ids
from finale_pipeline.finale.records import ORDER, SHIPMENT
from finale_pipeline.finale.wire import Answer, Reject, decode_records, has_list
from finale_pipeline.sync.catalog import Catalogue, Child
from finale_pipeline.sync.incremental import redate_in_zone, sync_incrementally
from finale_pipeline.sync.quantities import current_reading, follow_setting
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.scan import AHEAD, backfill, sync_catalogue
from finale_pipeline.warehouse import demand, receipts, scans, stocking, watermarks
from finale_pipeline.warehouse.store import Counts

HELPERS = [helper for _, helper in ORDER.helpers]
ORDER_COLUMNS = ("order_url", "order_id", "status", "ordered_at", "created_at", "updated_at")
MOVED = ("SHIPMENT_SHIPPED", "SHIPMENT_DELIVERED")
WITH_GOODS = ("SALES_SHIPMENT", "PURCHASE_SHIPMENT")
MOST_SINGLY = 20
"""So many shipments of an answer are read one by one."""
SALES_COLUMNS = (*ORDER_COLUMNS, "sale_source")
TRANSFER_COLUMNS = (*ORDER_COLUMNS, "destination_url", "payload")
PURCHASE_COLUMNS = (*ORDER_COLUMNS, "destination_url", "reference_number", "total", "payload")


class DatedByOrders:
    """Dates the shipments of changed orders anew."""

    def before(self, run: SyncRun, records: str, values: Sequence[object] = ()) -> None:
        """Collect their shipments."""
        demand.begin(run.connection, demand.shipments_of(records), values)

    def after(self, run: SyncRun) -> dict[str, Counts]:
        """Sum the days that they touch."""
        return {demand.TABLE: demand.refresh(run.connection, now=run.clock())}


class Moved:
    """Sums what changed shipments sold, and what they brought for purchase orders."""

    def before(self, run: SyncRun, records: str, values: Sequence[object] = ()) -> None:
        """Collect the shipments, and the orders they belong to now."""
        demand.begin(run.connection, records, values)
        receipts.begin(run.connection, receipts.orders_of(records), values)

    def after(self, run: SyncRun) -> dict[str, Counts]:
        """Sum the days and the orders that they touch."""
        counts = demand.refresh(run.connection, now=run.clock())
        receipts.add(run.connection, receipts.orders_of(demand.COLLECTED))
        receipts.refresh(run.connection)
        return {demand.TABLE: counts}


class Received:
    """Keeps what is open of changed purchase orders."""

    def before(self, run: SyncRun, records: str, values: Sequence[object] = ()) -> None:
        """Collect the orders."""
        receipts.begin(run.connection, records, values)

    def after(self, run: SyncRun) -> dict[str, Counts]:
        """Compare them with their receipts."""
        receipts.refresh(run.connection)
        return {}


def purchases(zone: str) -> Catalogue:
    """Return purchase orders, without their lines."""
    chosen = partial(_purchases, zone=zone)
    return Catalogue(ORDER, "core.purchase_order", chosen=chosen, derived=Received())


def _transfers(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("order_type") == "TRANSFER_ORDER").select(
        *TRANSFER_COLUMNS, *HELPERS
    )


TRANSFER_ORDERS = Catalogue(ORDER, "core.transfer_order", chosen=_transfers)


def orders(zone: str) -> Catalogue:
    """Return sales orders, and purchase and transfer orders out of the same answers.

    Finale looks at 120,000 records before it filters by type, so asking for one type alone could
    lose records without a sign, and asking twice would cost twice.
    """
    return Catalogue(
        ORDER,
        "core.sales_order",
        chosen=partial(_sales, zone=zone),
        siblings=(purchases(zone), TRANSFER_ORDERS),
        derived=DatedByOrders(),
    )


def shipments(zone: str, reading: Reading) -> Catalogue:
    """Return shipments of every type, with their lines.

    Args:
        reading: What quantities beside a packing count.
    """
    return Catalogue(
        SHIPMENT,
        "core.shipment",
        (Child("core.shipment_line", partial(shipment_lines, reading=reading), "items"),),
        partial(_shipments, zone=zone),
        derived=Moved(),
        completed=_with_lines,
    )


def _with_lines(run: SyncRun, answer: Answer) -> Answer:
    """Read shipments singly that moved goods and have no list of lines; else their sales are lost.

    Raises:
        MalformedError: Too many lack it: the answer lost the field itself.
    """
    lacks = answer.frame.filter(
        pl.col("status").is_in(MOVED) & pl.col("items").is_null()
        & pl.col("shipment_type").is_in(WITH_GOODS)
    )["shipment_url"].to_list()  # fmt: skip
    if not lacks:
        return answer
    if len(lacks) > max(MOST_SINGLY, len(answer.frame) // 20):
        raise MalformedError(
            f"{len(lacks)} of {len(answer.frame)} shipments moved and have no lines: the answer"
            " lost them.",
        )
    bodies = [body for url in lacks if (body := run.client.record(SHIPMENT, url)) is not None]
    listed = [body for body in bodies if has_list(body, "shipmentItemList")]
    whole = decode_records(listed, SHIPMENT).frame if listed else answer.frame.clear()
    told = [
        Reject(url, "it moved goods and Finale shows no lines of it")
        for url in set(lacks) - set(whole["shipment_url"])
    ]
    rest = answer.frame.filter(~pl.col("shipment_url").is_in(lacks))
    frame = pl.concat([rest, whole.select(rest.columns)])
    return replace(answer, frame=frame, rejects=[*answer.rejects, *told])


def sync_orders(run: SyncRun) -> None:
    """Bring the headers of all orders up to date."""
    redate_in_zone(run)
    follow_setting(run)
    was_read = watermarks.seen_at(run.connection, "core.sales_order") is not None
    sync_incrementally(run, orders(run.settings.timezone))
    _reread(run, orders(run.settings.timezone), was_read=was_read)
    with run.batch("orders that never come to stock"):
        stocking.mark_orders(run.connection, run.settings.dropship_order_suffixes)


def sync_shipments(run: SyncRun) -> None:
    """Bring shipments, demand and receipts up to date; orders should be."""
    was_read = watermarks.seen_at(run.connection, "core.shipment") is not None
    catalogue = shipments(run.settings.timezone, current_reading(run))
    sync_incrementally(run, catalogue)
    _reread(run, catalogue, was_read=was_read)
    _net_returns(run)


def backfill_orders(run: SyncRun, since: datetime, until: datetime) -> None:
    """Read the orders last changed in [since, until) again."""
    redate_in_zone(run)
    follow_setting(run)
    backfill(run, orders(run.settings.timezone), since, until)


def backfill_shipments(run: SyncRun, since: datetime, until: datetime) -> None:
    """Read the shipments last changed in [since, until) again, and their orders before them."""
    backfill_orders(run, since, until)
    backfill(run, shipments(run.settings.timezone, current_reading(run)), since, until)
    _net_returns(run)


def _reread(run: SyncRun, catalogue: Catalogue, *, was_read: bool) -> None:
    """Read again in a full sync: the last weeks, and once a month all of it.

    What an answer lost once is mended then. Of a window whose answer is that of the last time
    nothing is decoded or written; a scan of all that is interrupted goes on in the next full sync.
    """
    if run.strategy != "full" or not was_read:
        return
    if _is_all_due(run, catalogue):
        sync_catalogue(run, catalogue, mends=True)
    if not run.settings.reread_days:
        return
    now = run.client.source_now()
    since = now - timedelta(days=run.settings.reread_days)
    backfill(run, catalogue, since, now + AHEAD, mends=True)


def _is_all_due(run: SyncRun, catalogue: Catalogue) -> bool:
    days = run.settings.reread_all_days
    if not days:
        return False
    ended_at = scans.last_ended_at(run.connection, catalogue.table)
    # One that ended in the future was noted by a clock that was ahead.
    return ended_at is None or not timedelta() <= run.clock() - ended_at < timedelta(days=days)


def _net_returns(run: SyncRun) -> None:
    with run.batch("what came back"):
        demand.net_returns(run.connection, now=run.clock())


def _day(stamp: pl.Expr, zone: str) -> pl.Expr:
    return stamp.dt.convert_time_zone(zone).dt.date()


def _sales(frame: pl.DataFrame, *, zone: str) -> pl.DataFrame:
    return frame.filter(pl.col("order_type") == "SALES_ORDER").select(
        *SALES_COLUMNS, *HELPERS, _day(pl.col("ordered_at"), zone).alias("ordered_on")
    )


def _purchases(frame: pl.DataFrame, *, zone: str) -> pl.DataFrame:
    frame = frame.filter(pl.col("order_type") == "PURCHASE_ORDER")
    due_at = pl.coalesce("receive_at", "due_at")
    return frame.select(
        *PURCHASE_COLUMNS,
        *HELPERS,
        supplier_ids(frame),
        due_at.alias("due_at"),
        _day(due_at, zone).alias("due_on"),
        _day(pl.col("ordered_at"), zone).alias("ordered_on"),
    )


def _shipments(frame: pl.DataFrame, *, zone: str) -> pl.DataFrame:
    return frame.with_columns(
        _day(pl.coalesce("shipped_at", "created_at"), zone).alias("shipped_on"),
        _day(pl.col("received_at"), zone).alias("received_on"),
    )
