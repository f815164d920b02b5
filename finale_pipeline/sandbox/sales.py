"""Sales of the simulated account: orders and shipments, past ones and those the clock brings."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

STAMP = "%Y-%m-%dT%H:%M:%S"
DAY = 86_400
MOST_A_DAY = 400


@dataclass(frozen=True, slots=True)
class Product:
    """What a sale needs to know of a product: address, SKU, price."""

    url: str
    sku: str
    price: float = 9.5


@dataclass(frozen=True, slots=True)
class Sale:
    """Goods that left in one shipment.

    Attributes:
        number: Of the order.
        at: When they left, Unix seconds.
        lines: Products and units; a return has units below zero.
    """

    number: str
    at: int
    lines: tuple[tuple[Product, float], ...]


def invented(products: Sequence[Product], seed: int, first: datetime) -> Iterator[Sale]:
    """Yield sales day by day without end; few products sell much, many sell little.

    Args:
        products: What is sold.
        seed: The same one gives the same sales.
        first: Day of the first, UTC.
    """
    begins = int(first.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    a_day = min(MOST_A_DAY, max(5, len(products) // 50))
    serial = 0
    while products:
        dice = random.Random(f"{seed} sales {begins}")  # noqa: S311 - repeatable
        for moment in sorted(dice.randrange(7 * 3600, 20 * 3600) for _ in range(a_day)):
            serial += 1
            lines = tuple(
                (products[int(len(products) * dice.random() ** 3)], float(dice.randrange(1, 5)))
                for _ in range(dice.randrange(1, 5))
            )
            yield Sale(f"S{100_000 + serial}", begins + moment, lines)
        begins += DAY


def order_record(account: str, sale: Sale) -> dict[str, Any]:
    """Return a sale's order as Finale shows it, completed."""
    stamp = datetime.fromtimestamp(sale.at, UTC).strftime(STAMP)
    base = f"/{account}/api/"
    return {
        "orderId": sale.number,
        "orderUrl": f"{base}order/{sale.number}",
        "orderTypeId": "SALES_ORDER",
        "statusId": "ORDER_COMPLETED",
        "orderDate": stamp,
        "receiveDate": None,
        "originFacilityUrl": f"{base}facility/10001",
        "destinationFacilityUrl": None,
        "orderRoleList": [{"roleTypeId": "CUSTOMER", "partyId": "20001"}],
        "orderItemList": [
            {
                "orderItemUrl": f"{base}order/{sale.number}/orderItem/{n:08}",
                "productUrl": product.url,
                "productId": product.sku,
                "quantity": units,
                "unitPrice": product.price,
            }
            for n, (product, units) in enumerate(sale.lines, 1)
        ],
        "orderItemListTotal": round(sum(p.price * units for p, units in sale.lines), 2),
        "shipmentUrlList": [f"{base}shipment/{shipment_number(sale)}"],
        "createdDate": stamp,
        "lastUpdatedDate": stamp,
    }


def shipment_number(sale: Sale) -> str:
    """Return the internal number of a sale's shipment; it is not the one people see."""
    return f"7{sale.number}"


def shipment_record(account: str, sale: Sale) -> dict[str, Any]:
    """Return a sale's shipment as Finale shows it, with its lines."""
    stamp = datetime.fromtimestamp(sale.at, UTC).strftime(STAMP)
    base = f"/{account}/api/"
    return {
        "shipmentId": shipment_number(sale),
        "shipmentIdUser": f"{sale.number}-1",
        "shipmentUrl": f"{base}shipment/{shipment_number(sale)}",
        "shipmentTypeId": "SALES_SHIPMENT",
        "statusId": "SHIPMENT_SHIPPED",
        "primaryOrderUrl": f"{base}order/{sale.number}",
        "shipmentItemList": [
            {
                "productUrl": product.url,
                "productId": product.sku,
                "facilityUrl": f"{base}facility/20000",
                "quantity": units,
            }
            for product, units in sale.lines
        ],
        "shipDate": stamp,
        "receiveDate": None,
        "createdDate": stamp,
        "lastUpdatedDate": stamp,
    }


def purchase_record(account: str, product: Product, units: int, at: int) -> dict[str, Any]:
    """Return a committed purchase order of one product that is due in two weeks."""
    base = f"/{account}/api/"
    number = f"PO-{product.sku}"
    moment = datetime.fromtimestamp(at, UTC)
    return {
        "orderId": number,
        "orderUrl": f"{base}order/{number}",
        "orderTypeId": "PURCHASE_ORDER",
        "statusId": "ORDER_LOCKED",
        "orderDate": moment.strftime(STAMP),
        "receiveDate": (moment + timedelta(days=14)).strftime(STAMP),
        "originFacilityUrl": None,
        "destinationFacilityUrl": f"{base}facility/10001",
        "orderRoleList": [{"roleTypeId": "SUPPLIER", "partyId": "10000"}],
        "orderItemList": [
            {
                "orderItemUrl": f"{base}order/{number}/orderItem/00000001",
                "productUrl": product.url,
                "productId": product.sku,
                "quantity": units,
                "unitPrice": round(product.price * 0.6, 2),
            }
        ],
        "orderItemListTotal": round(product.price * 0.6 * units, 2),
        "shipmentUrlList": [],
        "createdDate": moment.strftime(STAMP),
        "lastUpdatedDate": moment.strftime(STAMP),
    }
