"""Stock levels of the present day; the past is in the history that earlier reads left."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from finale_pipeline.assets.catalog import KINDS, OWNERS, facilities, products
from finale_pipeline.assets.failures import failures
from finale_pipeline.assets.reports import metadata
from finale_pipeline.resources import Finale, at_definition

snapshot_days = dg.DailyPartitionsDefinition(
    start_date=at_definition("since").isoformat(), timezone=at_definition("timezone"), end_offset=1
)
"""Business days in the account's zone; today is among them."""

stock_days = dg.DailyPartitionsDefinition(
    start_date=(at_definition("stock_since") or at_definition("since")).isoformat(),
    timezone=at_definition("timezone"),
    end_offset=1,
)
"""The business days whose stock was or can be read; earlier ones would stay empty for ever."""


TODAYS_STOCK = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
"""For assets of a business day that begin before stock was first read."""


@dg.asset(
    partitions_def=stock_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[facilities, dg.AssetDep(products, partition_mapping=dg.AllPartitionMapping())],
    group_name="stock",
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "inventoryitem"},
    description="Stock of every product today, and its history. Ask mart.stock, stock_by_location"
    " and stock_daily; the tables are core.stock_entry, stock_level, stock_level_by_location and"
    " stock_daily. A read that is empty, cut or suspiciously smaller changes nothing, is repeated,"
    " and is then held for a person. Finale shows only the present: a past day cannot be read.",
)
def inventory_levels(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read all stock of today."""
    from finale_pipeline.sync import critical  # noqa: PLC0415 - nothing at import
    from finale_pipeline.sync.stock import sync_stock  # noqa: PLC0415

    with (
        failures(context, finale, ("inventory_levels",)),
        finale.sync(context.run.run_id, "inventory", ("stock",), trigger="ui") as run,
    ):
        critical.evaluate_left_behind(run)
        sync_stock(run, only_on=[date.fromisoformat(key) for key in context.partition_keys])
        said = metadata(run, "inventory_levels")
        critical.evaluate_critical(run)
        critical.deliver_now(run)
        yield dg.MaterializeResult(metadata=said)
