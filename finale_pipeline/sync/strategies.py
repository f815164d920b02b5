"""What each strategy reads, in which order, under which locks."""

import logging
from collections.abc import Callable

from finale_pipeline.errors import SkippedError
from finale_pipeline.sync.active import sync_changes
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, sync_facilities
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.walk import sync_catalogue

log = logging.getLogger(__name__)

TABLE_SETS = {
    "critical": ("stock",),
    "inventory": ("stock",),
    "active": ("catalogue",),
    "full": ("catalogue",),
    "vendors": ("catalogue",),
}
"""What a strategy locks at its beginning; active and full take the stock when they come to it."""

ASSETS = {
    "critical": ("inventory_levels",),
    "inventory": ("inventory_levels",),
    "active": ("facilities", "vendors", "products", "inventory_levels"),
    "full": ("facilities", "vendors", "products", "inventory_levels"),
    "vendors": ("vendors",),
}
"""The assets that a strategy brings up to date."""


def sync_full(run: SyncRun) -> None:
    """Read every place, vendor, product and all stock; mark removed what is gone."""
    run.part(0, 0.02)
    sync_facilities(run)
    run.finish("facilities")
    run.part(0.02, 0.06)
    sync_vendors(run)
    run.part(0.06, 0.85)
    sync_catalogue(run, PRODUCTS)
    run.finish("products")
    _stock_beside_others(run)


def sync_active(run: SyncRun) -> None:
    """Read what changed of places, vendors and products in use, and all stock."""
    run.part(0, 0.1)
    sync_facilities(run)
    run.finish("facilities")
    run.part(0.1, 0.2)
    sync_changes(run, VENDORS)
    run.finish("vendors")
    run.part(0.2, 0.6)
    sync_changes(run, PRODUCTS)
    run.finish("products")
    _stock_beside_others(run)


def _stock_beside_others(run: SyncRun) -> None:
    """Read the stock at the end of a larger sync, unless another sync is at it right now."""
    run.part(0.85, 1)
    try:
        run.take("stock")
    except SkippedError as error:
        # Another sync is reading the stock at this moment; reading it twice would add nothing.
        log.info("stock is left to another sync: %s", error.what)
        return
    sync_critical(run)


def sync_inventory(run: SyncRun) -> None:
    """Read all places, unless the catalogue is being read anyway, and all stock."""
    try:
        with run.holding("catalogue"):
            sync_facilities(run)
    except SkippedError as error:
        log.info("places are left to another sync: %s", error.what)
    sync_critical(run)


def sync_critical(run: SyncRun) -> None:
    """Read all stock."""
    sync_stock(run)
    run.finish("inventory_levels")


def sync_vendors(run: SyncRun) -> None:
    """Read all vendors."""
    sync_catalogue(run, VENDORS)
    run.finish("vendors")


STRATEGIES: dict[str, Callable[[SyncRun], None]] = {
    "critical": sync_critical,
    "inventory": sync_inventory,
    "active": sync_active,
    "full": sync_full,
    "vendors": sync_vendors,
}
