"""Counts completed sales orders of which no shipment moved, by their lines.

Some integrations complete an order when the parcel ships and leave Finale's shipment as it was.
"""

from datetime import timedelta

import polars as pl

from finale_pipeline.finale.lines import order_lines
from finale_pipeline.finale.records import ORDER
from finale_pipeline.finale.wire import Reject, decode_records
from finale_pipeline.sync.quantities import current_reading, learn_of_orders
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import unshipped
from finale_pipeline.warehouse.store import TableWriter, hashed

OLDEST = timedelta(days=400)
"""Orders before are left out: demand looks back about a year."""
MOST = 300
"""Orders read in one sync; each costs a request, and the next sync goes on."""


def sync_unshipped(run: SyncRun) -> None:
    """Read the lines of such orders; what stands in for goods that moved after all goes."""
    with run.batch("orders without a moved shipment"):
        unshipped.drop_needless(run.connection, now=run.clock())
    if not run.settings.count_unshipped_orders:
        return
    since = (run.client.source_now() - OLDEST).date()
    orders = unshipped.orders_to_read(run.connection, since=since, most=MOST)
    if not orders:
        return
    bodies, rejects = [], []
    for url in orders:
        body = run.client.record(ORDER, url)
        if body is None:
            rejects.append(Reject(url, "Finale lists this order and does not show it"))
        else:
            bodies.append(body)
    answer = decode_records(bodies, ORDER)
    learn_of_orders(run, answer.frame)
    with run.batch(f"lines of {len(orders)} orders without a moved shipment"):
        _write(run, answer.frame)
        unshipped.note_read(run.connection, orders)
        run.keep_rejects("core.sales_order", [*rejects, *answer.rejects, *answer.notes])


def _write(run: SyncRun, orders: pl.DataFrame) -> None:
    """Write what stands in for their shipments, in the open transaction."""
    lines = order_lines(orders, current_reading(run)).select(
        shipment_url=pl.col("order_url") + "#lines",
        position="position",
        product_url="product_url",
        sku="sku",
        units="quantity_units",
        packing="packing",
    )
    zone = run.settings.timezone
    shipments = orders.select(
        "order_url",
        "created_at",
        "updated_at",
        shipment_url=pl.col("order_url") + "#lines",
        shipment_type=pl.lit(unshipped.LINES),
        status=pl.lit("SHIPMENT_SHIPPED"),
        shipped_at="ordered_at",
        shipped_on=pl.col("ordered_at").dt.convert_time_zone(zone).dt.date(),
    )
    owner = TableWriter(run.connection, "core.shipment")
    writer = TableWriter(run.connection, "core.shipment_line")
    owner.copy(hashed(shipments))
    owner.merge(now=run.clock())
    writer.copy(hashed(lines))
    writer.delete_others_of(owner)
    writer.merge(now=run.clock())
    unshipped.count(run.connection, orders["order_url"].to_list(), now=run.clock())
