"""Lines of orders and shipments, and who an order was placed with, from their nested lists."""

import msgspec
import polars as pl

from finale_pipeline.domain.packing import Reading
from finale_pipeline.finale.nested import entries, number, numbered
from finale_pipeline.finale.quantities import (
    Evidence,
    Line,
    evidence_of_orders,
    to_units,
    unit_prices,
)

ITEM_ROWS = {"position": pl.Int64, "product_url": pl.String, "sku": pl.String}
SHIPMENT_ROWS = {
    "shipment_url": pl.String,
    **ITEM_ROWS,
    "facility_url": pl.String,
    "units": pl.Float64,
    "lot_id": pl.String,
    "packing": pl.String,
}
ORDER_ROWS = {
    "order_url": pl.String,
    **ITEM_ROWS,
    "quantity_units": pl.Float64,
    "unit_price": pl.Float64,
    "packing": pl.String,
}

BUILD_ROWS = {
    "build_url": pl.String,
    "kind": pl.String,
    "position": pl.Int64,
    "product_url": pl.String,
    "facility_url": pl.String,
    "units": pl.Float64,
    "packing": pl.String,
}


class ShipmentItem(msgspec.Struct, rename="camel"):
    """An entry of shipmentItemList; what is no number in `quantity` becomes null."""

    product_url: str | None = None
    product_id: str | None = None
    facility_url: str | None = None
    quantity: object = None
    lot_id: str | None = None
    normalized_packing_string: str | None = None


class OrderItem(msgspec.Struct, rename="camel"):
    """An entry of orderItemList."""

    product_url: str | None = None
    product_id: str | None = None
    quantity: object = None
    unit_price: object = None
    normalized_packing_string: str | None = None


class BuildItem(msgspec.Struct, rename="camel"):
    """An entry of workEffortConsumeList or workEffortProduceList."""

    product_url: str | None = None
    product_id: str | None = None
    facility_url: str | None = None
    quantity: object = None
    normalized_packing_string: str | None = None


class UserFieldDefinition(msgspec.Struct, rename="camel"):
    """An entry of userFieldDefList."""

    attr_name: str | None = None
    label: str | None = None


class Role(msgspec.Struct, rename="camel"):
    """An entry of orderRoleList."""

    role_type_id: str | None = None
    party_id: str | None = None


def shipment_lines(shipments: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Return the lines of shipments in units, numbered from 1 in Finale's order.

    Args:
        shipments: With the helper column `items`.
        reading: What quantities beside a packing count.
    """
    rows: list[tuple[object, ...]] = []
    for url, position, item in numbered(shipments, "shipment_url", "items", ShipmentItem):
        rows.append(
            (
                url,
                position,
                item.product_url or None,
                item.product_id,
                item.facility_url,
                to_units(_number(item.quantity), item.normalized_packing_string, reading),
                item.lot_id,
                item.normalized_packing_string,
            )
        )
    return pl.DataFrame(rows, schema=SHIPMENT_ROWS, orient="row")


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
        sent = [_sent(item) for _, item in items]
        prices = unit_prices(sent, totals[url], reading)
        for (position, item), (quantity, _, packing), price in zip(
            items, sent, prices, strict=True
        ):
            units = to_units(quantity, packing, reading) or 0.0
            product = item.product_url or None
            rows.append((url, position, product, item.product_id, units, price, packing))
    return pl.DataFrame(rows, schema=ORDER_ROWS, orient="row")


def evidence_of_totals(orders: pl.DataFrame) -> Evidence:
    """Judge by orders' totals what quantities beside a packing count.

    Args:
        orders: As `order_lines` takes them.
    """
    totals = dict(orders.select("order_url", "total").iter_rows())
    sent = _order_items(orders).items()
    return evidence_of_orders(
        [([_sent(item) for _, item in items], totals[url]) for url, items in sent]
    )


def _order_items(orders: pl.DataFrame) -> dict[str, list[tuple[int, OrderItem]]]:
    grouped: dict[str, list[tuple[int, OrderItem]]] = {}
    for url, position, item in numbered(orders, "order_url", "items", OrderItem):
        grouped.setdefault(url, []).append((position, item))
    return grouped


def _sent(item: OrderItem) -> Line:
    return _number(item.quantity), _number(item.unit_price), item.normalized_packing_string


def build_lines(builds: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Return what builds use and make, in units; positions run from 1 in each of both lists.

    Args:
        builds: With the helper columns `consumed` and `produced`.
        reading: What quantities beside a packing count.
    """
    rows: list[tuple[object, ...]] = []
    for kind in ("consumed", "produced"):
        for url, position, item in numbered(builds, "build_url", kind, BuildItem):
            packing = item.normalized_packing_string
            units = to_units(_number(item.quantity), packing, reading) or 0.0
            product = item.product_url or None
            rows.append((url, kind, position, product, item.facility_url, units, packing))
    return pl.DataFrame(rows, schema=BUILD_ROWS, orient="row")


def supplier_ids(orders: pl.DataFrame) -> pl.Series:
    """Return the partyId of each order's supplier; null where none is named.

    Args:
        orders: With the helper column `roles`.
    """
    by_url = {
        url: role.party_id
        for url, role in entries(orders, "order_url", "roles", Role)
        if role.role_type_id == "SUPPLIER"
    }
    return pl.Series("vendor_id", [by_url.get(url) for url in orders["order_url"]], dtype=pl.String)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return number(value)
