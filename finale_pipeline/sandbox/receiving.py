"""Shipments of purchase orders: what comes, and what is still to come."""

from collections import defaultdict
from typing import Any

from finale_pipeline.sandbox.records import Record, Records
from finale_pipeline.sandbox.sales import STAMP, Product, shipment_record, url_of
from finale_pipeline.sandbox.sent import OrderRefused, moment_of
from finale_pipeline.sandbox.states import (
    DELIVERED,
    OPEN_SHIPMENT,
    SHIPMENT_CANCELLED,
    SHIPMENT_STEPS,
    action_urls,
)
from finale_pipeline.sandbox.stock import Stock, coming_rows

Items = list[dict[str, Any]]


class Receiving:
    """The shipments of the orders that POSTs made or changed."""

    def __init__(self, records: Records, stock: Stock) -> None:
        self._records = records
        self._stock = stock
        self._of: dict[str, list[str]] = {}

    def begin(self, order_url: str, *, is_new: bool) -> None:
        """Know an order from now on, with the shipments that one of the account's own has."""
        shipments = () if is_new else self._records.all("shipment")
        self._of[order_url] = [
            s["shipmentUrl"] for s in shipments if s["primaryOrderUrl"] == order_url
        ]

    def urls(self, order_url: str) -> list[str]:
        """Return the urls of an order's shipments."""
        return self._of[order_url]

    def add(self, order: Record, items: Items) -> str:
        """Add a shipment that has not come yet to an order; returns its url.

        Args:
            items: What it will bring; none = what is still to come when it comes.
        """
        urls = self._of[order["orderUrl"]]
        number = f"{order['orderId']}-{len(urls) + 1}"
        at = int(self._records.now().timestamp())
        record = shipment_record(
            number,
            (),
            kind="PURCHASE_SHIPMENT",
            status="SHIPMENT_INPUT",
            order=None,
            created_at=at,
            changed_at=at,
        )
        record |= {
            "shipmentIdUser": number,
            "primaryOrderUrl": order["orderUrl"],
            "shipmentItemList": [self._item(**item) for item in items],
        }
        self._put(record)
        urls.append(record["shipmentUrl"])
        return urls[-1]

    def step(self, url: str, step: str, sent: dict[str, Any]) -> Record:
        """Receive or cancel a shipment; returns it.

        One without items brings what is still to come of its order.

        Raises:
            OrderRefused: It has come or is cancelled, or is none of a purchase.
        """
        shipment = self._records.get("shipment", url)
        is_open = shipment["statusId"] in OPEN_SHIPMENT
        if not is_open or shipment["shipmentTypeId"] != "PURCHASE_SHIPMENT":
            raise OrderRefused("state", f"{step} is not possible: {shipment['statusId']}.")
        change: Record = {"statusId": SHIPMENT_STEPS[step][1]}
        if step == "receive":
            received_at = sent.get("receiveDate")
            at = moment_of("receiveDate", received_at) if received_at else self._records.now()
            order = self._records.get("order", shipment["primaryOrderUrl"])
            items = shipment["shipmentItemList"] or self.to_come(order)
            change |= {"receiveDate": at.strftime(STAMP), "shipmentItemList": items}
            for item in items:
                product = Product(item["productUrl"], item["productId"])
                self._stock.take(product, -item["quantity"])
        return self._put(shipment | change)

    def cancel(self, order_url: str) -> None:
        """Cancel an order's shipments that have not come."""
        for url in self._of[order_url]:
            shipment = self._records.get("shipment", url)
            if shipment["statusId"] in OPEN_SHIPMENT:
                self._put(shipment | {"statusId": SHIPMENT_CANCELLED})

    def to_come(self, order: Record) -> Items:
        """Return the items that would bring what is still to come, one per product."""
        units: dict[tuple[str, str], float] = defaultdict(float)
        for line in order["orderItemList"]:
            if line["productUrl"] is not None:
                units[line["productUrl"], line["productId"]] += line["quantity"]
        for shipment_url in self._of[order["orderUrl"]]:
            shipment = self._records.get("shipment", shipment_url)
            if shipment["statusId"] == DELIVERED:
                for item in shipment["shipmentItemList"]:
                    units[item["productUrl"], item["productId"]] -= item["quantity"]
        return [
            self._item(productUrl=url, productId=sku, quantity=number)
            for (url, sku), number in units.items()
            if number > 0
        ]

    def _item(self, **item: object) -> dict[str, Any]:
        """Return an item at the sublocation where everything arrives."""
        names = ("productUrl", "productId", "quantity")
        return {n: item[n] for n in names} | {"facilityUrl": url_of("facility", 20_000)}

    def expect(self, order: Record, items: Items) -> None:
        """Let the stock show these items as still to come of an order, and no others."""
        url = order["orderUrl"]
        place = order["destinationFacilityUrl"] or url_of("facility", 10_001)
        lines = ((item["productUrl"], item["productId"], item["quantity"]) for item in items)
        self._stock.expect(url, coming_rows(url, place, lines))

    def _put(self, shipment: Record) -> Record:
        urls = action_urls(shipment["shipmentUrl"], shipment["statusId"], SHIPMENT_STEPS)
        return self._records.put("shipment", shipment | urls)
