"""From a due tick to done, with real daemons: `python -m benchmarks.latency [--strategy critical]`.

Starts all of `finale dev` in a folder of its own, lets the strategy be due every minute, and splits
each tick: what the scheduler took, the queue, the process with its imports, the sync itself, and
Dagster's own end (checks, last events). The sync's seconds are from the ledger.
"""

import argparse
import itertools
import tempfile
from pathlib import Path
from statistics import median

from finale_pipeline_tests.live import Live

PARTS = ("scheduler", "queue", "process and imports", "sync", "checks and end", "in all")
TICKS = """
SELECT t.tick_at, t.decided_at, r.dagster_run_id, r.started_at, r.finished_at
FROM ops.schedule_tick t JOIN ops.sync_run r ON r.strategy = t.strategy AND r.status = 'done'
 AND r.trigger = 'schedule' AND r.started_at BETWEEN t.tick_at AND t.tick_at + interval '55 s'
WHERE t.is_run AND t.schedule_name = %s ORDER BY 1
"""
EVENTS = """
SELECT max(timestamp) FILTER (WHERE dagster_event_type = 'PIPELINE_STARTING') AT TIME ZONE 'UTC',
       max(timestamp) FILTER (WHERE dagster_event_type = 'PIPELINE_SUCCESS') AT TIME ZONE 'UTC'
FROM event_logs WHERE run_id = %s
"""
OTHERS = ("critical", "inventory", "active", "full", "smart")


def measured(live: Live, strategy: str) -> list[tuple[float, ...]]:
    """Return the seconds of each part, per tick that is done."""
    rows = []
    for tick, decided, run_id, began, finished in live.rows(TICKS, strategy):
        starting, ended = live.dagster_rows(EVENTS, run_id)[0]
        if starting is None or ended is None:
            continue
        moments = (tick, decided, starting, began, finished, ended)
        parts = [(b - a).total_seconds() for a, b in itertools.pairwise(moments)]
        rows.append((*parts, (ended - tick).total_seconds()))
    return rows


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--strategy", default="critical", choices=OTHERS[:3])
    options.add_argument("--products", type=int, default=2500)
    options.add_argument("--ticks", type=int, default=5)
    given = options.parse_args()
    off = {f"FINALE_SCHEDULE_{name.upper()}": "off" for name in OTHERS}
    settings = off | {
        f"FINALE_SCHEDULE_{given.strategy.upper()}": "* * * * *",
        "FINALE_SANDBOX_PRODUCTS": str(given.products),
    }
    with tempfile.TemporaryDirectory(prefix="finale") as folder:
        home = Path(folder)
        home.chmod(0o755)
        with Live(home, **settings) as live:
            seconds = 60 * (given.ticks + 8)
            rows = live.until(
                lambda: (found := measured(live, given.strategy))[given.ticks :] and found,
                f"{given.ticks + 1} ticks are done",
                seconds,
            )[1:]  # the first meets cold caches
    print(
        f"{given.strategy}, {given.products:,} products, {len(rows)} ticks: median (min to max) s"
    )
    for name, values in zip(PARTS, zip(*rows, strict=True), strict=True):
        print(f"  {name:22}{median(values):6.2f}  ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
