"""A few products in a real warehouse, whose stock, rules and clock a test moves by hand."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from finale_pipeline.notify.delivery import deliver
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.sync.critical import evaluate_critical
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.session import open_sync
from finale_pipeline.warehouse.connect import Connection, trusted
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.conftest import HOME

BEGIN = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
TICK = timedelta(minutes=15)
RECIPIENTS = ("buyer@shop.example", "second@shop.example")


def mail_settings(url: str, **changes: object) -> Settings:
    """Return settings of an account that nobody asks, with mails for two people."""
    values = {
        "base_url": "https://app.finaleinventory.com", "account": "demo", "api_key": "k",
        "api_secret": "s", "database_url": url, "alert_emails": RECIPIENTS,
        "alert_from": "stock@shop.example", "home": HOME,
    }  # fmt: skip
    return Settings.model_validate(values | changes)


class Warehouse:
    """A warehouse of a few products.

    Args:
        settings: With the database.
        connection: To it.
    """

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings = settings
        self.connection = connection
        self.now = BEGIN

    def clock(self) -> datetime:
        return self.now

    def add(self, *skus: str, units: float = 100, point: float | None = 20) -> None:
        """Add products with stock, a reorder rule and a supplier."""
        run = self.connection.execute
        for sku in skus:
            run(
                "INSERT INTO core.product (product_url, sku, name, status, product_type, cost,"
                " payload, first_seen_at, changed_at, row_hash) VALUES (%s, %s, %s,"
                " 'PRODUCT_ACTIVE', 'GOOD', 9.5, '{}', now(), now(), 1)",
                (url_of(sku), sku, f"Product {sku}"),
            )
            run(
                "INSERT INTO core.stock_level VALUES (%s, %s, 0, 0, default, default, now())",
                (url_of(sku), Decimal(str(units))),
            )
            self.rule(sku, point)

    def supplier(self, sku: str, name: str, contact: str | None = None) -> None:
        vendor = f"/demo/api/partygroup/{name}"
        run = self.connection.execute
        run(
            "INSERT INTO core.vendor (vendor_url, name, payload, first_seen_at, changed_at,"
            " row_hash) VALUES (%s, %s, '{}', now(), now(), 1) ON CONFLICT DO NOTHING",
            (vendor, name),
        )
        run(
            "INSERT INTO core.product_supplier VALUES (%s, %s, true, 5, 'USD', 'v', 7, now(), 1)",
            (url_of(sku), vendor),
        )
        if contact:
            run(
                "INSERT INTO core.vendor_contact (vendor_url, position, kind, value, changed_at,"
                " row_hash) VALUES (%s, 1, 'EMAIL_ADDRESS', %s, now(), 1) ON CONFLICT DO NOTHING",
                (vendor, contact),
            )

    def rule(
        self, sku: str, point: float | None, *, place: str = "1", method: str | None = "MANUAL",
        quantity: int | None = 120,
    ) -> None:  # fmt: skip
        """Set a product's reorder rule at a place, as a catalogue sync would."""
        self.connection.execute(
            "INSERT INTO core.reorder_rule VALUES (%s, %s, %s, %s, %s, now(), 1)"
            " ON CONFLICT (product_url, facility_url) DO UPDATE SET"
            " reorder_point_units = excluded.reorder_point_units, method = excluded.method",
            (url_of(sku), place, point, quantity, method),
        )
        self._catalogue_synced()

    def product(self, sku: str, **changes: object) -> None:
        """Change columns of a product, as a catalogue sync would."""
        for name, value in changes.items():
            self.connection.execute(
                f"UPDATE core.product SET {name} = %s WHERE sku = %s",  # noqa: S608 - of the test
                (value, sku),
            )
        self._catalogue_synced()

    def _catalogue_synced(self) -> None:
        self.connection.execute(
            "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
            " finished_at, locks) VALUES ('full', 'test', 'done', %s, %s, %s, '{catalogue}')",
            (self.now, self.now, self.now),
        )

    def stock(self, **units: float) -> None:
        """Set units on hand, as a stock sync would."""
        for sku, value in units.items():
            self.connection.execute(
                "WITH u AS (UPDATE core.stock_level SET on_hand_units = %s WHERE product_url = %s"
                " RETURNING product_url) INSERT INTO ops.touched_item SELECT product_url FROM u"
                " ON CONFLICT DO NOTHING",
                (Decimal(str(value)), url_of(sku)),
            )

    def evaluate(self, *, minutes: float = 15) -> SyncRun:
        """Let time pass, note a read of stock, evaluate it."""
        self.now += timedelta(minutes=minutes)
        self.connection.execute(
            "INSERT INTO core.stock_day VALUES (%s, %s) ON CONFLICT (snapshot_on) DO UPDATE"
            " SET read_at = excluded.read_at",
            (self.now.date(), self.now),
        )
        with open_sync(
            self.settings, strategy="inventory", trigger="test", table_sets=("stock",),
            clock=self.clock,
        ) as run:  # fmt: skip
            evaluate_critical(run)
        return run

    def sells(self, sku: str, units: float, *, days: int = 100) -> None:
        """Let so many units a day have been sold until yesterday."""
        self.connection.execute(
            "INSERT INTO core.sales_daily (product_url, sold_on, units, orders, dated_by,"
            " units_by_ship_date, changed_at) SELECT %s, %s::date - n, %s, 1, 'order', 0, now()"
            " FROM generate_series(1, %s) n",
            (url_of(sku), self.now.date(), units, days),
        )

    def plan(self) -> None:
        """Plan the day."""
        plan_day(self.connection, self.now.date(), self.settings, now=self.now)

    def deliver(self, settings: Settings | None = None, *, minutes: float = 0) -> Counter[str]:
        """Let time pass and deliver what is due."""
        self.now += timedelta(minutes=minutes)
        return deliver(self.connection, settings or self.settings, clock=self.clock)

    def mails(self, *, baseline: bool = False) -> list[tuple[str, str]]:
        """Kind and subject of every mail of the outbox, in order."""
        rows = self.rows("SELECT kind, subject FROM ops.outbox ORDER BY outbox_id")
        return [(k, s) for k, s in rows if baseline or k != "summary"]

    def events(self, sku: str) -> list[str]:
        """What happened to a product, in order."""
        rows = self.rows(
            "SELECT kind FROM ops.incident_event WHERE subject = %s ORDER BY event_id", url_of(sku)
        )
        return [str(row[0]) for row in rows]

    def rows(self, query: str, *values: object) -> list[Any]:
        return self.connection.execute(trusted(query), values).fetchall()

    def states(self) -> list[str]:
        return [str(r[0]) for r in self.rows("SELECT state FROM ops.outbox ORDER BY outbox_id")]


def url_of(sku: str) -> str:
    """Return a product's address."""
    return f"/demo/api/product/{sku}"


def skus_in(attachment: bytes) -> Sequence[tuple[str, str, str]]:
    """Return crossing and SKU of each row of a mail's CSV."""
    rows = attachment.decode("utf-8-sig").splitlines()[1:]
    return [(c[0], c[1], c[2]) for c in (row.split(",") for row in rows)]


def wait_for_lock(told: Warehouse, outbox_id: int) -> None:
    """Wait in the server's queue until it has noticed that a session is gone."""
    told.rows("SELECT pg_advisory_lock(%s, %s)", Lock.MAIL, outbox_id)
    told.rows("SELECT pg_advisory_unlock(%s, %s)", Lock.MAIL, outbox_id)


def last(told: Warehouse) -> Any:
    return told.rows(
        "SELECT state, attempts, unknown_outcomes, last_error FROM ops.outbox"
        " ORDER BY outbox_id DESC LIMIT 1"
    )[0]
