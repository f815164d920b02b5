"""A synced warehouse with a purchase plan, the sandbox it mirrors, what both say of orders."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.drafting import DraftResult, draft
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.sync.helpers import sync

TODAY = NOW.date()
PLACE = "/demo/api/facility/10001"
WANTED = """
SELECT s.vendor_url, s.product_url, p.sku, s.price
FROM core.product_supplier s JOIN core.product p USING (product_url)
WHERE s.is_main AND p.status = 'PRODUCT_ACTIVE' AND s.price IS NOT NULL AND p.removed_at IS NULL
  AND NOT EXISTS (SELECT FROM core.purchase_order_line l WHERE l.product_url = s.product_url)
ORDER BY s.vendor_url, s.product_url
"""


ANOTHER_DAY = """
INSERT INTO plan.demand
SELECT (jsonb_populate_record(f, jsonb_build_object('snapshot_on', %s::date))).*
FROM (SELECT f FROM plan.demand f LIMIT 1) one(f) ON CONFLICT DO NOTHING
"""


def fill(url: str, account: Account) -> str:
    """Sync an account into a database and plan its day, without orders; return its name."""
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox)
        sync(settings)
    now = account.clock.now()
    with connect(url, name="tests") as connection:
        plan_day(connection, now.date(), settings, now=now)
        connection.execute("DELETE FROM plan.purchase_order_draft_line")
    return urlsplit(url).path.lstrip("/")


@dataclass
class Shelf:
    """What a test of ordering works with."""

    connection: Connection
    account: Account
    sandbox: SandboxServer
    settings: Settings

    @property
    def context(self) -> DraftingContext:
        """A context at the account's time; waiting moves the clock."""
        return DraftingContext(self.settings, self.account.clock.now, self.wait)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.account.clock.advance(seconds=seconds)

    def plan(self, *, vendors: int = 2, lines: int = 2, on: date = TODAY) -> list[str]:
        """Write a plan; return its vendors' addresses."""
        by_vendor: dict[str, list[Any]] = {}
        for row in self.rows(WANTED):
            by_vendor.setdefault(row[0], []).append(row)
        self.connection.execute(ANOTHER_DAY.encode(), (on,))
        chosen = [v for v, rows in by_vendor.items() if len(rows) >= lines][:vendors]
        for vendor in chosen:
            self._draft(vendor, by_vendor[vendor][:lines], on)
        return chosen

    def _draft(self, vendor: str, rows: list[Any], on: date) -> None:
        for number, (_, product, sku, price) in enumerate(rows, 1):
            self.connection.execute(
                "INSERT INTO plan.purchase_order_draft_line (snapshot_on, vendor_url, product_url,"
                " sku, quantity_units, unit_cost, arrival_on, urgency, needs_data, why, changed_at,"
                " row_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, 'today', '{}', 'x', now(), 0)",
                (on, vendor, product, sku, 12 * number, price, on + timedelta(days=14)),
            )

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return a query's rows."""
        return self.connection.execute(query.encode(), values).fetchall()

    def draft(self, **request: Any) -> DraftResult:
        """Draft the plan; nobody agrees to duplicates unless the test says so."""
        confirm = request.pop("confirm", lambda _: False)
        return draft(self.context, DraftRequest("buyer", **request), confirm=confirm)

    def states(self) -> list[str]:
        """Return the states in the ledger, by reference."""
        return [
            r[0] for r in self.rows("SELECT state FROM ops.purchase_order_write ORDER BY reference")
        ]

    def book(self) -> list[dict[str, Any]]:
        """Return the orders that came by POST, as the sandbox keeps them."""
        return self.account.orders("posted")

    def assert_book_is_the_ledger(self, orders: int) -> None:
        """Each order in the ledger is once in the book, line by line as it was meant; none else."""
        book = {order["orderId"]: order for order in self.book()}
        assert len(self.book()) == len(book) == orders
        rows = self.rows(
            "SELECT order_id, reference, order_url, vendor_id, facility_url, lines, state"
            " FROM ops.purchase_order_write WHERE state NOT IN ('refused', 'abandoned')"
        )
        assert {row[0] for row in rows} == set(book)
        for order_id, reference, url, vendor_id, facility, lines, state in rows:
            order = book[order_id]
            assert (order["referenceNumber"], order["statusId"]) == (reference, "ORDER_CREATED")
            assert state == "created"
            assert order["orderUrl"] == url
            assert order["destinationFacilityUrl"] == facility
            assert [role["partyId"] for role in order["orderRoleList"]] == [vendor_id]
            kept = {
                (i["productUrl"], Decimal(str(i["quantity"])), Decimal(str(i["unitPrice"])))
                for i in order["orderItemList"]
            }
            assert kept == {
                (x["product_url"], Decimal(x["quantity_units"]), Decimal(x["unit_price"]))
                for x in lines
            }

    def later(self, **delta: float) -> datetime:
        """Let time pass and return the new time."""
        self.account.clock.advance(seconds=timedelta(**delta).total_seconds())
        return self.account.clock.now()
