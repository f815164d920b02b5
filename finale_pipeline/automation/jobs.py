"""A job per strategy: the assets that it reads, and after the large ones the plan."""

from typing import TYPE_CHECKING

import dagster as dg

from finale_pipeline.assets.account import CHECKS
from finale_pipeline.assets.keys import key_of
from finale_pipeline.domain.syncs.strategy import assets_of
from finale_pipeline.domain.syncs.tags import STRATEGY

if TYPE_CHECKING:
    # Dagster exports what makes it and not its type.
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

JOBS = {
    "critical": (0.5, "Reads all stock, for what runs out; the fastest."),
    "inventory": (0.5, "Reads all places and all stock."),
    "active": (
        2,
        "Reads what changed of places, vendors, products in use and sales, and all stock.",
    ),
    "full": (4, "Reads the whole account, and marks removed what is gone."),
    "vendors": (0.5, "Reads all vendors."),
    "sales": (4, "Reads orders and shipments that changed; the first time all history."),
    "smart": (4, "Runs the strategy that fits the age of the last good sync, and says why."),
}
"""Of each: hours until Dagster ends it, the last of several nets; and what it does."""


def _selection(strategy: str) -> dg.AssetSelection:
    """Return a strategy's assets with their checks; the most frequent one leaves some out."""
    names = assets_of("full" if strategy == "smart" else strategy)
    assets = dg.AssetSelection.assets(*map(key_of, names))
    if strategy != "critical":
        return assets
    checks = [c.key for c in CHECKS if c.asset in names and not c.is_hourly]
    return assets.without_checks() | dg.AssetSelection.checks(*checks)


def _job(strategy: str) -> "UnresolvedAssetJobDefinition":
    """Return the job of a strategy: one step, in the run's own process, so that it starts fast."""
    # Smart's strategy is known when it starts.
    named = {} if strategy == "smart" else {STRATEGY: strategy}
    hours, description = JOBS[strategy]
    return dg.define_asset_job(
        f"{strategy}_sync",
        selection=_selection(strategy),
        executor_def=dg.in_process_executor,
        tags=named
        | {
            "dagster/max_runtime": str(int(hours * 3600)),
            "dagster/priority": "10" if strategy == "critical" else "0",
        },
        description=description,
    )


SYNC_JOBS = {strategy: _job(strategy) for strategy in JOBS}
