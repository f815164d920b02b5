"""`finale sync`: one strategy, in this process."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import answer, complain, json_option, pass_warehouse
from finale_pipeline.domain.syncs.strategy import PLANS
from finale_pipeline.errors import InterruptedSync, PipelineError
from finale_pipeline.settings import Settings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import STRATEGIES, TABLE_SETS, carry_out
from finale_pipeline.sync.ticks import choose
from finale_pipeline.warehouse import requests, schema
from finale_pipeline.warehouse.connect import connect, database_url
from finale_pipeline.warehouse.leases import Progress


@click.command()
@click.argument("strategy", type=click.Choice([*STRATEGIES, "smart"]))
@click.option("--ignore-pause", is_flag=True, help="Ask even while Finale wants no requests.")
@json_option
@pass_warehouse
def command(settings: Settings, *, strategy: str, ignore_pause: bool, as_json: bool) -> int:
    """Read Finale in this process, without Dagster."""
    if ignore_pause:
        with connect(database_url(settings), name="finale sync") as connection:
            requests.lift_block(connection)
    report = run_strategy(settings, strategy, trigger="cli", bar=sys.stderr.isatty())
    return reported(report, as_json=as_json)


class SyncReport:
    """What a run did, as the commands print it."""

    def __init__(self, strategy: str) -> None:
        self.strategy = strategy
        self.error: PipelineError | None = None
        self.run: SyncRun | None = None
        self._begun = time.monotonic()

    def as_dict(self) -> dict[str, Any]:
        """Return the report; its names are promised."""
        run, error = self.run, self.error
        report: dict[str, Any] = {
            "strategy": self.strategy,
            "status": error.kind.lower() if error else "done",
            "run_id": run.run_id if run else None,
            "seconds": round(time.monotonic() - self._begun, 3),
            "api_calls": run.client.usage.api_calls if run else 0,
            "bytes": run.client.usage.bytes if run else 0,
            "tables": {t: c.as_dict() for t, c in run.counts.items()} if run else {},
        }
        return report | ({"error": str(error), "exit_code": error.exit_code} if error else {})


def run_strategy(
    settings: Settings,
    strategy: str,
    *,
    trigger: str,
    accept_implausible: bool = False,
    bar: bool = False,
) -> SyncReport:
    """Run a strategy under the same rules as everywhere; its failure is in the report.

    `smart` chooses by the age of the last good sync.

    Args:
        accept_implausible: Whether a person wants a held read written.
        bar: Whether to show a progress bar on stderr.
    """
    asked_at = utc_now()
    report = SyncReport(strategy)
    try:
        reason = None
        if strategy == "smart":
            with connect(database_url(settings), name="finale smart") as connection:
                schema.require_current(connection)
                choice = choose(connection, settings, now=asked_at)
            report.strategy = strategy = choice.strategy
            reason = choice.reason
        with (
            _bar(strategy, is_wanted=bar) as progress,
            open_sync(
                settings,
                strategy=strategy,
                trigger=trigger,
                table_sets=TABLE_SETS[strategy],
                asked_at=None if accept_implausible else asked_at,
                reason=reason,
                accept_implausible=accept_implausible,
                on_progress=progress,
            ) as run,
        ):
            report.run = run
            carry_out(run)
            if strategy in PLANS:
                # Forecasts are imported by the runs that make them.
                from finale_pipeline.sync.planning import plan_today

                plan_today(run)
    except PipelineError as error:
        report.error = error
    return report


@contextmanager
def _bar(strategy: str, *, is_wanted: bool) -> Iterator[Callable[[Progress], object] | None]:
    """Show how far a sync is, on a terminal."""
    if not is_wanted:
        yield None
        return
    from tqdm import tqdm  # only for who watches

    layout = "{desc} {percentage:3.0f}%|{bar}| {postfix} [{elapsed}<{remaining}]"
    with tqdm(total=1.0, desc=strategy, bar_format=layout, leave=False) as shown:

        def update(far: Progress) -> None:
            shown.n = far.share or shown.n
            batches = f", batch {far.batch} of {far.batches}" if far.batch else ""
            shown.set_postfix_str(f"{far.step}{batches}, {far.rows:,} rows")

        yield update


def reported(report: SyncReport, *, as_json: bool) -> int:
    """Print a report, and return its exit code."""
    if report.error:
        complain(report.error)
    if as_json or not report.error:
        answer(report.as_dict(), shown, as_json=as_json)
    if isinstance(report.error, InterruptedSync):
        sys.stdout.flush()
        os._exit(report.error.exit_code)  # a lane may still wait for the network
    return report.error.exit_code if report.error else 0


def shown(report: dict[str, Any]) -> str:
    """Return a good report as lines to read."""
    names = ("read", "inserted", "updated", "unchanged", "removed", "rejected")
    lines = [f"{'':28}" + "".join(f"{name:>11}" for name in names)]
    for table, counts in report["tables"].items():
        lines.append(f"{table:28}" + "".join(f"{counts[name]:>11,}" for name in names))
    ended = (
        f"{report['strategy']} sync {report['run_id']} done in {report['seconds']:.1f} s:"
        f" {report['api_calls']} requests, {report['bytes'] / 1e6:.1f} MB"
    )
    return "\n".join([*lines, ended])
