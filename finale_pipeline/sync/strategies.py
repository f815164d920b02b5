"""What each strategy reads, in which order, under which locks."""

import logging
from collections.abc import Callable

from finale_pipeline.errors import SkippedError
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, sync_facilities
from finale_pipeline.sync.purchases import sync_lines
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.sales import sync_orders, sync_shipments
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.walk import sync_catalogue

log = logging.getLogger(__name__)

TABLE_SETS = {
    "full": ("catalogue",),
    "inventory": ("stock",),
    "sales": ("sales",),
    "vendors": ("catalogue",),
}
"""What a strategy locks at its beginning; full takes stock and sales when it comes to them."""


def sync_full(run: SyncRun) -> None:
    """Read every place, vendor, product, all stock, and what was sold and bought since."""
    sync_facilities(run)
    run.finish("facilities")
    sync_vendors(run)
    sync_catalogue(run, PRODUCTS)
    run.finish("products")
    _unless_taken(run, "stock", sync_inventory)
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
    """Read all stock."""
    sync_stock(run)
    run.finish("inventory_levels")


def sync_sales(run: SyncRun) -> None:
    """Read orders and shipments that changed, demand and receipts by them; first all history."""
    sync_orders(run)
    sync_shipments(run)
    run.finish("shipments")
    sync_lines(run)
    run.finish("purchase_orders")


def sync_vendors(run: SyncRun) -> None:
    """Read all vendors."""
    sync_catalogue(run, VENDORS)
    run.finish("vendors")


STRATEGIES: dict[str, Callable[[SyncRun], None]] = {
    "full": sync_full,
    "inventory": sync_inventory,
    "sales": sync_sales,
    "vendors": sync_vendors,
}
