"""Past days that a full read brought up to date: told once, not at every read."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from finale_pipeline.assets.entries import CHANGED, AssetEntry
from finale_pipeline.assets.keys import key_of
from finale_pipeline.assets.partitions import business_days
from finale_pipeline.assets.reports import ROWS, rows_by_day

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun

FIRST = business_days.start.date()
BATCH = 500
"""Days that are written in one transaction."""
WHOLE = {"full", "vendors", "sales"}
"""Strategies that leave no day of what they read out; active leaves out products at rest."""


def unreported_days(
    instance: dg.DagsterInstance, run: "SyncRun", entry: AssetEntry, day: date
) -> Mapping[str, int]:
    """Return the days before this one that were read and never told of, with their rows.

    Those without a record are among them: nothing was changed on them that is still so.
    """
    if entry.day != CHANGED or (run.strategy not in WHOLE and entry.group != "sales"):
        return {}
    yesterday = day - timedelta(days=1)
    rows = rows_by_day(run.connection, entry, [FIRST, yesterday], run.settings.zone)
    materialized = instance.get_materialized_partitions(key_of(entry.name))
    first = max(FIRST, run.settings.since)
    days = [first + timedelta(days=n) for n in range((day - first).days)]
    return {d.isoformat(): rows.get(d, 0) for d in days if d.isoformat() not in materialized}


def report(instance: dg.DagsterInstance, entry: AssetEntry, days: Mapping[str, int]) -> None:
    """Tell of days, without a run of their own: a run's log is for what happened now.

    Thousands of days at once after the first full read; Dagster's public way of telling takes
    several transactions for each (4,400 days: four minutes; as a batch: six seconds), so they are
    written as the batch that Dagster writes for a range.
    """
    # Not public; what `DagsterInstance.report_runless_asset_event` does for a single one.
    from dagster._core.events import StepMaterializationData
    from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

    now = datetime.now(UTC).timestamp()
    events = []
    for key, rows in days.items():
        materialization = dg.AssetMaterialization(
            key_of(entry.name), partition=key, metadata={ROWS: dg.MetadataValue.int(rows)}
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            event_specific_data=StepMaterializationData(materialization),
            job_name=RUNLESS_JOB_NAME,
        )
        events.append(
            dg.EventLogEntry(  # type: ignore[no-untyped-call]
                error_info=None,
                level="info",
                user_message="",
                run_id=RUNLESS_RUN_ID,
                timestamp=now,
                job_name=RUNLESS_JOB_NAME,
                dagster_event=event,
            )
        )
    for start in range(0, len(events), BATCH):
        instance.event_log_storage.store_event_batch(events[start : start + BATCH])
