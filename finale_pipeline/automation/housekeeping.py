"""Keeps both databases small: old runs of Dagster, old rows of our ledger."""

from datetime import timedelta

import dagster as dg

from finale_pipeline.automation.location import run_tags
from finale_pipeline.resources import Finale

BATCH = 200
FAILED_TIMES = 4
"""Failed runs are kept so many times as long."""
REJECT_DAYS = 90
LEDGER_DAYS = 400
"""A year and a month, so that a month can be compared with that of the year before."""


@dg.op(description="Deletes runs of Dagster and rows of ops that are older than the settings keep.")
def delete_old_records(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Delete what is old; the newest materialization of every partition stays."""
    days = finale.settings().keep_runs_days
    kept = _newest_materializations(context.instance)
    good = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
    deleted = _delete_runs(context.instance, finale, good, days, kept)
    failed = [dg.DagsterRunStatus.FAILURE]
    deleted += _delete_runs(context.instance, finale, failed, days * FAILED_TIMES, kept)
    rows = _delete_rows(finale)
    context.log.info("Deleted %s runs of Dagster and %s rows of ops.", deleted, rows)
    context.add_output_metadata({"deleted_runs": deleted, "deleted_rows": rows})


def _newest_materializations(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that show a partition as materialized; without them it would look missing."""
    kept: set[str] = set()
    storage = instance.event_log_storage
    for key in instance.all_asset_keys():
        newest = storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        latest = instance.get_latest_materialization_event(key)
        kept |= {latest.run_id} if latest else set()
        ids = list(newest.values())
        for start in range(0, len(ids), BATCH):
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[start : start + BATCH])
            found = instance.fetch_materializations(wanted, limit=BATCH)
            kept |= {record.run_id for record in found.records}
    return kept


def _delete_runs(
    instance: dg.DagsterInstance,
    finale: Finale,
    statuses: list[dg.DagsterRunStatus],
    days: int,
    kept: set[str],
) -> int:
    """Delete finished runs in batches, so that no transaction is long."""
    before = finale.now() - timedelta(days=days)
    tags = run_tags(finale.settings().location)
    old = dg.RunsFilter(statuses=statuses, updated_before=before, tags=tags)
    deleted, cursor = 0, None
    while True:
        runs = instance.get_runs(filters=old, limit=BATCH, cursor=cursor)
        for run in runs:
            if run.run_id not in kept:
                instance.delete_run(run.run_id)
                deleted += 1
        if len(runs) < BATCH:
            return deleted
        # The cursor is the last run that is still there; a deleted one would end the listing.
        cursor = next((run.run_id for run in reversed(runs) if run.run_id in kept), cursor)


def _delete_rows(finale: Finale) -> int:
    from finale_pipeline.warehouse import housekeeping  # noqa: PLC0415 - nothing at import

    now = finale.now()
    with finale.warehouse() as connection:
        return housekeeping.delete_old(
            connection,
            ledger=now - timedelta(days=LEDGER_DAYS),
            rejects=now - timedelta(days=REJECT_DAYS),
        )


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": 3600},
    description="Deletes runs of Dagster and rows of ops that are older than the settings keep.",
)
def housekeeping() -> None:
    """Delete what is old."""
    delete_old_records()
