"""How much a day adds to the warehouse: `python -m benchmarks.growth [--products 2500]`.

Reads and plans an account of that size once, lets a day of it pass, and prints what grew, per
table. Of the 96 critical syncs and 24 inventory syncs of a day so many are done as asked for, each
after the stock has moved; what they add is taken so many times. Dagster's own tables grow by runs
and not by products: docs/promises.md has them.
"""

import argparse
import os
import sys
import time
from collections import Counter
from datetime import timedelta

from finale_pipeline.drills.scene import Scene, scratch

A_DAY = 96 + 24
QUARTER = timedelta(minutes=15)
SIZES = """
SELECT n.nspname || '.' || c.relname, pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('core', 'ops', 'plan')
"""
SHOWN = 10


def sizes(scene: Scene) -> Counter[str]:
    """Return the bytes of each table with its indexes, dead rows made room for new ones."""
    scene.rows("VACUUM ANALYZE")
    return Counter(dict(scene.rows(SIZES)))


def well(scene: Scene, strategy: str, *, plans: bool = False) -> None:
    """Carry out a sync.

    Raises:
        SystemExit: It failed.
    """
    begun = time.monotonic()
    result = scene.sync(strategy, plans=plans)
    if result.code:
        sys.exit(result.complaint)
    print(f"{strategy}: {time.monotonic() - begun:.1f} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--products", type=int, default=2_500)
    parser.add_argument("--syncs", type=int, default=24, help="critical syncs that are done")
    options = parser.parse_args()
    print(f"{options.products:,} products, load {os.getloadavg()[0]:.1f} at the start")
    with scratch() as stage, stage.scene(options.products) as scene:
        well(scene, "full", plans=True)
        for _ in range(2):  # the first change of a row takes room that later ones use again
            scene.pass_time(timedelta(days=1))
            scene.account.catch_up()
            well(scene, "active", plans=True)
        start = sizes(scene)
        for _ in range(options.syncs):
            scene.pass_time(QUARTER)
            scene.account.catch_up()
            well(scene, "critical")
        after_syncs = sizes(scene)
        scene.pass_time(timedelta(days=1) - QUARTER * options.syncs)
        scene.account.catch_up()
        well(scene, "active", plans=True)
        end = sizes(scene)
    grown: Counter[str] = Counter()
    for name, size in end.items():
        by_syncs = (after_syncs[name] - start[name]) * A_DAY / options.syncs
        grown[name] = round(by_syncs + size - after_syncs[name])
    print(f"whole warehouse {sum(end.values()) / 1e6:,.1f} MB; a day adds"
          f" {sum(grown.values()) / 1e6:,.2f} MB, of which")  # fmt: skip
    for name, size in grown.most_common(SHOWN):
        print(f"{name:40} {size / 1e6:10.3f} MB, {size / options.products:8.1f} bytes a product")


if __name__ == "__main__":
    main()
