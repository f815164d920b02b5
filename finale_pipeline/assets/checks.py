"""What must hold of the data: blocking checks stop what comes after, warnings tell.

They are results of the step that wrote the data, and a person can execute each by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.entries import BY_NAME
from finale_pipeline.assets.keys import key_of
from finale_pipeline.domain.syncs.strategy import PLANNED
from finale_pipeline.resources import Finale
from finale_pipeline.text import markdown

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection


BLOCKS = dg.AssetCheckSeverity.ERROR


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Attributes:
        numbers: What was looked at; a `MetadataValue` is shown as it is.
        severity: How bad this finding is; None = as bad as the check says.
    """

    passed: bool
    why: str
    numbers: dict[str, Any]
    severity: dg.AssetCheckSeverity | None = None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check may look at; without a run that has just written, it is executed alone."""

    connection: "Connection"
    finale: Finale
    run: "SyncRun | None" = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check of an asset's tables.

    Attributes:
        is_hourly: Whether the critical sync leaves it to the larger ones: what it watches stays
            until somebody mends it, and each evaluation is kept.
    """

    asset: str
    name: str
    description: str
    look: Callable[[CheckContext], CheckResult]
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN
    is_hourly: bool = False

    @property
    def is_blocking(self) -> bool:
        """Whether what comes after must not run when it does not hold."""
        return self.severity is BLOCKS

    @property
    def key(self) -> dg.AssetCheckKey:
        """Dagster's name of it."""
        return dg.AssetCheckKey(key_of(self.asset), self.name)

    def spec(self) -> dg.AssetCheckSpec:
        """Return it as Dagster knows it."""
        return dg.AssetCheckSpec(
            self.name,
            asset=key_of(self.asset),
            description=self.description,
            blocking=self.is_blocking,
        )

    def result(self, outcome: CheckResult) -> dg.AssetCheckResult:
        """Return what it found as Dagster shows it."""
        return dg.AssetCheckResult(
            asset_key=key_of(self.asset),
            check_name=self.name,
            passed=outcome.passed,
            severity=outcome.severity or self.severity,
            description=markdown(outcome.why) or None,  # which Dagster's UI renders
            metadata=outcome.numbers,
        )


def _none(amiss: str, what: str) -> Callable[[CheckContext], CheckResult]:
    """Return a look that passes when there is nothing of what is amiss, by `reads.checks`."""

    def look(look: CheckContext) -> CheckResult:
        from finale_pipeline.warehouse.reads import checks  # nothing at import

        count = checks.amiss(look.connection, amiss)
        return CheckResult(count == 0, f"{count} {what}" if count else "", {"count": count})

    return look


def _readable(asset: str) -> Check:
    table = BY_NAME[asset].counts

    def look(look: CheckContext) -> CheckResult:
        from finale_pipeline.warehouse.reads import checks  # nothing at import

        read = checks.last_read(look.connection, table)
        if look.run is not None and table in look.run.counts:  # the ledger has them at its end
            counts = look.run.counts[table]
            read = checks.Read(look.run.run_id, counts.rejected, counts.read)
        passed = read.rejected <= look.finale.settings().reject_limit * read.read
        why = f"{read.rejected} of {read.read} rows unreadable; see ops.sync_reject"
        numbers = {"rejected": read.rejected, "read": read.read, "sync_run": read.run_id}
        return CheckResult(passed, "" if passed else why, numbers)

    return Check(
        asset,
        "rows_are_readable",
        "At most FINALE_REJECT_LIMIT of the rows are unreadable.",
        look,
        BLOCKS,
    )


def _plausible(look: CheckContext) -> CheckResult:
    """The last run that had to do with stock was not held; one that comes to its checks was not."""
    from finale_pipeline.warehouse.reads import checks  # nothing at import

    if look.run is not None:
        return CheckResult(passed=True, why="", numbers={"sync_run": look.run.run_id})
    run = checks.last_stock_run(look.connection)
    is_held = run.get("status") == "held"
    return CheckResult(not is_held, run.get("error", ""), {"sync_run": run.get("run_id", 0)})


READ_CHECKS: tuple[Check, ...] = (
    *(_readable(name) for name in BY_NAME if name not in {*PLANNED, "critical_items"}),
    Check(
        "inventory_levels",
        "is_plausible",
        "Not suddenly empty, not a fifth smaller, no place gone; else the read is held.",
        _plausible,
        BLOCKS,
    ),
    Check(
        "inventory_levels",
        "has_no_negative_stock",
        "No product is over-shipped.",
        _none(
            "negative_stock", "products are over-shipped; see mart.stock where on_hand_units < 0"
        ),
        is_hourly=True,
    ),
    Check(
        "inventory_levels",
        "every_product_is_new",
        "No product keeps the stock of an older read because a row of its cannot be read.",
        _none(
            "older_stock",
            "products have the stock of an older read; see core.stock_kept and `finale status`",
        ),
        is_hourly=True,
    ),
    Check(
        "inventory_levels",
        "has_no_orphans",
        "Every product with stock is in the catalogue.",
        _none("stock_without_product", "products have stock and are not in the catalogue"),
        is_hourly=True,
    ),
    Check(
        "products",
        "skus_are_unique",
        "No two products share a SKU; people could not tell them apart.",
        _none("shared_skus", "SKUs belong to several products; see mart.product grouped by sku"),
    ),
    Check(
        "shipments",
        "has_no_orphans",
        "Every product that was sold is in the catalogue.",
        _none("sales_without_product", "products were sold and never were in the catalogue"),
    ),
    Check(
        "shipments",
        "lines_can_be_counted",
        "Every line has a product and a quantity; else it is missing in the demand.",
        _none("uncountable_lines", "lines without a product or a readable quantity"),
    ),
    Check(
        "shipments",
        "demand_is_dated_by_orders",
        "Of what was shipped at most a twentieth has no sales order behind it; that is dated by"
        " shipping, which pauses while stock is out.",
        _none(
            "units_by_ship_date",
            "units were shipped without a sales order that we know, and are dated by shipping",
        ),
    ),
    Check(
        "shipments",
        "completed_orders_moved",
        "Goods of completed sales orders left by a shipment.",
        _none(
            "unshipped_orders",
            "completed orders moved no shipment; they count by their lines, see core.shipment",
        ),
    ),
    Check(
        "purchase_orders",
        "has_no_orphans",
        "Every open line has a product of the catalogue, every open order a known vendor.",
        _none(
            "orders_without_product_or_vendor",
            "open lines without a product, or open orders without a vendor, that we know",
        ),
    ),
)
