"""What must hold of the data: blocking checks stop what comes after, warnings tell.

They are results of the step that wrote the data, and a person can execute each by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.entries import BY_NAME, PLANNED
from finale_pipeline.resources import Finale
from finale_pipeline.text import markdown

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection


BLOCKS = dg.AssetCheckSeverity.ERROR


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found.

    Attributes:
        passed: Whether it holds.
        why: Why not.
        numbers: What was looked at; a `MetadataValue` is shown as it is.
        severity: How bad this finding is; None = as bad as the check says.
    """

    passed: bool
    why: str
    numbers: dict[str, Any]
    severity: dg.AssetCheckSeverity | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a check may look at.

    Attributes:
        connection: To the warehouse.
        finale: The account and its warehouse.
        run: The sync that has just written the data; None = the check is executed by itself.
    """

    connection: "Connection"
    finale: Finale
    run: "SyncRun | None" = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check of an asset's tables.

    Attributes:
        asset: Which.
        name: Unique within the asset.
        description: What must hold.
        look: Asks the database.
        severity: ERROR stops what comes after, WARN tells.
    """

    asset: str
    name: str
    description: str
    look: Callable[[Look], Found]
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN

    @property
    def is_blocking(self) -> bool:
        """Whether what comes after must not run when it does not hold."""
        return self.severity is BLOCKS

    @property
    def key(self) -> dg.AssetCheckKey:
        """Dagster's name of it."""
        return dg.AssetCheckKey(dg.AssetKey(self.asset), self.name)

    def spec(self) -> dg.AssetCheckSpec:
        """Return it as Dagster knows it."""
        return dg.AssetCheckSpec(
            self.name, asset=self.asset, description=self.description, blocking=self.is_blocking
        )

    def result(self, found: Found) -> dg.AssetCheckResult:
        """Return what it found as Dagster shows it."""
        return dg.AssetCheckResult(
            asset_key=self.asset,
            check_name=self.name,
            passed=found.passed,
            severity=found.severity or self.severity,
            description=markdown(found.why) or None,  # which Dagster's UI renders
            metadata=found.numbers,
        )


def _number(connection: "Connection", query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


def _none(query: str, what: str) -> Callable[[Look], Found]:
    """Return a look that passes when a query counts nothing."""

    def look(look: Look) -> Found:
        count = _number(look.connection, query)
        return Found(count == 0, f"{count} {what}" if count else "", {"count": count})

    return look


def _readable(asset: str) -> Check:
    table = BY_NAME[asset].counts

    def look(look: Look) -> Found:
        row: Any = look.connection.execute(
            "SELECT run_id, counts -> %s ->> 'rejected', counts -> %s ->> 'read' FROM ops.sync_run"
            " WHERE counts ? %s ORDER BY run_id DESC LIMIT 1",
            (table, table, table),
        ).fetchone()
        run_id, rejected, read = (int(value) for value in row) if row else (0, 0, 0)
        if look.run is not None and table in look.run.counts:  # the ledger has them at its end
            counts = look.run.counts[table]
            run_id, rejected, read = look.run.run_id, counts.rejected, counts.read
        limit = look.finale.settings().reject_limit
        passed = rejected <= limit * read
        why = "" if passed else f"{rejected} of {read} rows unreadable; see ops.sync_reject"
        return Found(passed, why, {"rejected": rejected, "read": read, "sync_run": run_id})

    return Check(
        asset,
        "rows_are_readable",
        "At most FINALE_REJECT_LIMIT of the rows are unreadable.",
        look,
        BLOCKS,
    )


def _plausible(look: Look) -> Found:
    """The last run that had to do with stock was not held; one that comes to its checks was not."""
    if look.run is not None:
        return Found(passed=True, why="", numbers={"sync_run": look.run.run_id})
    row = look.connection.execute(
        "SELECT run_id, status, coalesce(error, '') FROM ops.sync_run"
        " WHERE 'stock' = ANY (locks) AND status IN ('done', 'held') ORDER BY run_id DESC LIMIT 1"
    ).fetchone()
    run_id, status, error = row or (0, "done", "")
    return Found(status != "held", str(error), {"sync_run": run_id})


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
            "SELECT count(*) FROM core.stock_level WHERE on_hand_units < 0",
            "products are over-shipped; see mart.stock where on_hand_units < 0",
        ),
    ),
    Check(
        "inventory_levels",
        "every_product_is_new",
        "No product keeps the stock of an older read because a row of its cannot be read.",
        _none(
            "SELECT count(*) FROM core.stock_kept",
            "products have the stock of an older read; see core.stock_kept and `finale status`",
        ),
    ),
    Check(
        "inventory_levels",
        "has_no_orphans",
        "Every product with stock is in the catalogue.",
        _none(
            "SELECT count(DISTINCT e.product_url) FROM core.stock_entry e WHERE NOT EXISTS"
            " (SELECT FROM core.product p WHERE p.product_url = e.product_url"
            " AND p.removed_at IS NULL)",
            "products have stock and are not in the catalogue",
        ),
    ),
    Check(
        "products",
        "skus_are_unique",
        "No two products share a SKU; people could not tell them apart.",
        _none(
            "SELECT count(*) FROM (SELECT sku FROM core.product WHERE removed_at IS NULL"
            " GROUP BY 1 HAVING count(*) > 1) s",
            "SKUs belong to several products; see mart.product grouped by sku",
        ),
    ),
    Check(
        "shipments",
        "has_no_orphans",
        "Every product that was sold is in the catalogue.",
        _none(
            "SELECT count(DISTINCT d.product_url) FROM core.sales_daily d WHERE NOT EXISTS"
            " (SELECT FROM core.product p WHERE p.product_url = d.product_url)",
            "products were sold and never were in the catalogue",
        ),
    ),
    Check(
        "shipments",
        "lines_can_be_counted",
        "Every line has a product and a quantity; else it is missing in the demand.",
        _none(
            "SELECT count(*) FROM core.shipment_line WHERE product_url IS NULL OR units IS NULL",
            "lines without a product or a readable quantity",
        ),
    ),
    Check(
        "shipments",
        "demand_is_dated_by_orders",
        "Of what was shipped at most a twentieth has no sales order behind it; that is dated by"
        " shipping, which pauses while stock is out.",
        _none(
            "SELECT coalesce(sum(units_by_ship_date), 0)::int FROM core.sales_daily"
            " HAVING sum(units_by_ship_date) > 0.05 * sum(units)",
            "units were shipped without a sales order that we know, and are dated by shipping",
        ),
    ),
    Check(
        "shipments",
        "completed_orders_moved",
        "Goods of completed sales orders left by a shipment.",
        _none(
            "SELECT count(*) FROM core.shipment WHERE shipment_type = 'SALES_ORDER_LINES'"
            " AND removed_at IS NULL",
            "completed orders moved no shipment; they count by their lines, see core.shipment",
        ),
    ),
    Check(
        "purchase_orders",
        "has_no_orphans",
        "Every open line has a product of the catalogue, every open order a known vendor.",
        _none(
            "SELECT (SELECT count(*) FROM core.purchase_order_line l WHERE l.open_units > 0"
            " AND NOT EXISTS (SELECT FROM core.product p WHERE p.product_url = l.product_url))"
            " + (SELECT count(*) FROM core.purchase_order WHERE is_open AND vendor_url IS NULL)",
            "open lines without a product, or open orders without a vendor, that we know",
        ),
    ),
)
