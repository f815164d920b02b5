"""What real accounts have beside plain products: cases, kits, builds, transfers, dropship, returns.

Each is a few records that look like Finale's own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.sandbox.sales import STAMP, url_of
from finale_pipeline.sandbox.stock import stock_row

Record = tuple[str, dict[str, Any]]
"""A collection's path and a record of it."""


class Shapes:
    """Makes the records of an account.

    Args:
        now: Its time, UTC; everything happened in the days before.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now

    def records(self) -> Iterator[Record]:
        """Yield every record."""
        yield from self._products()
        yield from self._stock()
        yield from self._orders()
        yield from self._shipments()
        yield from self._movements()

    def _stamp(self, days: float = 0) -> str:
        return (self._now - timedelta(days=days)).strftime(STAMP)

    def _product(self, sku: str, **more: Any) -> Record:
        return "product", {
            "productId": sku, "productUrl": url_of("product", f"shape-{sku}"),
            "internalName": f"Shape {sku}", "statusId": "PRODUCT_ACTIVE", "productTypeId": "GOOD",
            "lastUpdatedDate": self._stamp(1), **more,
        }

    def _products(self) -> Iterator[Record]:
        parts = [self._item("PART-A", 3), self._item("PART-B", "1")]
        associations = [{"productAssocTypeId": "MANUF_COMPONENT", "productAssocItemList": parts}]
        yield self._product("CASE-12", normalizedPackingString="12 cs 12/1")
        yield self._product("LOTTED")
        yield self._product("KIT", productAssocList=associations)
        yield self._product("PART-A")
        yield self._product("PART-B")
        fields = [{"attrName": "user_10002", "attrValue": "Yes"}]
        yield self._product("SHIPPED-BY-VENDOR", userFieldDataList=fields)
        yield (
            "customization",
            {
                "customizationUrl": url_of("customization", "PRIMARY"),
                "userFieldDefList": [
                    {"attrName": "user_10001", "label": "Shelf"},
                    {"attrName": "user_10002", "label": "Dropshipped"},
                ],
            },
        )

    def _item(self, sku: str, quantity: object, packing: str | None = None) -> dict[str, Any]:
        item = {
            "productId": sku, "productUrl": url_of("product", f"shape-{sku}"),
            "quantity": quantity,
        }
        return item | ({"normalizedPackingString": packing} if packing else {})

    def _row(self, sku: str, *, place: str | None = "20000", **more: Any) -> Record:
        parent = url_of("facility", "10001") if place == "20000" else None
        return "inventoryitem", stock_row(
            url_of("product", f"shape-{sku}"), sku, place and url_of("facility", place),
            parentFacilityUrl=parent, **more,
        )

    def _stock(self) -> Iterator[Record]:
        case = {"normalizedPackingString": "12 cs 12/1"}
        yield self._row("CASE-12", quantityOnHand=1)
        yield self._row("CASE-12", quantityOnHand="10", **case)
        coming, going = url_of("order", "shape-po"), url_of("order", "shape-so")
        yield self._row("CASE-12", place=None, quantityOnOrder=5, orderUrl=coming, **case)
        more = {"normalizedPackingString": "24/4/2/1", "orderUrl": going}
        yield self._row("CASE-12", place="10001", quantityReserved=1, **more)
        lot = {"lotId": "L_77", "expirationDate": self._stamp(-200)}
        yield self._row("LOTTED", quantityOnHand=2, normalizedPackingString="6/1", **lot)
        yield self._row("LOTTED", place="20001", quantityOnHand=3, lotId="L_78")
        yield self._row("PART-A", quantityOnHand=50)
        yield self._row("PART-B", quantityOnHand=20)

    def _order(self, number: str, kind: str, status: str, **more: Any) -> Record:
        items = more.pop("items", [])
        return "order", {
            "orderId": more.pop("name", number.upper()), "orderUrl": url_of("order", number),
            "orderTypeId": kind, "statusId": f"ORDER_{status}", "orderDate": self._stamp(10),
            "orderItemList": items, "lastUpdatedDate": self._stamp(5), **more,
        }

    def _orders(self) -> Iterator[Record]:
        vendor = [{"roleTypeId": "SUPPLIER", "partyId": "10000"}]
        bought = self._item("CASE-12", 5, "12 cs 12/1") | {"unitPrice": 30}
        yield self._order(
            "shape-po", "PURCHASE_ORDER", "LOCKED", orderRoleList=vendor, items=[bought],
            orderItemListTotal=150, destinationFacilityUrl=None,
        )
        yield self._order("shape-so", "SALES_ORDER", "LOCKED", saleSourceId="SHOP")
        yield self._order("shape-shipped", "SALES_ORDER", "COMPLETED", saleSourceId="SHOP")
        yield self._order("shape-fo", "FULFILLMENT_ORDER", "LOCKED")
        yield self._order(
            "shape-unmoved", "SALES_ORDER", "COMPLETED",
            items=[self._item("CASE-12", 2, "12 cs 12/1")],
        )
        yield self._order("shape-transfer", "TRANSFER_ORDER", "LOCKED")
        dropped = self._item("SHIPPED-BY-VENDOR", 9)
        yield self._order(
            "shape-sold", "SALES_ORDER", "COMPLETED", name="23248727", items=[dropped]
        )
        yield self._order(
            "shape-dropped", "PURCHASE_ORDER", "LOCKED", name="23248727-SF1-DropshipPO",
            orderRoleList=vendor, items=[dropped],
        )

    def _shipment(self, number: str, kind: str, status: str, *items: Any, **more: Any) -> Record:
        return "shipment", {
            "shipmentUrl": url_of("shipment", f"shape-{number}"), "shipmentIdUser": number,
            "shipmentTypeId": kind, "statusId": f"SHIPMENT_{status}",
            "shipmentItemList": list(items), "lastUpdatedDate": self._stamp(4), **more,
        }

    def _shipments(self) -> Iterator[Record]:
        left = {"shipDate": self._stamp(6)}
        case = self._item("CASE-12", 12, "12 cs 12/1")
        order = url_of("order", "shape-shipped")
        yield self._shipment("1", "SALES_SHIPMENT", "SHIPPED", case, primaryOrderUrl=order, **left)
        order = url_of("order", "shape-fo")
        many, kit = self._item("LOTTED", 57), self._item("KIT", 4)
        yield self._shipment(
            "2", "SALES_SHIPMENT", "DELIVERED", many, primaryOrderUrl=order, **left
        )
        yield self._shipment("3", "SALES_SHIPMENT", "DELIVERED", kit, **left)
        yield self._shipment(
            "4", "SALES_SHIPMENT", "INPUT", primaryOrderUrl=url_of("order", "shape-unmoved")
        )
        yield self._shipment(
            "5", "SALES_RETURN_SHIPMENT", "DELIVERED", self._item("LOTTED", 3),
            primaryReturnUrl=url_of("return", "1"), receiveDate=self._stamp(2),
        )
        places = {
            "originFacilityUrl": url_of("facility", "10001"),
            "destinationFacilityUrl": url_of("facility", "10002"),
        }
        yield self._shipment("TR-1", "TRANSFER", "SHIPPED", self._item("PART-A", 7), **places)

    def _movements(self) -> Iterator[Record]:
        used = [self._item("PART-A", 6), self._item("PART-B", 2)]
        for number, status, at in (("b1", "COMPLETED", self._stamp(3)), ("b2", "CREATED", None)):
            yield "workeffort", {
                "workEffortId": number, "workEffortUrl": url_of("workeffort", number),
                "statusId": f"PRUN_{status}", "completeDate": at,
                "workEffortConsumeList": used, "workEffortProduceList": [self._item("LOTTED", 2)],
                "lastUpdatedDate": self._stamp(3),
            }
        yield "inventorytransfer", {
            "inventoryTransferUrl": url_of("inventorytransfer", "t1"),
            "productUrl": url_of("product", "shape-PART-B"), "quantity": "4",
            "facilityUrlFrom": url_of("facility", "20000"),
            "facilityUrlTo": url_of("facility", "10002"),
            "sendDate": self._stamp(3), "receiveDate": None, "lastUpdatedDate": self._stamp(3),
        }
