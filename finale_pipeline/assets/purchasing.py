"""Forecasts and the purchase plan: what is said of them, and past days that a person backfills."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.entries import AssetEntry
from finale_pipeline.assets.reports import ROWS

if TYPE_CHECKING:
    from finale_pipeline.planning.plan import PlanReport
    from finale_pipeline.warehouse.connect import Connection


def metadata(connection: "Connection", report: "PlanReport", entry: AssetEntry) -> dict[str, Any]:
    """Return what is to be said of a planned day."""
    counts = report.counts[entry.table]
    products = len(report.planned.products)
    numbers: dict[str, Any] = {
        ROWS: counts.read,
        "method": report.method.change or report.method.name,
        "seconds": round(report.seconds, 3),
        "read_seconds": round(report.read_seconds, 3),
        "compute_seconds": round(report.compute_seconds, 3),
        **{f"rows_{name}": count for name, count in counts.as_dict().items()},
    }
    if entry.name == "forecasts":
        numbers["products"] = products
        numbers["coverage"] = (
            round(len(report.planned.demand.keys) / products, 4) if products else 0
        )
    if not products:
        numbers["why_empty"] = _why_empty(connection, report.as_of)
    return numbers


def pictures(connection: "Connection", report: "PlanReport", entry: AssetEntry) -> dict[str, Any]:
    """Return the pictures of a plan: the product of most value, and the classes."""
    from finale_pipeline.planning import pictures as drawn  # nothing at import

    if not len(report.planned.demand.keys):
        return {}
    if entry.name == "purchase_plan":
        table = drawn.abc_xyz_table(report.planned.products)
        return {"classes": _image(drawn.abc_xyz_chart(table))}
    number = drawn.most_valuable(report.planned)
    return {"fan_chart": _image(drawn.fan_chart(connection, report.planned, number))}


def _why_empty(connection: "Connection", day: date) -> str:
    """Say why a day has no plan: a plan begins with the stock of its morning."""
    from finale_pipeline.warehouse.reads.stock import first_day

    first = first_day(connection)
    if first is None:
        return "Stock was never read; run a sync first."
    return f"Stock was first read on {first}; what there was on {day} is not known."


def _image(svg: str) -> dg.MetadataValue[Any]:
    """Return a picture of ours; base64 has no letter that Markdown knows."""
    import base64  # only pictures need it

    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(  # noqa: TID251 - see above
        f"![](data:image/svg+xml;base64,{encoded})"
    )
