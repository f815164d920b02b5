"""Fills a warehouse by hand: products, stock and its history, sales, open orders."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection

AS_OF = date(2026, 3, 9)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
SETTINGS = Settings.model_validate({"account": None})


@dataclass
class Warehouse:
    """A warehouse to put rows into; every call commits."""

    connection: Connection
    orders: int = field(default=0)

    def __post_init__(self) -> None:
        self.connection.execute("INSERT INTO core.stock_day VALUES (%s, now())", (AS_OF,))

    def product(
        self,
        sku: str,
        *,
        available: float | None = 0,
        on_order: float = 0,
        active: bool = True,
        cost: str | None = "2.5",
        vendor: str | None = "acme",
        lead_days: float | None = 14,
        pack: float | None = None,
    ) -> str:
        """Add a product, its stock now and its supplier; return its key."""
        url = f"/p/{sku}"
        status = "PRODUCT_ACTIVE" if active else "PRODUCT_INACTIVE"
        self.connection.execute(
            "INSERT INTO core.product (product_url, sku, status, cost, pack_units, payload,"
            " first_seen_at, changed_at, row_hash)"
            " VALUES (%s, %s, %s, %s, %s, '{}', now(), now(), 0)",
            (url, sku, status, cost, pack),
        )
        if available is not None:
            self.connection.execute(
                "INSERT INTO core.stock_level (product_url, on_hand_units, reserved_units,"
                " on_order_units, changed_at) VALUES (%s, %s, 0, %s, now())",
                (url, available, on_order),
            )
        if vendor is not None:
            self.supplier(url, vendor, cost, lead_days)
        return url

    def supplier(self, url: str, vendor: str, price: str | None, lead_days: float | None) -> None:
        """Name the product's main supplier."""
        self.connection.execute(
            "INSERT INTO core.vendor (vendor_url, name, payload, first_seen_at, changed_at,"
            " row_hash) VALUES (%s, %s, '{}', now(), now(), 0) ON CONFLICT DO NOTHING",
            (f"/v/{vendor}", vendor),
        )
        self.connection.execute(
            "INSERT INTO core.product_supplier (product_url, vendor_url, is_main, price, currency,"
            " lead_time_days, changed_at, row_hash) VALUES (%s, %s, true, %s, 'USD', %s, now(), 0)",
            (url, f"/v/{vendor}", price, lead_days),
        )

    def sales(self, url: str, units: list[float], *, until: date = AS_OF) -> None:
        """Add sales of the days before one, the last one's last."""
        first = until - timedelta(days=len(units))
        rows = [(url, first + timedelta(days=n), sold) for n, sold in enumerate(units) if sold]
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO core.sales_daily (product_url, sold_on, units, orders, dated_by,"
                " units_by_ship_date, changed_at) VALUES (%s, %s, %s, 1, 'order', 0, now())",
                rows,
            )

    def rule(
        self,
        url: str,
        point: float | None,
        quantity: float | None = None,
        method: str | None = None,
        place: str = "/f/1",
    ) -> None:
        """Add a reorder rule of a place."""
        self.connection.execute(
            "INSERT INTO core.reorder_rule (product_url, facility_url, reorder_point_units,"
            " reorder_quantity_units, method, changed_at, row_hash)"
            " VALUES (%s, %s, %s, %s, %s, now(), 0)",
            (url, place, point, quantity, method),
        )

    def stock_then(self, url: str, levels: dict[date, float]) -> None:
        """Add the history of stock: at the end of each day."""
        for day, units in levels.items():
            self.connection.execute(
                "INSERT INTO core.stock_daily (product_url, snapshot_on, on_hand_units,"
                " reserved_units, on_order_units, changed_at) VALUES (%s, %s, %s, 0, 0, now())",
                (url, day, units),
            )

    def open_order(
        self, url: str, units: float, *, due_on: date | None = None, ordered_on: date | None = None
    ) -> None:
        """Add an open purchase order of one line."""
        self.orders += 1
        order = f"/o/{self.orders}"
        self.connection.execute(
            "INSERT INTO core.purchase_order (order_url, status, ordered_on, due_on, is_open,"
            " updated_at, payload, first_seen_at, changed_at, row_hash)"
            " VALUES (%s, 'ORDER_LOCKED', %s, %s, true, now(), '{}', now(), now(), 0)",
            (order, ordered_on, due_on),
        )
        self.connection.execute(
            "INSERT INTO core.purchase_order_line (order_url, position, product_url,"
            " quantity_units, due_on, open_units, changed_at, row_hash)"
            " VALUES (%s, 1, %s, %s, %s, %s, now(), 0)",
            (order, url, units, due_on, units),
        )

    def forecast_of(self, sku: str, day: date = AS_OF) -> dict[str, Any]:
        """Return a product's row of plan.forecast by column; numbers as floats."""
        row: Any = self.connection.execute(
            "SELECT to_jsonb(f) FROM plan.forecast f WHERE product_url = %s AND snapshot_on = %s",
            (f"/p/{sku}", day),
        ).fetchone()
        assert row is not None, sku
        found: dict[str, Any] = row[0]
        return found

    def rows(self, table: str) -> list[Any]:
        """Return every row of a table but for the times of writing, in order."""
        query = f"SELECT to_jsonb(t) - 'changed_at' FROM {table} t ORDER BY t::text"  # noqa: S608
        return [row[0] for row in self.connection.execute(query).fetchall()]
