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
from finale_pipeline.sandbox.purchases import Purchase
from finale_pipeline.sandbox.sales import STAMP, Document, Event, Product

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
        events: All by time; those before now are history, the clock brings the others.
        seed: Of the changes one asks for.

    Attributes:
        tables: Its collections by path.
        mutex: Held while it answers or changes.
    """

    name = NAME

    def __init__(self, maker: Maker, clock: Clock, events: Iterator[Event], seed: int) -> None:
        self.clock = clock
        self.mutex = threading.RLock()
        self._random = random.Random(seed)  # noqa: S311 - a simulation, repeatable
        self._created = 0
        self._on_hand: dict[str, int] | None = None
        self._ordered: dict[bytes, list[int]] | None = None
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
        }
        past, self._coming = _until(events, now)
        # What stands at the end of history; the stock is as of now, so nothing is taken from it.
        documents = {e.document.number: e.document for e in past if e.document is not None}
        del past
        coming = itertools.chain.from_iterable(
            self._to_come(document) for document in documents.values()
        )
        self.tables["inventoryitem"] = table("productUrl", itertools.chain(maker.stock(), coming))
        for path, key in (("shipment", "shipmentUrl"), ("order", "orderUrl")):
            self.tables[path] = Table(
                key,
                _history(documents.values(), path),
                hidden="orderItemList" if path == "order" else None,
            )

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _stamp(self) -> str:
        return self.clock.now().strftime(STAMP)

    def first_change(self) -> datetime:
        """Return the stamp of the product that was changed longest ago."""
        return datetime.fromtimestamp(self.tables["product"].first_stamp(), UTC)

    def catch_up(self) -> int:
        """Let happen what the clock has passed; return how much that was."""
        with self.mutex:
            due, self._coming = _until(self._coming, self._now())
            for event in due:
                if event.document is not None:
                    self.put(event.document)
                for product, units in event.taken:
                    self._take(product, units)
        return len(due)

    def put(self, document: Document) -> None:
        """Show a new document, or the next version of one."""
        for path, record in document.records(NAME):
            table = self.tables[path]
            cells = encoded(record)
            key = str(record[f"{path}Url"])
            table.put(_seconds(record), cells, place=table.find(key))
        if isinstance(document, Purchase):
            self._expect(document)

    def _expect(self, purchase: Purchase) -> None:
        """Let the stock show what of a purchase order is still to come."""
        table = self.tables["inventoryitem"]
        if self._ordered is None:
            self._ordered = defaultdict(list)
            for place in table.places():
                self._ordered[table.record(place)["orderUrl"]].append(place)
        url = msgspec.json.encode(f"/{NAME}/api/order/{purchase.number}")
        for place in self._ordered.pop(url, []):
            table.drop(place)
        for record in self._to_come(purchase):
            self._ordered[url].append(table.put(self._now(), encoded(record)))

    def _to_come(self, document: Document) -> Iterator[dict[str, Any]]:
        """Yield the rows of stock that an open purchase order is in."""
        if isinstance(document, Purchase):
            for product, units in document.open_lines():
                yield {
                    "facilityUrl": f"/{NAME}/api/facility/10001",
                    "parentFacilityUrl": None,
                    "productId": product.sku,
                    "productUrl": product.url,
                    "lotId": None,
                    "normalizedPackingString": None,
                    "orderUrl": f"/{NAME}/api/order/{document.number}",
                    "quantityOnHand": 0,
                    "quantityOnOrder": units,
                    "quantityReserved": 0,
                }

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
        self._on_hand = self._ordered = None
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


def _history(documents: Iterable[Document], path: str) -> Iterator[tuple[int, Cells]]:
    """Yield one collection's records of all documents, by the time of their last change."""
    for document in sorted(documents, key=lambda document: document.changed_at):
        for where, record in document.records(NAME):
            if where == path:
                yield document.changed_at, encoded(record)


def _seconds(record: dict[str, Any]) -> int:
    moment = datetime.strptime(record["lastUpdatedDate"], STAMP)  # noqa: DTZ007 - it is UTC
    return int(moment.replace(tzinfo=UTC).timestamp())


def _until(events: Iterator[Event], moment: int) -> tuple[list[Event], Iterator[Event]]:
    """Return the events up to a moment, and the rest with the first of it put back."""
    past: list[Event] = []
    for event in events:
        if event.at > moment:
            return past, itertools.chain([event], events)
        past.append(event)
    return past, iter(())
