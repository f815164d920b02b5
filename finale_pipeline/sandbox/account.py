"""What the simulated account holds and how it changes: edits, removals, sales as time passes."""

import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from finale_pipeline.sandbox.catalog import Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Cells, Table
from finale_pipeline.sandbox.orderbook import OrderBook
from finale_pipeline.sandbox.purchases import Purchase
from finale_pipeline.sandbox.quirks import Quirks
from finale_pipeline.sandbox.records import Records, encoded
from finale_pipeline.sandbox.sales import NAME, Document, Event, url_of
from finale_pipeline.sandbox.shapes import Shapes
from finale_pipeline.sandbox.stock import Stock, coming_rows

QUANTITIES = ("quantityOnHand", "quantityOnOrder", "quantityReserved")


class Account:
    """A simulated account.

    Args:
        events: All by time; those before now are history, the clock brings the others.
        seed: Of the changes one asks for.

    Attributes:
        mutex: Held while it answers or changes.
    """

    name = NAME

    def __init__(self, maker: Maker, clock: Clock, events: Iterator[Event], seed: int) -> None:
        self.clock = clock
        self.mutex = threading.RLock()
        self._random = random.Random(seed)
        self._created = 0
        self.quirks = Quirks()
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
        coming = itertools.chain.from_iterable(map(_to_come, documents.values()))
        self.tables["inventoryitem"] = table("productUrl", itertools.chain(maker.stock(), coming))
        history = documents.values()
        self.tables |= {
            "shipment": Table("shipmentUrl", _history(history, "shipment")),
            "order": Table("orderUrl", _history(history, "order"), hidden="orderItemList"),
            "workeffort": table("workEffortUrl", ()),
            "inventorytransfer": table("inventoryTransferUrl", ()),
            "customization": table("customizationUrl", [maker.customization()]),
        }
        self._stock = Stock(self.tables["inventoryitem"], self._now)
        self._records = Records(self.tables, clock)
        self.book = OrderBook(self._records, self._stock, self.quirks)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def first_change(self) -> datetime:
        """Return the stamp of the product that was changed longest ago."""
        return datetime.fromtimestamp(self.tables["product"].first_stamp(), UTC)

    def catch_up(self) -> int:
        """Let happen what the clock has passed; return how much that was.

        An order that was changed by a POST is left to whoever did that.
        """
        with self.mutex:
            due, self._coming = _until(self._coming, self._now())
            for event in due:
                if event.document is not None:
                    if self.book.holds(event.document.number):
                        continue
                    self.put(event.document)
                for product, units in event.taken:
                    self._stock.take(product, units)
            self.book.deliver()
        return len(due)

    def put(self, document: Document) -> None:
        """Show a new document, or the next version of one."""
        for path, record in document.records():
            self._records.show(path, record)
        if isinstance(document, Purchase):
            self._stock.expect(url_of("order", document.number), _to_come(document))

    def set_stock(self, product_url: str, units: float) -> None:
        """Leave one entry of a product: so many units on hand at the first sublocation."""
        with self.mutex:
            self._stock.drop({product_url})
            self._stock.add(product_url, product_url.rpartition("/")[2], units)

    def edit_products(self, count: int) -> list[str]:
        """Change the cost of so many products, and their stamp to now; return their urls."""
        with self.mutex:
            table = self.tables["product"]
            chosen = self._random.sample(table.places(), count)
            urls = [table.key_of(place) for place in chosen]
            for place in chosen:
                cost = round(self._random.uniform(100, 900), 2)
                change = encoded({"cost": cost, "lastUpdatedDate": self._records.stamp()})
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
            self._stock.drop(urls)
        return sorted(urls)

    def create_products(self, count: int) -> list[str]:
        """Create so many products without stock; return their urls."""
        urls = []
        with self.mutex:
            for _ in range(count):
                self._created += 1
                record = {
                    "productId": f"NEW-{self._created}",
                    "productUrl": url_of("product", f"new-{self._created}"),
                    "internalName": f"New product {self._created}",
                    "statusId": "PRODUCT_ACTIVE",
                    "lastUpdatedDate": self._records.stamp(),
                }
                self.tables["product"].put(self._now(), encoded(record))
                urls.append(record["productUrl"])
        return urls

    def orders(self, origin: str | None = None) -> list[dict[str, Any]]:
        """Return the purchase orders, each with its `origin`, for whoever watches the sandbox.

        Args:
            origin: Only those that were `posted`, or `seeded` by the account; None = all.
        """
        with self.mutex:
            self.catch_up()
            books = {"posted": self.book.posted, "seeded": self.book.seeded}
            chosen = books if origin is None else {origin: books[origin]}
            return [{"origin": o, **order} for o, book in chosen.items() for order in book()]

    def garble(self, order: dict[str, Any], what: str) -> None:
        """Change one thing of a record that is about to be shown; see postfaults.GARBAGE."""
        with self.mutex:
            self.book.garble(order, what)

    def arrive(self, order_url: str) -> dict[str, Any]:
        """Let people receive all that is still to come of an order; returns the shipment."""
        with self.mutex:
            self.catch_up()
            return self.book.arrive(order_url)

    def record(self, path: str, url: str) -> dict[str, Any] | None:
        """Return one record of a collection as it is now."""
        with self.mutex:
            self.catch_up()
            return self._records.find(path, url)

    def records(self, path: str) -> Iterator[dict[str, Any]]:
        """Return a collection's records with Finale's fields, for tests that compare."""
        return self._records.all(path)

    def show_shapes(self) -> int:
        """Add what real accounts have beside plain products; see `shapes`. Returns how many."""
        with self.mutex:
            shapes = list(Shapes(self.clock.now()).records())
            for path, record in shapes:
                self._records.show(path, record)
        return len(shapes)

    def stock_sums(self) -> dict[str, tuple[Decimal, ...]]:
        """Return on hand, on order and reserved units per product that has a row.

        A quantity counts packs where its row has a packing: units a case come first in it.
        """
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for row in self.records("inventoryitem"):
            for i, name in enumerate(QUANTITIES):
                packing = str(row.get("normalizedPackingString") or "1")
                each = Decimal(packing.split(maxsplit=1)[0].split("/", maxsplit=1)[0])
                sums[row["productUrl"]][i] += Decimal(str(row.get(name) or 0)) * each
        return {url: tuple(units) for url, units in sums.items()}


def _to_come(document: Document) -> Iterator[dict[str, Any]]:
    """Return the rows of stock that an open purchase order is in."""
    lines = document.open_lines() if isinstance(document, Purchase) else ()
    items = ((product.url, product.sku, units) for product, units in lines)
    return coming_rows(url_of("order", document.number), url_of("facility", 10_001), items)


def _history(documents: Iterable[Document], path: str) -> Iterator[tuple[int, Cells]]:
    """Yield one collection's records of all documents, by the time of their last change."""
    for document in sorted(documents, key=lambda document: document.changed_at):
        for where, record in document.records():
            if where == path:
                yield document.changed_at, encoded(record)


def _until(events: Iterator[Event], moment: int) -> tuple[list[Event], Iterator[Event]]:
    """Return the events up to a moment, and the rest with the first of it put back."""
    past: list[Event] = []
    for event in events:
        if event.at > moment:
            return past, itertools.chain([event], events)
        past.append(event)
    return past, iter(())
