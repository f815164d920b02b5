"""What the account's quantities count, cases or units: as the setting says, else as stock shows."""

import polars as pl

from finale_pipeline.domain.packing import Reading
from finale_pipeline.finale.lines import evidence_of_totals
from finale_pipeline.finale.quantities import evidence
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import quantities
from finale_pipeline.warehouse.quantities import EvidenceOf


def current_reading(run: SyncRun) -> Reading:
    """Return what a quantity beside a packing counts; cases until the account shows otherwise."""
    if run.settings.case_quantities != "auto":
        return run.settings.case_quantities
    return quantities.stored_reading(run.connection) or "cases"


def follow_setting(run: SyncRun) -> None:
    """Convert stored lines when the setting names another reading than theirs."""
    reading = current_reading(run)
    if quantities.stored_reading(run.connection) != reading:
        _switch(run, reading, None)


def learn_of_orders(run: SyncRun, orders: pl.DataFrame) -> None:
    """Decide the reading by orders' totals, once and for good, where the setting leaves it open.

    Args:
        orders: order_url, items, total.
    """
    is_open = run.settings.case_quantities == "auto"
    if not is_open or quantities.evidence_of(run.connection) == "orders":
        return
    seen = evidence_of_totals(orders)
    if seen.reading is not None:
        _switch(run, seen.reading, "orders", why=seen.why)


def learn(run: SyncRun, on_hand: pl.Series, packings: pl.Series) -> None:
    """Decide the reading by a read of stock, once, where no order's total did.

    Args:
        on_hand: Quantities on hand as Finale sent them.
    """
    is_open = run.settings.case_quantities == "auto"
    if not is_open or quantities.stored_evidence(run.connection) is not None:
        return
    seen = evidence(on_hand, packings)
    if seen.reading is not None:
        _switch(run, seen.reading, "stock", why=seen.why)


def _switch(
    run: SyncRun, reading: Reading, of: EvidenceOf | None, *, why: str | None = None
) -> None:
    with run.batch(f"quantities beside a packing count {reading}"):
        before = quantities.stored_reading(run.connection)
        if before not in {None, reading}:
            quantities.convert(run.connection, reading, now=run.clock())
        quantities.set_reading(run.connection, reading, evidence=why, of=of)
