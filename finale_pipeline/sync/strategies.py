"""What each strategy reads, in which order, under which locks."""

import logging
from collections.abc import Callable

from finale_pipeline.errors import SkippedError
from finale_pipeline.sync.active import sync_changes
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, sync_facilities
from finale_pipeline.sync.critical import deliver_now, evaluate_critical, evaluate_left_behind
from finale_pipeline.sync.movements import mark_stocking, sync_labels, sync_movements
from finale_pipeline.sync.purchases import sync_lines
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.sales import sync_orders, sync_shipments
from finale_pipeline.sync.scan import sync_catalogue
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.unshipped import sync_unshipped

log = logging.getLogger(__name__)

TABLE_SETS = {
    "critical": ("stock",),
    "inventory": ("stock",),
    "active": ("catalogue",),
    "full": ("catalogue",),
    "sales": ("sales",),
    "vendors": ("catalogue",),
}
"""What a strategy locks first; active and full take stock and sales when they come to them."""

_EVERYTHING = (
    "facilities",
    "vendors",
    "products",
    "inventory_levels",
    "critical_items",
    "shipments",
    "purchase_orders",
)
ASSETS = {
    "critical": ("inventory_levels", "critical_items"),
    "inventory": ("inventory_levels", "critical_items"),
    "active": _EVERYTHING,
    "full": _EVERYTHING,
    "sales": ("shipments", "purchase_orders"),
    "vendors": ("vendors",),
}
"""The assets that a strategy brings up to date."""


def sync_full(run: SyncRun) -> None:
    """Read the whole account, mark removed what is gone, and follow sales and purchases."""
    run.part(0, 0.02)
    sync_facilities(run)
    run.finish("facilities")
    run.part(0.02, 0.06)
    sync_vendors(run)
    run.part(0.06, 0.7)
    sync_catalogue(run, PRODUCTS)
    sync_labels(run)
    mark_stocking(run)
    run.finish("products")
    run.part(0.7, 0.8)
    _unless_taken(run, "stock", sync_critical)
    run.part(0.8, 1)
    _unless_taken(run, "sales", sync_sales)


def sync_active(run: SyncRun) -> None:
    """Read what changed of places, vendors, products in use and sales, and all stock."""
    run.part(0, 0.1)
    sync_facilities(run)
    run.finish("facilities")
    run.part(0.1, 0.2)
    sync_changes(run, VENDORS)
    run.finish("vendors")
    run.part(0.2, 0.5)
    sync_changes(run, PRODUCTS)
    sync_labels(run)
    mark_stocking(run)
    run.finish("products")
    run.part(0.5, 0.7)
    _unless_taken(run, "stock", sync_critical)
    run.part(0.7, 1)
    _unless_taken(run, "sales", sync_sales)


def _unless_taken(run: SyncRun, table_set: str, sync: Callable[[SyncRun], None]) -> None:
    """Sync a further table set, if no other sync is reading it: twice would add nothing."""
    try:
        run.take(table_set)
    except SkippedError as error:
        log.info("%s is left to another sync: %s", table_set, error.what)
        return
    sync(run)


def sync_inventory(run: SyncRun) -> None:
    """Read all places, unless the catalogue is being read anyway, and do what critical does."""
    try:
        with run.holding("catalogue"):
            sync_facilities(run)
    except SkippedError as error:
        log.info("places are left to another sync: %s", error.what)
    sync_critical(run)


def sync_critical(run: SyncRun) -> None:
    """Read all stock, evaluate it, and tell what crossed."""
    evaluate_left_behind(run)
    sync_stock(run)
    run.finish("inventory_levels")
    evaluate_critical(run)
    run.finish("critical_items")
    deliver_now(run)


def sync_sales(run: SyncRun) -> None:
    """Read orders and shipments that changed, demand and receipts by them; first all history."""
    sync_orders(run)
    sync_shipments(run)
    sync_unshipped(run)
    run.finish("shipments")
    sync_lines(run)
    sync_movements(run)
    run.finish("purchase_orders")


def sync_vendors(run: SyncRun) -> None:
    """Read all vendors."""
    sync_catalogue(run, VENDORS)
    run.finish("vendors")


STRATEGIES: dict[str, Callable[[SyncRun], None]] = {
    "critical": sync_critical,
    "inventory": sync_inventory,
    "active": sync_active,
    "full": sync_full,
    "sales": sync_sales,
    "vendors": sync_vendors,
}
