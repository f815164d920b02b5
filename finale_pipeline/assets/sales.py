"""Shipments and purchase orders, by the day of their last change."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.catalog import KINDS, OWNERS, products, vendors
from finale_pipeline.assets.failures import failures
from finale_pipeline.assets.reports import metadata
from finale_pipeline.resources import Finale, at_definition

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun

GROUP = "sales"

change_days = dg.DailyPartitionsDefinition(
    start_date=at_definition("since").isoformat(), end_offset=1
)
"""Days of `lastUpdatedDate`, in UTC; today is among them."""


def _backfill(
    context: dg.AssetExecutionContext,
    finale: Finale,
    asset: str,
    read: "Callable[[SyncRun, datetime, datetime], None]",
) -> Iterator[Any]:
    window = context.partition_time_window
    with (
        failures(context, finale, (asset,)),
        finale.sync(context.run.run_id, asset, ("sales",), trigger="ui") as run,
    ):
        ends_at = min(window.end, run.client.source_now() + timedelta(hours=1))
        read(run, window.start, ends_at)
        yield dg.MaterializeResult(metadata=metadata(run, asset))


@dg.asset(
    partitions_def=change_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[dg.AssetDep(vendors, partition_mapping=dg.AllPartitionMapping())],
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "order"},
    description="Orders whose last change lies on the day: core.purchase_order with its lines (each"
    " open order that changed is read singly), what came of them and what is still to come; and"
    " core.sales_order, which dates the demand. An older version never replaces a newer one.",
)
def purchase_orders(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read the orders of the chosen days again."""
    from finale_pipeline.sync.purchases import backfill_purchases  # noqa: PLC0415

    yield from _backfill(context, finale, "purchase_orders", backfill_purchases)


@dg.asset(
    partitions_def=change_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[
        dg.AssetDep(products, partition_mapping=dg.AllPartitionMapping()),
        dg.AssetDep(purchase_orders, partition_mapping=dg.IdentityPartitionMapping()),
    ],
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "shipment"},
    description="Shipments whose last change lies on the day, with the orders of that day:"
    " core.shipment, shipment_line, and core.sales_daily, the demand per product and business day."
    " Lines are replaced with their shipment, so corrections and cancellations count once.",
)
def shipments(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read the shipments of the chosen days again."""
    from finale_pipeline.sync.sales import backfill_shipments  # noqa: PLC0415

    yield from _backfill(context, finale, "shipments", backfill_shipments)
