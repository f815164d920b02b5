"""One process: the products of the account, and nothing else, as `finale sync full` reads them.

`python -m benchmarks.products [URL …]` syncs the configured database; with URLs each of those, one
after the other in the same process, and tells the seconds of each: what a warm process needs. With
`--stock` places, vendors and all stock are read too: the ten tables of the floor, without the
sales, movements and plan that `finale sync full` goes on with.
"""

import gc
import json
import os
import sys
import time

import finale_pipeline.cli  # noqa: F401 - as `finale` begins

gc.freeze()

from finale_pipeline.commands.sync import SyncReport
from finale_pipeline.settings import Settings, load_settings
from finale_pipeline.sync.catalog import PRODUCTS, VENDORS, sync_facilities
from finale_pipeline.sync.scan import sync_catalogue
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.stock import sync_stock

COMPRESS = "BENCHMARK_COMPRESS"
"""Variable; set = ask for compressed answers although the source is on this machine."""


def sync(settings: Settings, *, with_stock: bool = False) -> SyncReport:
    """Bring core.product, core.product_supplier and core.reorder_rule up to date.

    Args:
        with_stock: Whether to read places, vendors and stock, too, in the order of a full sync.
    """
    report = SyncReport("products")
    table_sets = ("catalogue", "stock") if with_stock else ("catalogue",)
    with open_sync(
        settings, strategy="full", trigger="benchmark", table_sets=table_sets,
        compress=True if COMPRESS in os.environ else None,
    ) as run:  # fmt: skip
        report.run = run
        if with_stock:
            sync_facilities(run)
            sync_catalogue(run, VENDORS)
        sync_catalogue(run, PRODUCTS)
        if with_stock:
            sync_stock(run, mends=True)
    return report


def main(urls: list[str]) -> None:
    settings = load_settings()
    if not urls or urls == ["--stock"]:
        print(json.dumps(sync(settings, with_stock=bool(urls)).as_dict()))
        return
    seconds = []
    for url in urls:
        begun = time.monotonic()
        sync(Settings.model_validate(settings.model_dump() | {"database_url": url}))
        seconds.append(time.monotonic() - begun)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1:])
    gc.freeze()  # as `finale` ends
