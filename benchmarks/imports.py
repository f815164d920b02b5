"""What importing our definitions costs above importing Dagster, in fresh processes."""

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.ground import Database, clean, measure
from benchmarks.report import Row, compared, single


def cost(server: Database, turns: int) -> Iterator[Row]:
    """Yield the lines; the first pair warms the machine's file cache and is not counted."""
    ours, base = [], []
    for _ in range(turns + 1):
        base.append(measure([sys.executable, "-c", "import dagster"], clean(), server))
        ours.append(
            measure([sys.executable, "-c", "import finale_pipeline.definitions"], clean(), server)
        )
    ours, base = ours[1:], base[1:]
    extra = [o.seconds - b.seconds for o, b in zip(ours, base, strict=True)]
    yield compared("import finale_pipeline.definitions", ours, "import dagster", base)
    yield single("the same, seconds above import dagster", f"{median(extra):.3f}", "≤ 0.08")
