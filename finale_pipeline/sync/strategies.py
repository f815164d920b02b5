"""What each strategy reads, in which order, under which locks."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import psycopg

from finale_pipeline.errors import PipelineError, SkippedError
from finale_pipeline.sync.active import sync_changes
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, Catalogue, sync_facilities, sync_named
from finale_pipeline.sync.critical import (
    evaluate_critical,
    evaluate_days,
    evaluate_left_behind,
    tell_crossings,
)
from finale_pipeline.sync.movements import (
    judge_stocking,
    mark_stocking,
    sync_labels,
    sync_movements,
)
from finale_pipeline.sync.purchases import backfill_purchases, sync_lines
from finale_pipeline.sync.quantities import current_reading
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.sales import backfill_shipments, sync_orders, sync_shipments
from finale_pipeline.sync.scan import AHEAD, backfill, sync_catalogue
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.unshipped import sync_unshipped

log = logging.getLogger(__name__)

Steps = Iterator[str]
"""A sync under way: it yields the name of each asset when that asset's tables are committed."""

TABLE_SETS = {
    "critical": ("stock",),
    "inventory": ("stock",),
    "active": ("catalogue",),
    "full": ("catalogue",),
    "sales": ("sales",),
    "vendors": ("catalogue",),
}
"""What a strategy locks first; active and full take stock and sales when they come to them."""

TABLE_SET_OF = {
    "facilities": "catalogue",
    "vendors": "catalogue",
    "products": "catalogue",
    "inventory_levels": "stock",
    "critical_items": "stock",
    "shipments": "sales",
    "purchase_orders": "sales",
}
"""What is locked while an asset is read by itself."""


def carry_out(run: SyncRun) -> None:
    """Carry out the run's strategy, then tell what crossed: all that a sync is, in one call."""
    try:
        for _ in STRATEGIES[run.strategy](run):
            pass
    except PipelineError:
        # What crossed before is told all the same; the error is what ended the run.
        with suppress(PipelineError, psycopg.Error):
            tell_crossings(run)
        raise
    tell_crossings(run)


def sync_full(run: SyncRun) -> Steps:
    """Read the whole account, mark removed what is gone, and follow sales and purchases."""
    run.part(0, 0.02)
    sync_facilities(run)
    yield "facilities"
    run.part(0.02, 0.06)
    yield from sync_vendors(run)
    run.part(0.06, 0.7)
    sync_catalogue(run, PRODUCTS)
    sync_labels(run)
    mark_stocking(run)
    yield "products"
    run.part(0.7, 0.8)
    yield from _unless_taken(run, "stock", _sync_all_stock)
    sync_named(run)
    run.part(0.8, 1)
    yield from _unless_taken(run, "sales", sync_sales)


def _sync_all_stock(run: SyncRun) -> Steps:
    """Do what critical does, and mend levels that something other than a sync has changed."""
    yield from sync_critical(run, mends=True)


def sync_active(run: SyncRun) -> Steps:
    """Read what changed of places, vendors, products in use and sales, and all stock."""
    run.part(0, 0.1)
    sync_facilities(run)
    yield "facilities"
    run.part(0.1, 0.2)
    sync_changes(run, VENDORS)
    yield "vendors"
    run.part(0.2, 0.5)
    sync_changes(run, PRODUCTS)
    sync_labels(run)
    mark_stocking(run)
    yield "products"
    run.part(0.5, 0.7)
    yield from _unless_taken(run, "stock", sync_critical)
    run.part(0.7, 1)
    yield from _unless_taken(run, "sales", sync_sales)


def _unless_taken(run: SyncRun, table_set: str, sync: Callable[[SyncRun], Steps]) -> Steps:
    """Sync a further table set, if no other sync is reading it: twice would add nothing."""
    try:
        run.acquire(table_set)
    except SkippedError as error:
        log.info("%s is left to another sync: %s", table_set, error.what)
        return
    yield from sync(run)


def sync_inventory(run: SyncRun) -> Steps:
    """Read all places, unless the catalogue is being read anyway, and do what critical does."""
    try:
        with run.holding("catalogue"):
            sync_facilities(run)
    except SkippedError as error:
        log.info("places are left to another sync: %s", error.what)
    else:
        yield "facilities"
    yield from sync_critical(run)


def sync_critical(run: SyncRun, *, mends: bool = False) -> Steps:
    """Read all stock and evaluate it; who carries this out tells what crossed.

    Args:
        mends: Whether to mend levels that something other than a sync has changed.
    """
    evaluate_left_behind(run)
    sync_stock(run, mends=mends)
    judge_stocking(run)
    yield "inventory_levels"
    evaluate_critical(run)
    yield "critical_items"


def sync_sales(run: SyncRun) -> Steps:
    """Read orders and shipments that changed, demand and receipts by them; first all history."""
    reading = current_reading(run)
    sync_orders(run)
    sync_shipments(run)
    sync_unshipped(run)
    yield "shipments"
    sync_lines(run)
    sync_movements(run)
    if current_reading(run) != reading:
        _count_stock_anew(run)
    yield "purchase_orders"


def _count_stock_anew(run: SyncRun) -> None:
    """Read stock once more: orders' totals have shown just now what its quantities count."""
    try:
        with run.holding("stock"):
            sync_stock(run)
            evaluate_critical(run)
    except SkippedError as error:
        log.info("stock is left to another sync: %s", error.what)


def sync_vendors(run: SyncRun) -> Steps:
    """Read all vendors."""
    sync_catalogue(run, VENDORS)
    yield "vendors"


STRATEGIES: dict[str, Callable[[SyncRun], Steps]] = {
    "critical": sync_critical,
    "inventory": sync_inventory,
    "active": sync_active,
    "full": sync_full,
    "sales": sync_sales,
    "vendors": sync_vendors,
}


def _read_span(catalogue: Catalogue, run: SyncRun, since: datetime, until: datetime) -> None:
    backfill(run, catalogue, since, until)


SPANS: dict[str, Callable[[SyncRun, datetime, datetime], None]] = {
    "vendors": partial(_read_span, VENDORS),
    "products": partial(_read_span, PRODUCTS),
    "shipments": backfill_shipments,
    "purchase_orders": backfill_purchases,
}
"""Assets of records that carry the time of their last change: how a span of it is read again."""


def read_days(run: SyncRun, asset: str, days: Sequence[date]) -> None:
    """Read one asset again for some business days, without the others.

    Args:
        run: The run, which holds `TABLE_SET_OF` the asset.
        asset: One of `TABLE_SET_OF`.
        days: The account's business days, without a gap; facilities need none.

    Raises:
        PastDay: Stock is wanted of another day than today.
    """
    if asset == "facilities":
        sync_facilities(run)
    elif asset == "inventory_levels":
        evaluate_left_behind(run)
        sync_stock(run, only_on=days)
        evaluate_critical(run)
    elif asset == "critical_items":
        evaluate_days(run, days)
    else:
        since, until = span_of(days, run.settings.zone)
        SPANS[asset](run, since, min(until, run.client.source_now() + AHEAD))


def span_of(days: Sequence[date], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the beginning of the first business day and the end of the last, UTC."""
    first, after = min(days), max(days) + timedelta(days=1)
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
    return since, until
