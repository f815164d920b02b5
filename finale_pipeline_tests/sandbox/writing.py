"""A client of the sandbox for tests of writes: httpx and json alone."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from finale_pipeline.sandbox.server import SandboxServer

KEY = "RS-20260309-10000"
DRAFT: dict[str, Any] = {
    "orderTypeId": "PURCHASE_ORDER",
    "statusId": "ORDER_CREATED",
    "orderDate": "2026-03-09",
    "receiveDate": "2026-03-23T00:00:00.000Z",
    "destinationFacilityUrl": "/demo/api/facility/10001",
    "orderRoleList": [{"roleTypeId": "SUPPLIER", "partyId": "10000"}],
    "referenceNumber": KEY,
    "privateNotes": "Suggested by the reorder run of 9 March",
    "orderItemList": [
        {"productUrl": "/demo/api/product/P-1", "quantity": 144, "unitPrice": 2.9},
        {"productUrl": "/demo/api/product/P-2", "quantity": 6, "unitPrice": "0.35"},
    ],
}


@dataclass
class Buyer:
    """Reads and writes the account as a client with its key does."""

    sandbox: SandboxServer
    http: httpx.Client

    def post(self, path: str, sent: object) -> httpx.Response:
        return self.http.post(quote(path), json=sent)

    def create(self, **changes: object) -> dict[str, Any]:
        answer = self.post("/demo/api/order/", DRAFT | changes)
        assert answer.status_code == 200, answer.text
        return self.an_order(answer)

    def an_order(self, answer: httpx.Response) -> dict[str, Any]:
        order: dict[str, Any] = answer.json()
        assert order["orderUrl"].startswith("/demo/api/order/"), order
        return order

    def read(self, url: str) -> dict[str, Any]:
        answer = self.http.get(quote(url))
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def find(self, collection: str = "order", **ranges: list[Any]) -> list[dict[str, Any]]:
        """Return the records of a filtered collection."""
        text = base64.b64encode(json.dumps(ranges).encode()).decode()
        columns = self.http.get(f"/demo/api/{collection}/", params={"filter": text}).json()
        count = max(map(len, columns.values()), default=0)
        return [{name: cells[i] for name, cells in columns.items()} for i in range(count)]

    def stock(self) -> list[dict[str, Any]]:
        columns = self.http.get("/demo/api/inventoryitem/").json()
        count = max(map(len, columns.values()))
        return [{name: cells[i] for name, cells in columns.items()} for i in range(count)]

    def on_order(self, order_url: str) -> dict[str, float]:
        """Return the units on order of each product in an order, as the stock tells."""
        return {
            row["productId"]: row["quantityOnOrder"]
            for row in self.stock()
            if row["orderUrl"] == order_url
        }

    def on_hand(self, sku: str) -> float:
        rows = [row for row in self.stock() if row["productId"] == sku]
        return sum(float(row["quantityOnHand"]) for row in rows)

    def control(self, what: str, **sent: object) -> Any:
        return self.http.post(f"/sandbox/{what}", json=sent).json()["answer"]


@contextmanager
def buyer_of(sandbox: SandboxServer) -> Iterator[Buyer]:
    with httpx.Client(
        auth=("sandbox-key", "sandbox-secret"), base_url=sandbox.base_url, timeout=10
    ) as http:
        yield Buyer(sandbox, http)
