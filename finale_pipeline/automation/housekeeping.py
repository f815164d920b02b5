"""Keeps databases and folder small: old runs of Dagster, old rows and plans, old files."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from finale_pipeline.automation.location import run_tags
from finale_pipeline.clock import business_day
from finale_pipeline.resources import Finale

BATCH = 200
FAILED_TIMES = 4
"""Failed runs are kept so many times as long."""
REJECT_DAYS = 90
MAIL_DAYS = 90
"""Mails with their attachments are the largest rows; who was told what stays in the incidents."""
LEDGER_DAYS = 400
"""A year and a month, so that a month can be compared with that of the year before."""


@dg.op(description="Deletes runs of Dagster, rows, plans and files that nobody asks for any more.")
def delete_old_records(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Delete what is old; the newest materialization of every partition stays."""
    days = finale.settings().keep_runs_days
    newest = _newest_materializations(context.instance)
    good = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
    deleted = _delete_runs(context.instance, finale, good, days, newest)
    failed = [dg.DagsterRunStatus.FAILURE]
    deleted += _delete_runs(context.instance, finale, failed, days * FAILED_TIMES, newest)
    before = finale.now() - timedelta(days=days)
    counts = {
        "deleted_runs": deleted,
        "deleted_evaluations": _delete_evaluations(context.instance, before),
        "deleted_files": _delete_files(context.instance, finale, before),
        "deleted_rows": _delete_rows(finale),
    }
    context.log.info("Deleted: %s", counts)
    context.add_output_metadata(counts)


def _newest_materializations(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that show a partition as materialized; without them it would look missing."""
    run_ids: set[str] = set()
    storage = instance.event_log_storage
    for key in instance.all_asset_keys():
        newest = storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        latest = instance.get_latest_materialization_event(key)
        run_ids |= {latest.run_id} if latest else set()
        ids = list(newest.values())
        for start in range(0, len(ids), BATCH):
            records_filter = dg.AssetRecordsFilter(
                asset_key=key, storage_ids=ids[start : start + BATCH]
            )
            page = instance.fetch_materializations(records_filter, limit=BATCH)
            run_ids |= {record.run_id for record in page.records}
    return run_ids


def _delete_runs(
    instance: dg.DagsterInstance,
    finale: Finale,
    statuses: list[dg.DagsterRunStatus],
    days: int,
    keep: set[str],
) -> int:
    """Delete finished runs in batches, so that no transaction is long."""
    before = finale.now() - timedelta(days=days)
    tags = run_tags(finale.settings().location)
    old = dg.RunsFilter(statuses=statuses, updated_before=before, tags=tags)
    deleted, cursor = 0, None
    while True:
        runs = instance.get_runs(filters=old, limit=BATCH, cursor=cursor)
        for run in runs:
            if run.run_id not in keep:
                instance.delete_run(run.run_id)
                deleted += 1
        if len(runs) < BATCH:
            return deleted
        # The cursor is the last run that is still there; a deleted one would end the listing.
        cursor = next((run.run_id for run in reversed(runs) if run.run_id in keep), cursor)


def _delete_evaluations(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete what checks found in the past; of each check the newest stays.

    Dagster never does, and has no public way: a run that is deleted leaves them.
    """
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from sqlalchemy import func, select  # only here

    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    columns = AssetCheckExecutionsTable.c
    newest = select(func.max(columns.id)).group_by(columns.asset_key, columns.check_name)
    old = AssetCheckExecutionsTable.delete().where(
        columns.create_timestamp < before.astimezone(UTC).replace(tzinfo=None),
        columns.id.not_in(newest),
    )
    with storage.index_connection() as connection:
        return int(connection.execute(old).rowcount)


def _delete_files(instance: dg.DagsterInstance, finale: Finale, before: datetime) -> int:
    """Delete folders of runs that are gone, and old mails that are files; return how many."""
    deleted = 0
    runs, mails = Path(instance.storage_directory()), finale.settings().home / "outbox"
    for path in [*_old(runs, before), *_old(mails, before)]:
        if path.is_dir() and not instance.has_run(path.name):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file():
            path.unlink(missing_ok=True)
        else:
            continue
        deleted += 1
    return deleted


def _old(folder: Path, before: datetime) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.stat().st_mtime < before.timestamp()]


def _delete_rows(finale: Finale) -> int:
    from finale_pipeline.warehouse import housekeeping  # nothing at import

    settings, now = finale.settings(), finale.now()
    with finale.warehouse() as connection:
        return housekeeping.delete_old(
            connection,
            today=business_day(now, settings.zone),
            ledger=now - timedelta(days=LEDGER_DAYS),
            rejects=now - timedelta(days=REJECT_DAYS),
            mails=now - timedelta(days=MAIL_DAYS),
        )


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": 3600},
    description="Deletes runs of Dagster, rows, plans and files that nobody asks for any more.",
)
def housekeeping() -> None:
    """Delete what is old."""
    delete_old_records()
