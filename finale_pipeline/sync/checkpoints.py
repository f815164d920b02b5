"""The end of a scan: what it missed everywhere is gone, if that can be believed."""

from finale_pipeline.domain.syncs.catalog import implausible_removal
from finale_pipeline.errors import ImplausibleError
from finale_pipeline.sync import absence
from finale_pipeline.sync.catalog import Catalogue, write_shown
from finale_pipeline.sync.plausibility import hold_unless_accepted, settle, vanished
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import holds, scans
from finale_pipeline.warehouse.holds import Difference
from finale_pipeline.warehouse.scans import Scan
from finale_pipeline.warehouse.store import Counts


def finish(run: SyncRun, catalogue: Catalogue, scan: Scan) -> None:
    """End a complete scan: mark removed what it missed everywhere and Finale shows no more.

    Raises:
        ImplausibleError: Too much is missing; nothing is removed, and the next scan looks again.
    """
    _refuse_nothing(run, catalogue, scan)
    absent = missing = scans.missing(run.connection, catalogue.table, catalogue.key, scan)
    live = scans.live_rows(run.connection, catalogue.table) if missing else 0
    why = implausible_removal(missing=len(missing), live=live, limit=run.settings.shrink_limit)
    if why:
        _hold(run, catalogue, scan, vanished(why, live=live, missing=missing), missing)
    else:
        missing, shown = absence.confirmed(run, catalogue.resource, missing, catalogue.chosen)
        write_shown(run, catalogue, shown)
    counts: dict[str, Counts] = {}
    with run.batch(f"{catalogue.resource.path}: what is gone"):
        if catalogue.derived and missing:
            catalogue.derived.before(run, "SELECT unnest(%s::text[])", (missing,))
        scans.remove(run.connection, catalogue.table, catalogue.key, missing, now=run.clock())
        if catalogue.derived and missing:
            counts = catalogue.derived.after(run)
        if missing or not _is_untouched(run, catalogue, scan):
            scans.recount_windows(run.connection, catalogue.table, scan)
        stays = [*set(absent) - set(missing)]
        scans.forget_windows_of(run.connection, catalogue.table, catalogue.key, stays)
        settle(run, catalogue.table)
        scans.close(run.connection, scan, now=run.clock())
    for table, changed in (*counts.items(), (catalogue.table, Counts(removed=len(missing)))):
        run.add(table, changed)


def _refuse_nothing(run: SyncRun, catalogue: Catalogue, scan: Scan) -> None:
    """Hold a table that stays empty though its collection has records, unless that was approved."""
    means = catalogue.empty_means
    if means is None or not scan.records or scans.live_rows(run.connection, catalogue.table):
        return
    if holds.was_approved(run.connection, catalogue.table, means):
        return
    difference = Difference([means], {}, {"records": 0, "lost": scan.records}, [])
    try:
        hold_unless_accepted(run, catalogue.table, difference, data="No record was written.")
    except ImplausibleError:
        with run.batch(f"forgetting windows of {catalogue.resource.path}"):
            scans.forget_windows(run.connection, catalogue.table)
            scans.close(run.connection, scan, now=run.clock())
        raise


def _hold(
    run: SyncRun, catalogue: Catalogue, scan: Scan, difference: Difference, missing: list[str]
) -> None:
    """Hold the removals unless a person approved them; the next scan looks again."""
    try:
        data = "Nothing was removed; changed and new records are in."
        hold_unless_accepted(run, catalogue.table, difference, data=data)
    except ImplausibleError:
        with run.batch(f"forgetting windows of {catalogue.resource.path}"):
            scans.forget_windows_of(run.connection, catalogue.table, catalogue.key, missing)
            scans.close(run.connection, scan, now=run.clock())
        raise


def _is_untouched(run: SyncRun, catalogue: Catalogue, scan: Scan) -> bool:
    """Whether this scan wrote nothing, so that every window is still as it was counted."""
    counts = run.counts.get(catalogue.table, Counts())
    return scan.is_fresh and not counts.inserted + counts.updated
