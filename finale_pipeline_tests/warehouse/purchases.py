"""Adds purchase orders and receipts to a warehouse that a test fills by hand."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from finale_pipeline.warehouse import receipts
from finale_pipeline_tests.planning.warehouse import Warehouse

Line = tuple[str, int, str]
"""Product, units, price of one."""


class Purchases(Warehouse):
    """A warehouse with purchase orders; what came of them is computed as a sync would."""

    def buy(
        self, number: str, vendor: str, ordered_on: date, due_on: date | None,
        lines: Sequence[Line], *, status: str = "ORDER_LOCKED",
    ) -> str:  # fmt: skip
        """Add an order; return its key."""
        run = self.connection.execute
        url = f"/o/{number}"
        run("UPDATE core.vendor SET vendor_id = name")
        run(
            "INSERT INTO core.purchase_order (order_url, order_id, status, vendor_id, vendor_url,"
            " ordered_on, due_on, total, updated_at, lines_updated_at, payload, first_seen_at,"
            " changed_at, row_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now(), now(), '{}',"
            " now(), now(), 0)",
            (
                url, number, status, vendor, f"/v/{vendor}", ordered_on, due_on,
                sum(units * Decimal(price) for _, units, price in lines),
            ),
        )  # fmt: skip
        for position, (product, units, price) in enumerate(lines, 1):
            run(
                "INSERT INTO core.purchase_order_line (order_url, position, product_url,"
                " quantity_units, unit_price, due_on, changed_at, row_hash)"
                " VALUES (%s, %s, %s, %s, %s, %s, now(), 0)",
                (url, position, product, units, price, due_on),
            )
        return url

    def receive(self, order: str | None, on: date, product: str, units: int) -> None:
        """Add a delivered receipt."""
        self.orders += 1
        url = f"/s/{self.orders}"
        self.connection.execute(
            "INSERT INTO core.shipment (shipment_url, shipment_type, status, order_url,"
            " received_on, updated_at, first_seen_at, changed_at, row_hash) VALUES (%s,"
            " 'PURCHASE_SHIPMENT', 'SHIPMENT_DELIVERED', %s, %s, now(), now(), now(), 0)",
            (url, order, on),
        )
        self.connection.execute(
            "INSERT INTO core.shipment_line (shipment_url, position, product_url, units,"
            " changed_at, row_hash) VALUES (%s, 1, %s, %s, now(), 0)",
            (url, product, units),
        )

    def settle(self) -> None:
        """Bring received and open units up to date."""
        with self.connection.transaction():
            receipts.begin(self.connection, "SELECT order_url FROM core.purchase_order")
            receipts.refresh(self.connection)
