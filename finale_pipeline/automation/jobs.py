"""A job per strategy; each tells the assets it brought up to date."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.catalog import catalogue_windows
from finale_pipeline.assets.failures import failures, tell_checks
from finale_pipeline.assets.reports import metadata
from finale_pipeline.assets.stock import snapshot_days
from finale_pipeline.errors import SkippedError
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun

ASSETS = {
    "full": ("facilities", "vendors", "products", "inventory_levels", "critical_items"),
    "inventory": ("inventory_levels", "critical_items"),
    "vendors": ("vendors",),
}
"""The assets that a strategy materializes."""

PARTITIONS: dict[str, dg.PartitionsDefinition[Any]] = {
    "vendors": catalogue_windows,
    "products": catalogue_windows,
    "inventory_levels": snapshot_days,
    "critical_items": snapshot_days,
}


def _sync(context: dg.OpExecutionContext, finale: Finale, strategy: str) -> None:
    from finale_pipeline.sync.strategies import STRATEGIES, TABLE_SETS  # noqa: PLC0415

    def tell(run: "SyncRun", asset: str) -> None:
        said = metadata(run, asset)
        for partition in _partitions(context.instance, run, asset):
            context.log_event(dg.AssetMaterialization(asset, partition=partition, metadata=said))

    trigger = next(
        (name for name in ("schedule", "sensor") if f"dagster/{name}_name" in context.run.tags),
        "ui",
    )
    try:
        with (
            failures(context, finale, ASSETS[strategy]),
            finale.sync(
                context.run.run_id,
                strategy,
                TABLE_SETS[strategy],
                trigger=trigger,
                on_finished=tell,
            ) as run,
        ):
            STRATEGIES[strategy](run)
    except SkippedError as error:
        context.log.warning("Skipped: %s", error.what)
        return
    tell_checks(context, finale, ASSETS[strategy])


def _partitions(instance: dg.DagsterInstance, run: "SyncRun", asset: str) -> list[str | None]:
    """Return the partitions to tell of: those never told of, and the present one.

    A full walk brings all windows up to date; told of each time, they would fill the event log.
    """
    partitions = PARTITIONS.get(asset)
    if partitions is None:
        return [None]
    now: date = run.client.source_now().astimezone(run.settings.zone).date()
    if partitions is snapshot_days:
        return [now.isoformat()]
    done = instance.get_materialized_partitions(dg.AssetKey(asset))
    present = now.replace(day=1).isoformat()
    return [key for key in partitions.get_partition_keys() if key not in done or key == present]


@dg.op(description="Reads every place, vendor, product and all stock; marks removed what is gone.")
def read_everything(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Run the strategy full."""
    _sync(context, finale, "full")


@dg.op(description="Reads the stock of every product.")
def read_stock(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Run the strategy inventory."""
    _sync(context, finale, "inventory")


@dg.op(description="Reads every vendor.")
def read_vendors(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Run the strategy vendors."""
    _sync(context, finale, "vendors")


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"finale/strategy": "full", "dagster/max_runtime": 4 * 3600},
    description="Brings the whole account to the warehouse, and marks removed what is gone.",
)
def full_sync() -> None:
    """The whole account."""
    read_everything()


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"finale/strategy": "inventory", "dagster/max_runtime": 1800},
    description="Brings the stock of every product to the warehouse.",
)
def inventory_sync() -> None:
    """All stock."""
    read_stock()


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"finale/strategy": "vendors", "dagster/max_runtime": 1800},
    description="Brings every vendor to the warehouse.",
)
def vendors_sync() -> None:
    """All vendors."""
    read_vendors()


JOBS = [full_sync, inventory_sync, vendors_sync]
