"""Every asset once: its table, what it depends on, what a day of it means, how old it may be.

To add one, write its entry here, name it in `domain.syncs.strategy.READS` and yield it in
`sync.strategies`; specs, jobs, checks and metadata follow.
"""

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

import dagster as dg

from finale_pipeline.assets.due import longest_allowed, sure_of
from finale_pipeline.assets.keys import key_of
from finale_pipeline.assets.partitions import business_days
from finale_pipeline.domain.syncs.freshness import ALLOWED_HOURS, LOST
from finale_pipeline.domain.syncs.strategy import SYNCS
from finale_pipeline.resources import at_definition
from finale_pipeline.settings import OFF
from finale_pipeline.warehouse import table_columns

CHANGED = "(updated_at AT TIME ZONE %(zone)s)::date"
"""The business day of a record's last change."""
SNAPSHOT = "snapshot_on"

BY_CHANGE = (
    " A day holds the records whose last change lies on it; the days are those of this year and"
    " the last, older records are read without. Reading a day again is harmless: an older version"
    " never replaces a newer one, and nothing is removed."
)
QUIET = (
    "0 rows: nothing was changed on that day that is still so. A full read reads every day, and"
    " tells of those that were never told of."
)
BUYER, ANALYST, OPERATOR = "team:purchasing", "team:analysts", "team:operations"


def column_schema(table: str, *further: str) -> dg.TableSchema:
    """Return a table's columns with their types and comments.

    Args:
        further: Tables that are written with it; their columns are named with the table.
    """
    columns = table_columns.stored_columns()
    return dg.TableSchema(
        [
            dg.TableColumn(
                column if name == table else f"{name.partition('.')[2]}.{column}",
                about["type"],
                about["about"],
                dg.TableColumnConstraints(nullable=about["nullable"], unique=False),
            )
            for name in (table, *further)
            for column, about in columns[name].items()
        ]
    )


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """An asset.

    Attributes:
        source: Finale's collection, or `warehouse` where it is computed.
        deps: Assets whose same day it is made of.
        deps_of_all_days: Assets of which it needs all days.
        day: The business day that a row of the table belongs to, in SQL; None = the table holds
            the present alone.
        counted: The table that its rows are read into, where that is another one.
        also: Further tables that are written with it.
        empty_days: What a day without a materialization means.
    """

    name: str
    table: str
    description: str
    group: str
    source: str
    owner: str
    deps: tuple[str, ...] = ()
    deps_of_all_days: tuple[str, ...] = ()
    day: str | None = None
    counted: str | None = None
    also: tuple[str, ...] = ()
    is_partitioned: bool = True
    empty_days: str = ""

    @property
    def counts(self) -> str:
        """The table whose counts the ledger keeps of it."""
        return self.counted or self.table

    def spec(self) -> dg.AssetSpec:
        """Return it as Dagster knows it."""
        every = dg.AllPartitionMapping()
        described = {
            "dagster/table_name": self.table,
            "dagster/column_schema": column_schema(self.table, *self.also),
        }
        if self.empty_days:
            described["what_an_empty_day_means"] = self.empty_days
        return dg.AssetSpec(
            key_of(self.name),
            deps=[
                *(key_of(n) for n in self.deps),
                *(dg.AssetDep(key_of(n), partition_mapping=every) for n in self.deps_of_all_days),
            ],
            description=" ".join(part for part in (self.description, self.empty_days) if part),
            group_name=self.group,
            owners=[self.owner],
            kinds={"finale", "postgres"} if self.source != "warehouse" else {"postgres"},
            tags={"source": self.source},
            metadata=described,
            code_version=CODE_VERSION,
            skippable=True,
            partitions_def=business_days if self.is_partitioned else None,
            freshness_policy=self._freshness(),
        )

    def _freshness(self) -> dg.FreshnessPolicy:
        crons = {str(at_definition(f"schedule_{n}")) for n in SYNCS if self.name in sure_of(n)}
        allowed = longest_allowed(frozenset(crons - {OFF}), at_definition("timezone"))
        if allowed is None:
            allowed = timedelta(hours=ALLOWED_HOURS.get(self.name, ALLOWED_HOURS["forecasts"]))
        return dg.FreshnessPolicy.time_window(fail_window=LOST * allowed, warn_window=allowed)


CODE_VERSION = version("finale-pipeline")

