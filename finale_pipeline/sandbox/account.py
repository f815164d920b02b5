"""What the simulated account holds: products, vendors, places, stock; all from one seed."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from finale_pipeline.sandbox import catalog
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Table

STAMP = "%Y-%m-%dT%H:%M:%S"
STARTED = datetime(2026, 3, 1, tzinfo=UTC)


def encoded(record: dict[str, Any]) -> dict[str, bytes]:
    """Return a record's cells as JSON text."""
    return {name: msgspec.json.encode(value) for name, value in record.items()}


class Account:
    """A simulated account.

    Attributes:
        name: Its path component.
        clock: Its time.
        tables: Its collections by path, such as `product`; stock is built from `stock`.
        stock: Rows of `inventoryitem/` as records.
    """

    def __init__(self, name: str, clock: Clock, seed: int) -> None:
        self.name = name
        self.clock = clock
        self.tables: dict[str, Table] = {}
        self.stock: list[dict[str, Any]] = []
        self._random = random.Random(seed)  # noqa: S311 - a simulation, repeatable
        self._created = 0

    @classmethod
    def build(
        cls, *, products: int, seed: int = 7, clock: Clock | None = None, years: float = 3
    ) -> "Account":
        """Build an account.

        Args:
            products: How many.
            seed: The same seed and clock give the same account.
            clock: Its time; the newest product was updated just before.
            years: Over how long the products' stamps are spread.
        """
        account = cls("demo", clock or Clock(), seed)
        now = account.clock.now().replace(microsecond=0)
        maker = catalog.Maker(account.name, products, seed, now, timedelta(days=365 * years))
        columns: dict[str, list[bytes]] = defaultdict(list)
        stamps = maker.stamps()
        for index, stamp in enumerate(stamps):
            for name, cell in encoded(maker.product(index, stamp)).items():
                columns[name].append(cell)
            account.stock += maker.stock_rows(index)
        account.tables["product"] = Table(columns, stamps)
        for path, records in (("partygroup", maker.parties()), ("facility", maker.facilities())):
            rows = [encoded(record) for record in records]
            table = {name: [row[name] for row in rows] for name in rows[0]}
            account.tables[path] = Table(table, [int(now.timestamp())] * len(rows))
        account.stock += maker.order_rows()
        return account

    def edit_products(self, count: int) -> list[str]:
        """Change the cost of so many products, and their stamp to now; return their urls."""
        table = self.tables["product"]
        chosen = self._random.sample(list(self._places()), count)
        stamp = self.clock.now()
        for index, url, cells in chosen:
            changed = dict(cells)
            changed["cost"] = msgspec.json.encode(round(self._random.uniform(1, 90), 2))
            changed["lastUpdatedDate"] = msgspec.json.encode(stamp.strftime(STAMP))
            table.replace(index, url, int(stamp.timestamp()), changed)
        return [url for _, url, _ in chosen]

    def remove_products(self, count: int) -> list[str]:
        """Delete so many products and their stock, without a trace; return their urls."""
        chosen = self._random.sample(list(self._places()), count)
        for index, url, _ in chosen:
            self.tables["product"].remove(index, url)
        gone = {url for _, url, _ in chosen}
        self.stock = [row for row in self.stock if row["productUrl"] not in gone]
        return sorted(gone)

    def create_products(self, count: int) -> list[str]:
        """Create so many products without stock; return their urls."""
        stamp = self.clock.now()
        urls = []
        for _ in range(count):
            self._created += 1
            url = f"/{self.name}/api/product/new-{self._created}"
            record = {
                "productId": f"NEW-{self._created}",
                "productUrl": url,
                "internalName": f"New product {self._created}",
                "statusId": "PRODUCT_ACTIVE",
                "lastUpdatedDate": stamp.strftime(STAMP),
            }
            self.tables["product"].replace(None, url, int(stamp.timestamp()), encoded(record))
            urls.append(url)
        return urls

    def _places(self) -> Iterator[tuple[int | None, str, dict[str, bytes]]]:
        for index, cells in self.tables["product"].rows():
            yield index, msgspec.json.decode(cells["productUrl"], type=str), cells

    def expected_products(self) -> Iterator[dict[str, Any]]:
        """Yield every product as Finale's fields, for a comparison that decodes nothing of ours."""
        for _, cells in self.tables["product"].rows():
            yield {name: msgspec.json.decode(cell) for name, cell in cells.items()}

    def expected_stock(self) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
        """Return on hand, on order and reserved units per product that has a row."""
        names = ("quantityOnHand", "quantityOnOrder", "quantityReserved")
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for row in self.stock:
            units = sums[row["productUrl"]]
            sums[row["productUrl"]] = [
                had + Decimal(str(row[name] or 0)) for had, name in zip(units, names, strict=True)
            ]
        return {url: (units[0], units[1], units[2]) for url, units in sums.items()}
