"""The account's stock: rows on hand and rows on order, kept in the collection `inventoryitem`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from finale_pipeline.sandbox.columns import Table
from finale_pipeline.sandbox.records import encoded
from finale_pipeline.sandbox.sales import Product, url_of


def stock_row(
    product_url: str, sku: str, facility_url: str | None, **more: object
) -> dict[str, Any]:
    """Return a row of stock; what is not given is nothing or 0."""
    return {
        "facilityUrl": facility_url,
        "parentFacilityUrl": None,
        "productId": sku,
        "productUrl": product_url,
        "lotId": None,
        "normalizedPackingString": None,
        "orderUrl": None,
        "quantityOnHand": 0,
        "quantityOnOrder": 0,
        "quantityReserved": 0,
        **more,
    }


def coming_rows(
    order_url: str, place: str, items: Iterable[tuple[str, str, float]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of what an order is still to bring to a place: productUrl, SKU, units."""
    for url, sku, units in items:
        yield stock_row(url, sku, place, orderUrl=order_url, quantityOnOrder=units)


class Stock:
    """Changes the rows of stock.

    Args:
        now: Gives the account's time, Unix seconds.
    """

    def __init__(self, table: Table, now: Callable[[], int]) -> None:
        self._table = table
        self._now = now
        self._on_hand: dict[str, int] | None = None
        self._ordered: dict[bytes, list[int]] | None = None

    def expect(self, order_url: str, rows: Iterable[dict[str, Any]]) -> None:
        """Let exactly these rows be what is still to come of an order."""
        if self._ordered is None:
            self._ordered = defaultdict(list)
            for place in self._table.places():
                self._ordered[self._table.record(place)["orderUrl"]].append(place)
        url = msgspec.json.encode(order_url)
        for place in self._ordered.pop(url, []):
            self._table.drop(place)
        for row in rows:
            self._ordered[url].append(self._table.put(self._now(), encoded(row)))

    def take(self, product: Product, units: float) -> None:
        """Take units off a product's first entry on hand; without one it is over-shipped."""
        if self._on_hand is None:
            places = ((self._table.key_of(p), p) for p in reversed(self._table.places()))
            self._on_hand = {
                url: p for url, p in places if self._table.record(p)["orderUrl"] == b"null"
            }
        place = self._on_hand.get(product.url)
        if place is None:
            self._on_hand[product.url] = self.add(product.url, product.sku, -units)
            return
        cells = dict(self._table.record(place))
        before = float(msgspec.json.decode(cells["quantityOnHand"]))
        cells["quantityOnHand"] = msgspec.json.encode(before - units)
        self._on_hand[product.url] = self._table.put(self._now(), cells, place=place)

    def add(self, url: str, sku: str, units: float) -> int:
        """Add an entry on hand at the first sublocation; returns its place."""
        place, parent = url_of("facility", 20_000), url_of("facility", 10_001)
        row = stock_row(url, sku, place, parentFacilityUrl=parent, quantityOnHand=units)
        return self._table.put(self._now(), encoded(row))

    def drop(self, product_urls: set[str]) -> None:
        """Take away every entry of these products."""
        self._on_hand = self._ordered = None
        for place in self._table.places():
            if self._table.key_of(place) in product_urls:
                self._table.drop(place)
