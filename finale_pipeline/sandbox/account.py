"""What the simulated account holds: products, vendors, places, stock; all from one seed."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from finale_pipeline.sandbox.catalog import STAMP, Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Cells, Table

QUANTITIES = ("quantityOnHand", "quantityOnOrder", "quantityReserved")


def encoded(record: dict[str, Any]) -> Cells:
    """Return a record's cells as JSON text."""
    return {name: msgspec.json.encode(value) for name, value in record.items()}


def decoded(cells: Cells) -> dict[str, Any]:
    """Return a record from its cells."""
    return {name: msgspec.json.decode(cell) for name, cell in cells.items()}


class Account:
    """A simulated account.

    Args:
        name: Its path component.
        clock: Its time.
        seed: Of the changes one asks for.
        tables: Its collections by path: product, partygroup, facility, inventoryitem.
    """

    def __init__(self, name: str, clock: Clock, seed: int, tables: dict[str, Table]) -> None:
        self.name = name
        self.clock = clock
        self.tables = tables
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
        clock = clock or Clock()
        now = clock.now().replace(microsecond=0)
        maker = Maker("demo", products, seed, now, timedelta(days=365 * years))
        today = int(now.timestamp())

        def table(key: str, records: Iterable[dict[str, Any]]) -> Table:
            return Table(key, ((today, encoded(record)) for record in records))

        tables = {
            "product": Table(
                "productUrl",
                ((s, encoded(maker.product(i, s))) for i, s in enumerate(maker.stamps())),
            ),
            "partygroup": table("partyUrl", maker.parties()),
            "facility": table("facilityUrl", maker.facilities()),
            "inventoryitem": table("productUrl", maker.stock()),
        }
        return cls("demo", clock, seed, tables)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def first_change(self) -> datetime:
        """Return the stamp of the product that was changed longest ago."""
        return datetime.fromtimestamp(self.tables["product"].first_stamp(), UTC)

    def edit_products(self, count: int) -> list[str]:
        """Change the cost of so many products, and their stamp to now; return their urls."""
        table = self.tables["product"]
        chosen = self._random.sample(table.places(), count)
        urls = [table.key_of(place) for place in chosen]
        for place in chosen:
            cost = round(self._random.uniform(100, 900), 2)
            change = encoded({"cost": cost, "lastUpdatedDate": self._stamp()})
            table.put(self._now(), {**table.record(place), **change}, place=place)
        return urls

    def remove_products(self, count: int) -> list[str]:
        """Delete so many products and their stock, without a trace; return their urls."""
        products, stock = self.tables["product"], self.tables["inventoryitem"]
        chosen = self._random.sample(products.places(), count)
        urls = {products.key_of(place) for place in chosen}
        for place in chosen:
            products.drop(place)
        for place in stock.places():
            if stock.key_of(place) in urls:
                stock.drop(place)
        return sorted(urls)

    def create_products(self, count: int) -> list[str]:
        """Create so many products without stock; return their urls."""
        urls = []
        for _ in range(count):
            self._created += 1
            record = {
                "productId": f"NEW-{self._created}",
                "productUrl": f"/{self.name}/api/product/new-{self._created}",
                "internalName": f"New product {self._created}",
                "statusId": "PRODUCT_ACTIVE",
                "lastUpdatedDate": self._stamp(),
            }
            self.tables["product"].put(self._now(), encoded(record))
            urls.append(record["productUrl"])
        return urls

    def set_stock(self, product_url: str, units: float) -> None:
        """Leave one entry of a product: so many units on hand at the first sublocation."""
        stock = self.tables["inventoryitem"]
        for place in stock.places():
            if stock.key_of(place) == product_url:
                stock.drop(place)
        facility = f"/{self.name}/api/facility/"
        record = {
            "facilityUrl": f"{facility}20000",
            "parentFacilityUrl": f"{facility}10001",
            "productId": product_url.rpartition("/")[2],
            "productUrl": product_url,
            "quantityOnHand": units,
            "quantityOnOrder": 0,
            "quantityReserved": 0,
        }
        stock.put(self._now(), encoded(record))

    def _stamp(self) -> str:
        return self.clock.now().strftime(STAMP)

    def records(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield a collection's records with Finale's fields, for tests that compare."""
        table = self.tables[path]
        for place in table.places():
            yield decoded(table.record(place))

    def stock_sums(self) -> dict[str, tuple[Decimal, ...]]:
        """Return on hand, on order and reserved units per product that has a row."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for row in self.records("inventoryitem"):
            for i, name in enumerate(QUANTITIES):
                sums[row["productUrl"]][i] += Decimal(str(row.get(name) or 0))
        return {url: tuple(units) for url, units in sums.items()}
