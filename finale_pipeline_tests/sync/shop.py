"""An account in which nothing happens by itself: tests write its orders and shipments."""

from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.catalog import Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.records import encoded
from finale_pipeline.sandbox.sales import DAY, stamp
from finale_pipeline_tests.conftest import NOW


class Shop:
    """An account without sales of its own, in which tests write orders and shipments."""

    def __init__(self) -> None:
        self.clock = Clock(frozen_at=NOW)
        maker = Maker(3, seed=7, now=NOW, span=timedelta(days=9))
        self.account = Account(maker, self.clock, iter(()), seed=7)

    def put(self, path: str, number: str, *, at: datetime | None = None, **fields: Any) -> str:
        """Write a record; it was changed just now unless said otherwise."""
        table = self.account.tables[path]
        seconds = int((at or self.clock.now()).timestamp())
        url = f"/demo/api/{path}/{number}"
        record = {f"{path}Url": url, "createdDate": stamp(seconds), **fields}
        record["lastUpdatedDate"] = stamp(seconds)
        table.put(seconds, encoded(record), place=table.find(url))
        return url

    def order(self, number: str, ordered: str, status: str = "COMPLETED", **more: Any) -> str:
        kind = {"orderTypeId": "SALES_ORDER", "orderId": number}
        return self.put(
            "order", number, statusId=f"ORDER_{status}", orderDate=ordered, **kind | more
        )

    def shipment(
        self,
        number: str,
        *lines: tuple[str, Any],
        order: str | None = None,
        status: str = "SHIPPED",
        shipped: str | None = None,
        **more: Any,
    ) -> str:
        items = [{"productUrl": f"/demo/api/product/{p}", "quantity": n} for p, n in lines]
        record = {
            "shipmentTypeId": "SALES_SHIPMENT",
            "statusId": f"SHIPMENT_{status}",
            "primaryOrderUrl": order,
            "shipDate": shipped or (stamp(int(NOW.timestamp())) if status == "SHIPPED" else None),
            "shipmentItemList": items,
        }
        return self.put("shipment", number, **record | more)

    def later(self, days: float = 1) -> None:
        self.clock.advance(seconds=days * DAY)
