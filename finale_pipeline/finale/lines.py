"""Lines of orders and shipments, and who an order was placed with, from their nested lists."""

from collections import defaultdict

import msgspec
import polars as pl

from finale_pipeline.domain.packing import Reading
from finale_pipeline.finale.lists import Note, entries
from finale_pipeline.finale.quantities import (
    Evidence,
    Line,
    evidence_of_orders,
    in_units,
    to_units,
    unit_prices,
)

ORDER_ROWS = {
    "order_url": pl.String,
    "position": pl.Int64,
    "product_url": pl.String,
    "sku": pl.String,
    "quantity_units": pl.Float64,
    "unit_price": pl.Float64,
    "packing": pl.String,
}


class UserFieldDefinition(msgspec.Struct, rename="camel"):
    """An entry of userFieldDefList."""

    attr_name: str | None = None
    label: str | None = None


def _items(
    records: pl.DataFrame, helper: str, source: str, notes: list[Note] | None = None
) -> pl.DataFrame:
    """Return the lines of records by our names; `quantity` as sent."""
    frame = entries(records, helper, source, notes)
    return frame.select(
        frame.columns[0],
        "position",
        pl.col("productUrl").replace("", None).alias("product_url"),
        pl.col("productId").alias("sku"),
        pl.col("facilityUrl").alias("facility_url"),
        "quantity",
        pl.col("unitPrice").alias("unit_price"),
        pl.col("lotId").alias("lot_id"),
        pl.col("normalizedPackingString").alias("packing"),
    )


def shipment_lines(
    shipments: pl.DataFrame, notes: list[Note] | None = None, *, reading: Reading
) -> pl.DataFrame:
    """Return the lines of shipments in units, numbered from 1 in Finale's order.

    Args:
        shipments: With the helper column `items`.
        notes: Gets what of the lists cannot be read.
        reading: What quantities beside a packing count.
    """
    sent = _items(shipments, "items", "shipmentItemList", notes)
    return in_units(sent, {"quantity": "units"}, reading).select(
        "shipment_url",
        "position",
        "product_url",
        "sku",
        "facility_url",
        "units",
        "lot_id",
        "packing",
    )


def order_lines(orders: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Return the lines of orders in units, numbered from 1 in Finale's order.

    No quantity is 0 units. The price is of one unit.

    Args:
        orders: With the helper column `items` and `total`, the sum of the lines where known.
        reading: What quantities beside a packing count.
    """
    totals = dict(orders.select("order_url", "total").iter_rows())
    rows: list[tuple[object, ...]] = []
    for url, items in _order_items(orders).items():
        sent = [line for _, line in items]
        prices = unit_prices(sent, totals[url], reading)
        for (named, (quantity, _, packing)), price in zip(items, prices, strict=True):
            units = to_units(quantity, packing, reading) or 0.0
            rows.append((url, *named, units, price, packing))
    return pl.DataFrame(rows, schema=ORDER_ROWS, orient="row")


def evidence_of_totals(orders: pl.DataFrame) -> Evidence:
    """Judge by orders' totals what quantities beside a packing count.

    Args:
        orders: As `order_lines` takes them.
    """
    totals = dict(orders.select("order_url", "total").iter_rows())
    sent = _order_items(orders).items()
    return evidence_of_orders([([line for _, line in items], totals[u]) for u, items in sent])


def _order_items(
    orders: pl.DataFrame,
) -> dict[str, list[tuple[tuple[int, str | None, str | None], Line]]]:
    """Return per order its lines: position, product and SKU; and what was sent of the line."""
    rows = _items(orders, "items", "orderItemList").select(
        "order_url", "position", "product_url", "sku", "quantity", "unit_price", "packing"
    )
    grouped = defaultdict(list)
    for url, position, product, sku, *line in rows.iter_rows():
        grouped[url].append(((position, product, sku), tuple(line)))
    return grouped


def build_lines(
    builds: pl.DataFrame, notes: list[Note] | None = None, *, reading: Reading
) -> pl.DataFrame:
    """Return what builds use and make, in units; positions run from 1 in each of both lists.

    Args:
        builds: With the helper columns `consumed` and `produced`.
        notes: Gets what of the lists cannot be read.
        reading: What quantities beside a packing count.
    """
    lists = {"consumed": "workEffortConsumeList", "produced": "workEffortProduceList"}
    sent = pl.concat(
        _items(builds, helper, source, notes).with_columns(kind=pl.lit(helper))
        for helper, source in lists.items()
    )
    return in_units(sent, {"quantity": "units"}, reading).select(
        "build_url",
        "kind",
        "position",
        "product_url",
        "facility_url",
        pl.col("units").fill_null(0.0),
        "packing",
    )


def supplier_ids(orders: pl.DataFrame) -> pl.Series:
    """Return the partyId of each order's supplier; null where none is named.

    Args:
        orders: With the helper column `roles`.
    """
    roles = entries(orders, "roles", "orderRoleList").filter(pl.col("roleTypeId") == "SUPPLIER")
    by_url = dict(roles.select("order_url", "partyId").iter_rows())
    return pl.Series("vendor_id", [by_url.get(url) for url in orders["order_url"]], dtype=pl.String)
