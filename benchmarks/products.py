"""One process: the products of the account, and nothing else, as `finale sync full` reads them.

`python -m benchmarks.products [URL …]` syncs the configured database; with URLs each of those, one
after the other in the same process, and tells the seconds of each: what a warm process needs.
"""

import json
import os
import sys
import time

from finale_pipeline.commands.sync import SyncReport
from finale_pipeline.settings import Settings, load_settings
from finale_pipeline.sync.catalog import PRODUCTS
from finale_pipeline.sync.scan import sync_catalogue
from finale_pipeline.sync.session import open_sync

COMPRESS = "BENCHMARK_COMPRESS"
"""Variable; set = ask for compressed answers although the source is on this machine."""


def sync(settings: Settings) -> SyncReport:
    """Bring core.product, core.product_supplier and core.reorder_rule up to date."""
    report = SyncReport("products")
    with open_sync(
        settings, strategy="full", trigger="benchmark", table_sets=("catalogue",),
        compress=True if COMPRESS in os.environ else None,
    ) as run:  # fmt: skip
        report.run = run
        sync_catalogue(run, PRODUCTS)
    return report


def main(urls: list[str]) -> None:
    settings = load_settings()
    if not urls:
        print(json.dumps(sync(settings).as_dict()))
        return
    seconds = []
    for url in urls:
        begun = time.monotonic()
        sync(Settings.model_validate(settings.model_dump() | {"database_url": url}))
        seconds.append(time.monotonic() - begun)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1:])
