"""Doubts an answer in which a field is empty that was filled for nearly all of its records."""

from collections.abc import Iterator

import polars as pl

from finale_pipeline.sync.catalog import Catalogue
from finale_pipeline.sync.plausibility import hold_unless_accepted
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import scans
from finale_pipeline.warehouse.holds import Difference

SMALL = 5
"""So many records may lose a field at once without a question."""
MOST = 0.5
"""Above this share of those that had it the field itself is missing."""
OURS = {"payload", "pack_units"}


def doubts(
    run: SyncRun, catalogue: Catalogue, frame: pl.DataFrame, changed: pl.DataFrame
) -> list[str]:
    """Return why an answer cannot be believed: which fields were filled and are empty now.

    Args:
        catalogue: Where its records belong.
        frame: They, as `Catalogue.prepared` returns them.
        changed: Those of them that are not stored as they are; the others lost nothing.
    """
    if len(changed) <= SMALL:
        return []
    return list(_emptied(run, catalogue, frame, changed))


def hold(run: SyncRun, catalogue: Catalogue, reasons: list[str]) -> None:
    """Hold an answer that lacks a field a second time, unless a person approved it."""
    difference = Difference(reasons, {}, {"lost": 0}, [])
    hold_unless_accepted(
        run, catalogue.table, difference, data="Nothing of that answer was written."
    )


def _emptied(
    run: SyncRun, catalogue: Catalogue, frame: pl.DataFrame, changed: pl.DataFrame
) -> Iterator[str]:
    columns = scans.columns_of(run.connection, catalogue.table) - OURS - {catalogue.key}
    places = {name: (catalogue.table, name) for name in frame.columns if name in columns}
    places |= {child.helper: (child.table, catalogue.key) for child in catalogue.children}
    for name, (table, column) in places.items():
        empty = frame[name].null_count()
        suspects = changed.filter(pl.col(name).is_null())[catalogue.key].to_list()
        if empty <= max(SMALL, MOST * len(frame)) or len(suspects) <= max(SMALL, MOST * empty):
            continue
        lost = scans.filled(run.connection, table, catalogue.key, column, suspects)
        if lost > SMALL and lost > MOST * empty:
            yield f"{lost} of {len(frame)} records had {name} and have none now"
