"""Critical items of a business day: today's are evaluated and told, past ones only computed."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from finale_pipeline.assets.catalog import KINDS, OWNERS
from finale_pipeline.assets.failures import failures
from finale_pipeline.assets.reports import metadata
from finale_pipeline.assets.stock import TODAYS_STOCK, inventory_levels, snapshot_days
from finale_pipeline.resources import Finale


@dg.asset(
    partitions_def=snapshot_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[dg.AssetDep(inventory_levels, partition_mapping=TODAYS_STOCK)],
    group_name="stock",
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "warehouse"},
    description="Active, stocked products that are out or low: plan.critical_item, with supplier,"
    " contact, suggestion and why. Left out: what is inactive, removed, no GOOD, or marked"
    " doNotReorder at every place. The day of the stored stock is compared with the last"
    " evaluation, and what crossed is mailed once. Past days are computed from core.stock_daily"
    " under the thresholds of today; they send no mail.",
)
def critical_items(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Evaluate the chosen days from what the warehouse holds."""
    from finale_pipeline.sync.critical import deliver_now, evaluate_days  # noqa: PLC0415

    with (
        failures(context, finale, ()),
        finale.sync(context.run.run_id, "critical_items", ("stock",), trigger="ui") as run,
    ):
        evaluate_days(run, [date.fromisoformat(key) for key in context.partition_keys])
        deliver_now(run)
        yield dg.MaterializeResult(metadata=metadata(run, "critical_items"))
