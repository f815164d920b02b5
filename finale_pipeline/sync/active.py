"""The active sync's reading of a catalogue: only what changed since the newest stored change."""

from datetime import timedelta

import polars as pl

from finale_pipeline.sync.catalog import Catalogue
from finale_pipeline.sync.commits import Keep
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.scan import AHEAD, backfill
from finale_pipeline.warehouse import scans

BACK = timedelta(minutes=10)
"""Read again before the newest stored change: its second may have held more than was seen."""


def sync_changes(run: SyncRun, catalogue: Catalogue) -> None:
    """Read what changed since the newest change that is stored; nothing is removed.

    The newest change is the source's own stamp in our data, not a time of our clock. Products
    that did not change for `active_days` are left out by the span, inactive ones by the record
    itself; one that we know as active and that no longer is, is written, or it would stay active
    here for ever.
    """
    now = run.client.source_now()
    oldest = now - timedelta(days=run.settings.active_days)
    newest = scans.newest_change(run.connection, catalogue.table, until=now + AHEAD)
    since = max(oldest, newest - BACK) if newest is not None else oldest
    keep = _keeper(run, catalogue) if catalogue.active_status else None
    backfill(run, catalogue, since, now + AHEAD, keep=keep)


def _keeper(run: SyncRun, catalogue: Catalogue) -> Keep:
    """Return the filter that keeps active records, and those that were until now."""

    def keep(frame: pl.DataFrame) -> pl.DataFrame:
        is_active = frame["status"] == catalogue.active_status
        idle = frame.filter(~is_active)[catalogue.key].to_list()
        active = scans.of_status(
            run.connection, catalogue.table, catalogue.key, idle, status=catalogue.active_status
        )
        was_active = frame[catalogue.key].is_in(active)
        return frame.filter(is_active | was_active)

    return keep
