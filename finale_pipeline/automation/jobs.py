"""A job per strategy; each tells the assets it brought up to date."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.catalog import catalogue_windows
from finale_pipeline.assets.failures import failures, tell_checks
from finale_pipeline.assets.purchasing import plan_today
from finale_pipeline.assets.reports import TABLES, metadata
from finale_pipeline.assets.sales import change_days
from finale_pipeline.assets.stock import snapshot_days, stock_days
from finale_pipeline.clock import business_day
from finale_pipeline.errors import SkippedError
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.leases import Progress

PARTITIONS: dict[str, dg.PartitionsDefinition[Any]] = {
    "vendors": catalogue_windows,
    "products": catalogue_windows,
    "inventory_levels": stock_days,
    "critical_items": snapshot_days,
    "shipments": change_days,
    "purchase_orders": change_days,
}
PLANNED = ("active", "full")
"""Strategies after which today is planned anew."""
ASKED_AT = "finale/asked_at"
"""Tag of a run: when it was due."""
TOLD = 0.1
"""Share of the work after which the run's log says again how far it is."""

DESCRIPTIONS = {
    "critical": "Reads all stock, for what runs out; the fastest.",
    "inventory": "Reads all places and all stock.",
    "active": "Reads what changed of places, vendors, products in use and sales, and all stock.",
    "full": "Reads the whole account, and marks removed what is gone.",
    "vendors": "Reads all vendors.",
    "sales": "Reads orders and shipments that changed; the first time all history.",
    "smart": "Runs the strategy that fits the age of the last good sync, and says why.",
}
HOURS = {
    "critical": 0.5,
    "inventory": 0.5,
    "active": 2,
    "full": 4,
    "vendors": 0.5,
    "sales": 4,
    "smart": 4,
}
"""Longest time a job may take before Dagster ends it; the last of several nets."""


class _Teller:
    """Tells Dagster how a sync goes."""

    def __init__(self, context: dg.OpExecutionContext) -> None:
        self._context = context
        self._told = 0.0

    def asset(self, run: "SyncRun", asset: str) -> None:
        """Tell that an asset's tables were read to the end."""
        said = metadata(run, asset)
        for partition in _partitions(self._context.instance, run, asset):
            event = dg.AssetMaterialization(asset, partition=partition, metadata=said)
            self._context.log_event(event)

    def progress(self, far: "Progress") -> None:
        """Tell how far it is, every tenth of the way."""
        if far.share is None or far.share < self._told + TOLD:
            return
        self._told = far.share
        batches = f", batch {far.batch} of {far.batches}" if far.batch else ""
        eta = f", done about {far.eta_at:%H:%M:%S} UTC" if far.eta_at else ""
        self._context.log.info(
            "%.0f %%%s, %s rows: %s%s", far.share * 100, batches, f"{far.rows:,}", far.step, eta
        )


def _sync(context: dg.OpExecutionContext, finale: Finale, wanted: str) -> None:
    from finale_pipeline.sync.strategies import ASSETS, STRATEGIES, TABLE_SETS  # noqa: PLC0415

    strategy, reason = _chosen(context, finale) if wanted == "smart" else (wanted, None)
    assets, teller = ASSETS[strategy], _Teller(context)
    try:
        with (
            failures(context, finale, assets),
            finale.sync(
                context.run.run_id,
                strategy,
                TABLE_SETS[strategy],
                trigger=_trigger(context.run.tags),
                asked_at=_asked_at(context),
                reason=reason,
                on_finished=teller.asset,
                on_progress=teller.progress,
            ) as run,
        ):
            STRATEGIES[strategy](run)
    except SkippedError as error:
        context.log.warning("Skipped: %s", error.what)
        context.instance.add_run_tags(context.run.run_id, {"finale/skipped": error.what[:250]})
        return
    tell_checks(context, finale, assets)
    if strategy in PLANNED:
        plan_today(context, finale)


def _chosen(context: dg.OpExecutionContext, finale: Finale) -> tuple[str, str]:
    """Choose the strategy, and write it and its reason to the run's tags."""
    from finale_pipeline.sync.ticks import choose  # noqa: PLC0415 - nothing at import

    with failures(context, finale, ()), finale.warehouse() as connection:
        choice = choose(connection, finale.settings(), now=finale.now())
    tags = {"finale/strategy": choice.strategy, "finale/reason": choice.reason}
    context.instance.add_run_tags(context.run.run_id, tags)
    context.log.info("smart: %s, since %s", choice.strategy, choice.reason)
    return choice.strategy, choice.reason


def _trigger(tags: "dict[str, str] | Any") -> str:
    if "finale/trigger" in tags:
        return str(tags["finale/trigger"])
    return next((n for n in ("schedule", "sensor") if f"dagster/{n}_name" in tags), "ui")


def _asked_at(context: dg.OpExecutionContext) -> datetime | None:
    """Return when the run was asked for: by a schedule at its due time, else when it was made."""
    if ASKED_AT in context.run.tags:
        return datetime.fromisoformat(context.run.tags[ASKED_AT])
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return record.create_timestamp.astimezone(UTC) if record else None


def _partitions(instance: dg.DagsterInstance, run: "SyncRun", asset: str) -> list[str | None]:
    """Return the partitions to tell of: those never told of, and the present one.

    A full walk brings all windows up to date; told of each time, they would fill the event log.
    """
    partitions = PARTITIONS.get(asset)
    if partitions is None:
        return [None]
    now: date = business_day(run.client.source_now(), run.settings.zone)
    if partitions is change_days:
        return _days_of_change(instance, run, asset)
    if partitions is not catalogue_windows:
        return [now.isoformat()]
    present = now.replace(day=1).isoformat()
    if run.strategy == "active":
        return [present]
    done = instance.get_materialized_partitions(dg.AssetKey(asset))
    return [key for key in partitions.get_partition_keys() if key not in done or key == present]


def _days_of_change(instance: dg.DagsterInstance, run: "SyncRun", asset: str) -> list[str | None]:
    """Return the days on which something changed last that were never told of, and today."""
    rows = run.connection.execute(
        f"SELECT DISTINCT (updated_at AT TIME ZONE 'UTC')::date::text FROM {TABLES[asset]}"  # noqa: S608 - ours
    ).fetchall()
    done = instance.get_materialized_partitions(dg.AssetKey(asset))
    new = {str(day) for (day,) in rows} - done
    today = run.client.source_now().date().isoformat()
    known = set(change_days.get_partition_keys())
    return [*sorted((new | {today}) & known)]


def _job(strategy: str) -> dg.JobDefinition:
    """Return the job of a strategy: one step, in the run's own process, so that it starts fast."""

    @dg.op(name=f"run_{strategy}", description=DESCRIPTIONS[strategy])
    def run_strategy(context: dg.OpExecutionContext, finale: Finale) -> None:
        _sync(context, finale, strategy)

    @dg.job(
        name=f"{strategy}_sync",
        executor_def=dg.in_process_executor,
        tags={
            "finale/strategy": strategy,
            "dagster/max_runtime": int(HOURS[strategy] * 3600),
            "dagster/priority": "10" if strategy == "critical" else "0",
        },
        description=DESCRIPTIONS[strategy],
    )
    def job() -> None:
        run_strategy()

    return job


SYNC_JOBS = {strategy: _job(strategy) for strategy in DESCRIPTIONS}
