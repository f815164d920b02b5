"""Doubts an answer in which a field is empty that was filled for nearly all of its records."""

from collections.abc import Iterator, Sequence

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
    run: SyncRun, catalogue: Catalogue, frame: pl.DataFrame, others: Sequence[pl.DataFrame]
) -> list[str]:
    """Return why an answer cannot be believed: which fields were filled and are empty now.

    Args:
        catalogue: Where its records belong.
        frame: They, as `Catalogue.prepared` returns them.
        others: Its records for the catalogue's siblings.
    """
    pairs = zip((catalogue, *catalogue.siblings), (frame, *others), strict=True)
    return [why for one, records in pairs for why in _emptied(run, one, records)]


def hold(run: SyncRun, catalogue: Catalogue, reasons: list[str]) -> None:
    """Hold an answer that lacks a field a second time, unless a person approved it."""
    difference = Difference(reasons, {}, {"lost": 0}, [])
    hold_unless_accepted(
        run, catalogue.table, difference, data="Nothing of that answer was written."
    )


def _emptied(run: SyncRun, catalogue: Catalogue, frame: pl.DataFrame) -> Iterator[str]:
    if len(frame) <= SMALL:
        return
    columns = scans.columns_of(run.connection, catalogue.table) - OURS
    for name in frame.columns:
        if name not in columns or name == catalogue.key:
            continue
        yield from _lost(run, catalogue, frame, name, table=catalogue.table, column=name)
    for child, helper in zip(catalogue.children, catalogue.children_helpers, strict=True):
        yield from _lost(run, catalogue, frame, helper, table=child.table, column=catalogue.key)


def _lost(
    run: SyncRun, catalogue: Catalogue, frame: pl.DataFrame, name: str, *, table: str, column: str
) -> Iterator[str]:
    empty = frame.filter(pl.col(name).is_null())[catalogue.key].to_list()
    if len(empty) <= max(SMALL, MOST * len(frame)):
        return
    lost = scans.filled(run.connection, table, catalogue.key, column, empty)
    if lost > SMALL and lost > MOST * len(empty):
        yield f"{lost} of {len(frame)} records had {name} and have none now"
