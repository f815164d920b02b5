"""Forecasts and the purchase plan: computed from the warehouse, for today or any past day."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.catalog import KINDS, OWNERS, products, vendors
from finale_pipeline.assets.failures import failures, tell_checks
from finale_pipeline.assets.plan_checks import PLAN_CHECKS
from finale_pipeline.assets.reports import column_schema
from finale_pipeline.assets.sales import purchase_orders, shipments
from finale_pipeline.assets.stock import TODAYS_STOCK, inventory_levels, snapshot_days
from finale_pipeline.clock import business_day
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
    from finale_pipeline.planning.plan import PlanReport
    from finale_pipeline.warehouse.connect import Connection

SHOWN = {"forecasts": "plan.demand", "purchase_plan": "plan.purchase_order_draft_line"}
"""The table each asset shows its rows and columns of."""

EVERY_PRODUCT = dg.AssetDep(products, partition_mapping=dg.AllPartitionMapping())
EVERY_SHIPMENT = dg.AssetDep(shipments, partition_mapping=dg.AllPartitionMapping())
EVERY_ORDER = dg.AssetDep(purchase_orders, partition_mapping=dg.AllPartitionMapping())
EVERY_VENDOR = dg.AssetDep(vendors, partition_mapping=dg.AllPartitionMapping())


@dg.multi_asset(
    name="plan",
    specs=[
        dg.AssetSpec(
            "forecasts",
            deps=[
                dg.AssetDep(inventory_levels, partition_mapping=TODAYS_STOCK),
                EVERY_PRODUCT,
                EVERY_SHIPMENT,
                EVERY_ORDER,
            ],
            group_name="planning",
            owners=OWNERS,
            kinds=KINDS,
            tags={"source": "warehouse"},
            description="How fast each product sells, when it runs out, when and how much to order:"
            " plan.forecast, with every input; plan.forecast_by_location, the same shared out by"
            " where sales left from; plan.calibration, what was learnt from peers. A past day is"
            " planned from what was recorded before it, so any range can be backfilled.",
        ),
        dg.AssetSpec(
            "purchase_plan",
            deps=["forecasts", EVERY_VENDOR],
            group_name="planning",
            owners=OWNERS,
            kinds=KINDS,
            tags={"source": "warehouse"},
            description="What to order, one draft per vendor: the lines of"
            " plan.purchase_order_draft_line. What lacks a vendor, a cost or a lead time stays"
            " on the list, under needs_data. Written with the forecasts, in one transaction.",
        ),
    ],
    # Both are written together whichever is chosen; only the chosen one is told of.
    can_subset=True,
    partitions_def=snapshot_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def plan(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Plan the chosen days, the oldest first."""
    from finale_pipeline.planning.plan import plan_days  # noqa: PLC0415 - nothing at import

    days = [date.fromisoformat(key) for key in context.partition_keys]
    with failures(context, finale, ()), finale.warehouse() as connection:
        for report in plan_days(connection, days, finale.settings(), now=finale.now()):
            context.log.info("%s: %s in %.1f s", report.as_of, report.method.name, report.seconds)
        chosen = {key.to_user_string() for key in context.selected_asset_keys}
        for asset, table in SHOWN.items():
            if asset not in chosen:
                continue
            said = _metadata(connection, report, table, days=len(days))
            yield dg.MaterializeResult(asset_key=asset, metadata=said | _pictures(report, asset))


def plan_today(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Plan today after a sync, and tell the assets and their checks.

    In a transaction of its own, after the sync's end: should it fail, what was read stays good.
    """
    from finale_pipeline.planning.plan import last_observed, plan_day  # noqa: PLC0415

    settings, now = finale.settings(), finale.now()
    with failures(context, finale, ()), finale.warehouse() as connection:
        # A sandbox's clock may be ahead of ours; stock that was read is of its day.
        observed = last_observed(connection) or date.min
        today = max(business_day(now, settings.zone), observed)
        report = plan_day(connection, today, settings, now=now)
        for asset, table in SHOWN.items():
            said = _metadata(connection, report, table, days=1) | _pictures(report, asset)
            event = dg.AssetMaterialization(asset, partition=today.isoformat(), metadata=said)
            context.log_event(event)
    tell_checks(context, finale, tuple(SHOWN), PLAN_CHECKS)


def _metadata(
    connection: "Connection", report: "PlanReport", table: str, *, days: int
) -> dict[str, Any]:
    """Return what a materialization says of the last day of its run."""
    counts = report.counts[table]
    return {
        "dagster/row_count": counts.read,
        "dagster/table_name": table,
        "dagster/column_schema": column_schema(connection, table),
        "last_day": report.as_of.isoformat(),
        "days": days,
        "method": report.method.change or report.method.name,
        "seconds": round(report.seconds, 3),
        "read_seconds": round(report.read_seconds, 3),
        "compute_seconds": round(report.compute_seconds, 3),
        **{f"rows_{name}": count for name, count in counts.as_dict().items()},
    }


def _pictures(report: "PlanReport", asset: str) -> dict[str, Any]:
    """Return the pictures of the plan: the product of most value, and the classes."""
    from finale_pipeline.planning import pictures  # noqa: PLC0415 - nothing at import

    if not len(report.planned.demand.keys):
        return {}
    if asset == "purchase_plan":
        table = pictures.abc_xyz_table(report.planned.products)
        return {"classes": _image(pictures.abc_xyz_chart(table))}
    fan = pictures.fan_of(report.known, report.planned, pictures.most_valuable(report.planned))
    return {"fan_chart": _image(pictures.fan_chart(fan))}


def _image(png: bytes) -> dg.MarkdownMetadataValue:
    import base64  # noqa: PLC0415 - only pictures need it

    return dg.MetadataValue.md(f"![](data:image/png;base64,{base64.b64encode(png).decode()})")
