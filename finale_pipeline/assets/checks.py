"""What must hold of the data: blocking checks stop what comes after, warnings tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.reports import TABLES
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
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
    look: "Callable[[Connection, Finale], Found]"
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN

    @property
    def is_blocking(self) -> bool:
        """Whether what comes after must not run when it does not hold."""
        return self.severity is BLOCKS


def _number(connection: "Connection", query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    return int(str(row[0])) if row and row[0] is not None else 0


def _none(query: str, what: str) -> "Callable[[Connection, Finale], Found]":
    """Return a look that passes when a query counts nothing."""

    def look(connection: "Connection", _finale: Finale) -> Found:
        count = _number(connection, query)
        return Found(count == 0, f"{count} {what}" if count else "", {"count": count})

    return look


READ_INTO = {"inventory_levels": "core.stock_entry", "purchase_orders": "core.sales_order"}
"""Where the rows of an asset's answers are counted, if not in the table that it shows."""


def _readable(asset: str) -> Check:
    table = READ_INTO.get(asset, TABLES[asset])

    def look(connection: "Connection", finale: Finale) -> Found:
        row = connection.execute(
            "SELECT run_id, counts -> %s ->> 'rejected', counts -> %s ->> 'read' FROM ops.sync_run"
            " WHERE counts ? %s ORDER BY run_id DESC LIMIT 1",
            (table, table, table),
        ).fetchone()
        run_id, rejected, read = (int(str(value)) for value in row) if row else (0, 0, 0)
        limit = finale.settings().reject_limit
        passed = rejected <= limit * read
        why = "" if passed else f"{rejected} of {read} rows unreadable; see ops.sync_reject"
        return Found(passed, why, {"rejected": rejected, "read": read, "sync_run": run_id})

    return Check(
        asset, "rows_are_readable", "At most 1 % of the rows are unreadable.", look, BLOCKS
    )


def _fresh(asset: str, hours: float) -> Check:
    table = READ_INTO.get(asset, TABLES[asset])

    def look(connection: "Connection", finale: Finale) -> Found:
        row = connection.execute(
            "SELECT max(finished_at) FROM ops.sync_run WHERE status = 'done' AND counts ? %s",
            (table,),
        ).fetchone()
        last: Any = row[0] if row else None
        passed = last is not None and finale.now() - last <= timedelta(hours=hours)
        why = "" if passed else f"last read {last or 'never'}, older than {hours:g} h"
        return Found(passed, why, {"last_read": str(last), "hours": hours})

    return Check(asset, "is_fresh", f"Read within {hours:g} hours.", look)


def _plausible(connection: "Connection", _finale: Finale) -> Found:
    """The last run that had to do with stock was not held."""
    row = connection.execute(
        "SELECT run_id, status, coalesce(error, '') FROM ops.sync_run"
        " WHERE 'stock' = ANY (locks) AND status IN ('done', 'held') ORDER BY run_id DESC LIMIT 1"
    ).fetchone()
    run_id, status, error = row or (0, "done", "")
    return Found(status != "held", str(error), {"sync_run": run_id})


CHECKS: tuple[Check, ...] = (
    *(_readable(asset) for asset in TABLES),
    _fresh("facilities", 8 * 24),
    _fresh("products", 8 * 24),
    _fresh("vendors", 8 * 24),
    _fresh("inventory_levels", 3),
    _fresh("purchase_orders", 26),
    _fresh("shipments", 26),
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
        "Demand has its order's day; shipments pause while stock is out, which is no demand.",
        _none(
            "SELECT count(*) FROM core.shipment s WHERE s.dated_by = 'shipment'"
            " AND s.order_url IS NOT NULL",
            "shipments name an order that is not known, and are dated by shipping",
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


def evaluations(
    connection: "Connection",
    finale: Finale,
    assets: tuple[str, ...],
    checks: tuple[Check, ...],
) -> Iterator[dg.AssetCheckEvaluation]:
    """Look at every check of some assets; for jobs that sync them outside of their asset."""
    for check in checks:
        if check.asset in assets:
            found = check.look(connection, finale)
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(check.asset),
                check_name=check.name,
                passed=found.passed,
                metadata={name: _shown(value) for name, value in found.numbers.items()},
                severity=found.severity or check.severity,
                description=found.why or None,
                blocking=check.is_blocking,
            )


def _shown(value: object) -> dg.MetadataValue[Any]:
    """Return a number as one, so that the UI can plot it; anything else as text."""
    if isinstance(value, dg.MetadataValue):
        return value
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    return dg.MetadataValue.text(str(value))


def definition_of(check: Check) -> dg.AssetChecksDefinition:
    """Return the check as Dagster knows it."""

    @dg.asset_check(
        asset=check.asset,
        name=check.name,
        description=check.description,
        blocking=check.is_blocking,
    )
    def definition(finale: Finale) -> dg.AssetCheckResult:
        with finale.warehouse() as connection:
            found = check.look(connection, finale)
        return dg.AssetCheckResult(
            passed=found.passed,
            severity=found.severity or check.severity,
            description=found.why or None,
            metadata={name: _shown(value) for name, value in found.numbers.items()},
        )

    return definition


ASSET_CHECKS = [definition_of(check) for check in CHECKS]