ENTRIES = (
    AssetEntry(
        "facilities",
        "core.facility",
        "Locations and their sublocations; stock is summed per location. The table is"
        " core.facility.",
        "catalogue", "facility", OPERATOR,
        is_partitioned=False,
    ),
    AssetEntry(
        "vendors",
        "core.vendor",
        "Vendors: parties that have the role SUPPLIER; disabled ones are kept. Ask mart.vendor; the"
        f" tables are core.vendor and vendor_contact.{BY_CHANGE}",
        "catalogue", "partygroup", BUYER,
        also=("core.vendor_contact",), day=CHANGED, empty_days=QUIET,
    ),
    AssetEntry(
        "products",
        "core.product",
        "Products with their suppliers and reorder rules. Ask mart.product; the tables are"
        f" core.product, product_supplier and reorder_rule.{BY_CHANGE} The job full_sync finds what"
        " is gone.",
        "catalogue", "product", ANALYST,
        also=("core.product_supplier", "core.reorder_rule"), day=CHANGED, empty_days=QUIET,
    ),
    AssetEntry(
        "inventory_levels",
        "core.stock_level",
        "Stock of every product today, and its history. Ask mart.stock, stock_by_location and"
        " stock_daily; the tables are core.stock_entry, stock_level, stock_level_by_location and"
        " stock_daily. A read that is empty, cut or suspiciously smaller changes nothing, is"
        " repeated, and is then held for a person.",
        "stock", "inventoryitem", BUYER,
        deps=("facilities",), deps_of_all_days=("products",),
        counted="core.stock_entry",
        also=("core.stock_entry", "core.stock_level_by_location", "core.stock_daily",
              "core.stock_day"),
        empty_days="Finale shows only the present: a day on which stock was not read stays empty"
        " for good, and cannot be backfilled. What was read is in mart.stock_daily.",
    ),
    AssetEntry(
        "critical_items",
        "plan.critical_item",
        "Active, stocked products that are out or low, with supplier, contact, suggestion and why."
        " Left out: what is inactive, removed, no GOOD, or marked doNotReorder at every place. Its"
        " check crossings_are_told mails what crossed a level, once. A past day is computed from"
        " core.stock_daily under the thresholds of today; it sends no mail.",
        "stock", "warehouse", BUYER,
        deps=("inventory_levels",), day=SNAPSHOT,
        empty_days="An empty day was not evaluated; it can be backfilled from the first day whose"
        " stock was read.",
    ),
    AssetEntry(
        "shipments",
        "core.shipment",
        "Shipments with the orders of their day: core.shipment, shipment_line, and"
        " core.sales_daily, the demand per product and business day. Lines are replaced with their"
        f" shipment, so corrections and cancellations count once.{BY_CHANGE}",
        "sales", "shipment", ANALYST,
        deps_of_all_days=("products",), day=CHANGED, empty_days=QUIET,
        also=("core.shipment_line", "core.sales_daily"),
    ),
    AssetEntry(
        "purchase_orders",
        "core.purchase_order",
        "Purchase orders with their lines (each open order that changed is read singly), what came"
        " of them by shipment and what is still to come; and core.sales_order, which dates the"
        f" demand; and core.transfer_order, which never does.{BY_CHANGE}",
        "sales", "order", BUYER,
        deps=("shipments",), deps_of_all_days=("vendors",),
        day=CHANGED, counted="core.sales_order", empty_days=QUIET,
        also=("core.purchase_order_line", "core.sales_order", "core.build", "core.build_line",
              "core.transfer", "core.transfer_order", "core.component_demand"),
    ),
    AssetEntry(
        "forecasts",
        "plan.demand",
        "How fast each product sells, when it runs out, when and how much to order: plan.forecast,"
        " with every input; plan.forecast_by_location, the same shared out by where sales left"
        " from; plan.calibration, what was learnt from peers. A past day is planned from what was"
        " recorded before it, so any range can be backfilled.",
        "planning", "warehouse", ANALYST,
        deps=("inventory_levels",),
        deps_of_all_days=("products", "shipments", "purchase_orders"),
        also=("plan.decision", "plan.forecast_by_location", "plan.calibration",
              "plan.forecast_score"),
        day=SNAPSHOT,
        empty_days="An empty day was not planned; backfill it to see what would have been said.",
    ),
    AssetEntry(
        "purchase_plan",
        "plan.purchase_order_draft_line",
        "What to order, one draft per vendor: plan.purchase_order_draft_line. What lacks a"
        " vendor, a cost or a lead time stays on the list, under needs_data. Written with the"
        " forecasts, in one transaction.",
        "planning", "warehouse", BUYER,
        deps=("forecasts",), deps_of_all_days=("vendors",),
        day=SNAPSHOT,
        empty_days="An empty day was not planned.",
    ),
)  # fmt: skip
"""In the order of the graph, which is the order of reading."""

BY_NAME = {entry.name: entry for entry in ENTRIES}
