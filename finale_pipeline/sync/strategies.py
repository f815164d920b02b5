"""What each strategy reads, in which order, under which locks."""

import logging
from collections.abc import Callable

from finale_pipeline.errors import SkippedError
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, sync_facilities
from finale_pipeline.sync.critical import deliver_now, evaluate_critical, evaluate_left_behind
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.walk import sync_catalogue

log = logging.getLogger(__name__)

TABLE_SETS = {"full": ("catalogue",), "inventory": ("stock",), "vendors": ("catalogue",)}
"""What a strategy locks at its beginning; full takes the stock when it comes to it."""


def sync_full(run: SyncRun) -> None:
    """Read every place, vendor, product and all stock."""
    sync_facilities(run)
    run.finish("facilities")
    sync_vendors(run)
    sync_catalogue(run, PRODUCTS)
    run.finish("products")
    try:
        run.take("stock")
    except SkippedError as error:
        # Another sync is reading the stock at this moment; reading it twice would add nothing.
        log.info("stock is left to another sync: %s", error.what)
        return
    sync_inventory(run)


def sync_inventory(run: SyncRun) -> None:
    """Read all stock, evaluate it, and tell what crossed."""
    evaluate_left_behind(run)
    sync_stock(run)
    run.finish("inventory_levels")
    evaluate_critical(run)
    run.finish("critical_items")
    deliver_now(run)


def sync_vendors(run: SyncRun) -> None:
    """Read all vendors."""
    sync_catalogue(run, VENDORS)
    run.finish("vendors")


STRATEGIES: dict[str, Callable[[SyncRun], None]] = {
    "full": sync_full,
    "inventory": sync_inventory,
    "vendors": sync_vendors,
}
