"""What the simulated account holds and how it changes: edits, removals, sales as time passes."""

import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from finale_pipeline.sandbox.catalog import Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Cells, Table
from finale_pipeline.sandbox.sales import (
    STAMP,
    Product,
    Sale,
    order_record,
    purchase_record,
    shipment_record,
)

NAME = "demo"
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
        maker: Makes its records.
        clock: Its time.
        sales: All of them by time; those before now are history, the clock brings the others.
        seed: Of the changes one asks for.

    Attributes:
        tables: Its collections by path.
        mutex: Held while it answers or changes.
    """

    name = NAME

    def __init__(self, maker: Maker, clock: Clock, sales: Iterator[Sale], seed: int) -> None:
        self.clock = clock
        self.mutex = threading.RLock()
        self._random = random.Random(seed)  # noqa: S311 - a simulation, repeatable
        self._created = 0
        self._on_hand: dict[str, int] | None = None
        now = self._now()

        def table(key: str, records: Iterable[dict[str, Any]]) -> Table:
            return Table(key, ((now, encoded(record)) for record in records))

        self.tables = {
            "product": Table(
                "productUrl",
                ((s, encoded(maker.product(i, s))) for i, s in enumerate(maker.stamps())),
            ),
            "partygroup": table("partyUrl", maker.parties()),
            "facility": table("facilityUrl", maker.facilities()),
            "inventoryitem": table("productUrl", maker.stock()),
        }
        history, self._coming = _until(sales, now)
        self.tables["shipment"] = Table(
            "shipmentUrl", ((s.at, encoded(shipment_record(NAME, s))) for s in history)
        )
        oldest = min(history[0].at if history else now, now) - 1
        purchases = (
            (oldest, encoded(purchase_record(NAME, product, units, oldest)))
            for product, units in maker.bought()
        )
        self.tables["order"] = Table(
            "orderUrl",
            itertools.chain(purchases, ((s.at, encoded(order_record(NAME, s))) for s in history)),
            hidden="orderItemList",
        )

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _stamp(self) -> str:
        return self.clock.now().strftime(STAMP)

    def first_change(self) -> datetime:
        """Return the stamp of the product that was changed longest ago."""
        return datetime.fromtimestamp(self.tables["product"].first_stamp(), UTC)

    def catch_up(self) -> int:
        """Let the sales happen that the clock has passed; return how many."""
        with self.mutex:
            due, self._coming = _until(self._coming, self._now())
            for sale in due:
                self.tables["order"].put(sale.at, encoded(order_record(NAME, sale)))
                self.tables["shipment"].put(sale.at, encoded(shipment_record(NAME, sale)))
                for product, units in sale.lines:
                    self._take(product, units)
        return len(due)

    def _take(self, product: Product, units: float) -> None:
        """Take units off a product's first entry on hand; without one it is over-shipped."""
        table = self.tables["inventoryitem"]
        if self._on_hand is None:
            places = ((table.key_of(p), p) for p in reversed(table.places()))
            self._on_hand = {url: p for url, p in places if table.record(p)["orderUrl"] == b"null"}
        place = self._on_hand.get(product.url)
        if place is None:
            self._on_hand[product.url] = self._add_stock(product.url, product.sku, -units)
            return
        cells = dict(table.record(place))
        before = float(msgspec.json.decode(cells["quantityOnHand"]))
        cells["quantityOnHand"] = msgspec.json.encode(before - units)
        self._on_hand[product.url] = table.put(self._now(), cells, place=place)

    def _add_stock(self, url: str, sku: str, units: float) -> int:
        facility = f"/{NAME}/api/facility/"
        record = {
            "facilityUrl": f"{facility}20000",
            "parentFacilityUrl": f"{facility}10001",
            "productId": sku,
            "productUrl": url,
            "orderUrl": None,
            "quantityOnHand": units,
            "quantityOnOrder": 0,
            "quantityReserved": 0,
        }
        return self.tables["inventoryitem"].put(self._now(), encoded(record))

    def set_stock(self, product_url: str, units: float) -> None:
        """Leave one entry of a product: so many units on hand at the first sublocation."""
        with self.mutex:
            self._drop_stock({product_url})
            self._add_stock(product_url, product_url.rpartition("/")[2], units)

    def _drop_stock(self, urls: set[str]) -> None:
        table = self.tables["inventoryitem"]
        self._on_hand = None
        for place in table.places():
            if table.key_of(place) in urls:
                table.drop(place)

    def edit_products(self, count: int) -> list[str]:
        """Change the cost of so many products, and their stamp to now; return their urls."""
        with self.mutex:
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
        with self.mutex:
            products = self.tables["product"]
            chosen = self._random.sample(products.places(), count)
            urls = {products.key_of(place) for place in chosen}
            for place in chosen:
                products.drop(place)
            self._drop_stock(urls)
        return sorted(urls)

    def create_products(self, count: int) -> list[str]:
        """Create so many products without stock; return their urls."""
        urls = []
        with self.mutex:
            for _ in range(count):
                self._created += 1
                record = {
                    "productId": f"NEW-{self._created}",
                    "productUrl": f"/{NAME}/api/product/new-{self._created}",
                    "internalName": f"New product {self._created}",
                    "statusId": "PRODUCT_ACTIVE",
                    "lastUpdatedDate": self._stamp(),
                }
                self.tables["product"].put(self._now(), encoded(record))
                urls.append(record["productUrl"])
        return urls

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


def _until(sales: Iterator[Sale], moment: int) -> tuple[list[Sale], Iterator[Sale]]:
    """Return the sales up to a moment, and the rest with the first of it put back."""
    past: list[Sale] = []
    for sale in sales:
        if sale.at > moment:
            return past, itertools.chain([sale], sales)
        past.append(sale)
    return past, iter(())
