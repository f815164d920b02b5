"""Makes the records of an account from a seed: names, places, prices, the oddities of real data."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.sandbox.names import CATEGORIES, GOODS, ODD_NAMES, VENDORS
from finale_pipeline.sandbox.sales import STAMP, Lines, Product, url_of
from finale_pipeline.sandbox.stock import stock_row

NO_SUPPLIER = 13
"""Of twenty products this one has no supplier."""
LOCATIONS, SUBLOCATIONS = 3, 12
ODD_SKU = 49
"""Of fifty SKUs this one is hard to put into an address; no list begins with it."""
MOST_GROUPS = 300
"""Vendors that are ordered from; a large account has more, and each order is read singly."""


@dataclass(frozen=True, slots=True)
class Item:
    """A real product to make a record of, instead of an invented one.

    Attributes:
        stamp: When it was last updated, Unix seconds.
    """

    sku: str
    name: str
    price: float
    stamp: int
    units: float


@dataclass(frozen=True)
class Maker:
    """Makes records; the same arguments give the same ones.

    Attributes:
        span: Over how long before `now` the stamps are spread.
        items: Real products, by stamp ascending, to take the place of invented ones.
        odd: Whether some names are made to do harm, SKUs stand for two products, products are
            over-shipped: all that real accounts have, and a healthy one has not.
    """

    products: int
    seed: int
    now: datetime
    span: timedelta
    items: Sequence[Item] = ()
    currency: str = "USD"
    odd: bool = True

    @property
    def _vendors(self) -> int:
        return max(5, self.products // 100)

    def _product_url(self, index: int) -> str:
        # Renamed products keep their old address: every tenth url differs from its SKU.
        is_renamed = self.items or index % 10 == 0
        return url_of("product", 100_000 + index if is_renamed else f"P-{index}")

    def _sku(self, index: int) -> str:
        if self.items:
            return self.items[index].sku
        if self.odd and index % 997 == 5:  # a few SKUs stand for two products
            return f"P-{index - 1}"
        return f"P-{index}/é#%" if self.odd and index % 50 == ODD_SKU else f"P-{index}"

    def sold(self) -> list[Product]:
        """Return what sales need to know of every product."""
        return [
            Product(self._product_url(i), self._sku(i), self.items[i].price if self.items else 9.5)
            for i in range(self.products)
        ]

    def _dice(self, what: str, index: int) -> random.Random:
        return random.Random(f"{self.seed} {what} {index}")

    def stamps(self) -> list[int]:
        """Unix seconds at which the products were last updated, ascending."""
        if self.items:
            return [item.stamp for item in self.items]
        last, seconds = int(self.now.timestamp()) - 60, int(self.span.total_seconds())
        return [last - seconds + seconds * (i + 1) // self.products for i in range(self.products)]

    def product(self, index: int, stamp: int) -> dict[str, Any]:
        """Return one product."""
        dice = self._dice("product", index)
        category, name = self._called(dice, index)
        cost = round(dice.uniform(0.5, 80), 2)
        price = cost * 2
        if self.items:
            price = self.items[index].price
            cost = round(price * 0.6, 2)
        updated = self.now + timedelta(seconds=stamp - int(self.now.timestamp()))
        vendors = self._suppliers(index)
        return {
            "productId": self._sku(index),
            "productUrl": self._product_url(index),
            "internalName": name,
            "longDescription": None,
            "productTypeId": "GOOD",
            "statusId": self._status(dice),
            "category": category if dice.choice(CATEGORIES) else None,
            "cost": str(cost) if index % 7 == 0 else cost,
            "leadTime": dice.choice((None, 7, 14, 30)),
            "universalProductCode": f"{4_000_000_000_000 + index}",
            "manufacturerName": dice.choice(("Olive Works", "Northern Tin", None)),
            "normalizedPackingString": dice.choice((None, "12 cs 12/1", "6 cs 6/1")),
            "weight": round(dice.uniform(0.1, 9), 3),
            "weightUomId": "WT_lb",
            "stdPackingUnitsPerCase": dice.choice((None, 6, 12)),
            "priceList": [
                {"productPriceTypeId": "LIST_PRICE", "price": price, "currencyUomId": self.currency}
            ],
            "supplierList": [self._supplier(v, n, cost) for n, v in enumerate(vendors)],
            "reorderGuidelineList": self._guidelines(dice),
            "productAssocList": [],
            "productStoreList": [],
            "glAccountList": [],
            "contentList": [],
            "userFieldDataList": [{"attrName": "user_10001", "attrValue": f"A{index % 40}"}],
            "statusIdHistoryList": [{"txStamp": stamp, "userLoginUrl": url_of("login", "bot")}],
            "createdDate": (updated - timedelta(days=dice.randrange(900))).strftime(STAMP),
            "lastUpdatedDate": updated.strftime(STAMP),
        }

    def _called(self, dice: random.Random, index: int) -> tuple[str, str]:
        """Return a product's category and name; some names are made to do harm."""
        if self.items:
            return "Home", self.items[index].name
        if self.odd and index % 97 == 7:
            return "Home", ODD_NAMES[index // 97 % 5]
        drawn = [dice.randrange(10) for _ in range(2)]
        category, kinds, thing, sizes = GOODS[drawn[0] + 10 * (index % 3)]
        return category, f"{kinds[drawn[1]]} {thing}, {dice.choice(sizes)}"

    def _status(self, dice: random.Random) -> str:
        is_active = self.items or dice.random() < 0.82
        return "PRODUCT_ACTIVE" if is_active else "PRODUCT_INACTIVE"

    def _supplier(self, vendor: int, position: int, cost: float) -> dict[str, Any]:
        return {
            "supplierPartyUrl": url_of("partygroup", 10_000 + vendor),
            "supplierPrefOrderId": "10_MAIN_SUPPL" if position == 0 else "90_ALT_SUPPL",
            "price": round(cost * 0.8, 2),
            "currencyUomId": self.currency,
            "supplierProductId": f"V{vendor}-{position}",
            "leadTime": 5 + vendor % 20,
        }

    def _guidelines(self, dice: random.Random) -> list[dict[str, Any]]:
        method = dice.choice((None, None, "##salesVelocity", "##doNotReorder", "MANUAL"))
        if method is None:
            return []
        rule: dict[str, Any] = {
            "facilityUrl": url_of("facility", 10_001),
            "reorderCalculationMethodId": method,
        }
        if method == "MANUAL":
            rule |= {"reorderPoint": dice.randrange(5, 60), "reorderQuantity": 120}
        return [rule]

    def customization(self) -> dict[str, Any]:
        """Return the account's own words: the labels of its user-defined fields."""
        return {
            "customizationUrl": url_of("customization", "PRIMARY"),
            "userFieldDefList": [{"attrName": "user_10001", "label": "Shelf"}],
        }

    def stock(self) -> Iterator[dict[str, Any]]:
        """Yield every row of stock."""
        for index in range(self.products):
            if self.items:
                row = self._stock_row(index, 20_000, self.items[index].units)
                yield row | {"parentFacilityUrl": url_of("facility", 10_001)}
            else:
                yield from self._on_hand(index)
                yield from self._on_orders(index)

    def _on_hand(self, index: int) -> list[dict[str, Any]]:
        """Stock on hand of a product: none for one in eight, else one or two places.

        In a healthy shop one in a hundred is out, and one in twelve has little.
        """
        dice = self._dice("stock", index)
        many = dice.choice((0, 1, 1, 1, 1, 1, 2, 2))
        if not self.odd:
            many = max(many, 1) if index % 100 else 0
        places = dice.sample(range(LOCATIONS * SUBLOCATIONS), many)
        rows = []
        for place in places:
            units: float | str = dice.choice((dice.randrange(1, 400), dice.randrange(1, 400), 2.5))
            if not self.odd:
                units = dice.randrange(60, 400) if index % 12 else dice.randrange(2, 30)
            if self.odd and index % 211 == 0:
                units = -3
            sublocation = 20_000 + place
            rows.append(
                self._stock_row(index, sublocation, str(units) if index % 9 == 0 else units)
                | {"parentFacilityUrl": url_of("facility", 10_001 + place // SUBLOCATIONS)}
            )
        return rows

    def _stock_row(self, index: int, facility: int, units: object) -> dict[str, Any]:
        return stock_row(
            self._product_url(index),
            self._sku(index),
            url_of("facility", facility),
            lotId=f"L-{index}" if index % 25 == 0 else None,
            quantityOnHand=units,
            quantityReserved=None if index % 13 == 0 else 0,
        )

    def _on_orders(self, index: int) -> list[dict[str, Any]]:
        """What an open order will take of every sixth product."""
        if index % 6:
            return []
        row = self._stock_row(index, 10_001, 0)
        sold = url_of("order", 90_000 + index)
        return [row | {"orderUrl": sold, "quantityReserved": str(1 + index % 4)}]

    def bought(self) -> dict[str, Lines]:
        """Return what is ordered each time, per vendor's partyId: every sixth product."""
        groups: dict[str, list[tuple[Product, float]]] = {}
        products = [] if self.items else self.sold()
        for index in range(0, len(products), 6):
            vendor = next(iter(self._suppliers(index)), 0) % MOST_GROUPS
            line = (products[index], 24.0 + index % 100)
            groups.setdefault(str(10_000 + vendor), []).append(line)
        return {vendor: tuple(lines) for vendor, lines in sorted(groups.items())}

    def _suppliers(self, index: int) -> list[int]:
        dice = self._dice("suppliers", index)
        is_orphan = index % (20 if self.odd else 400) == NO_SUPPLIER
        many = 0 if is_orphan else dice.choice((1, 1, 1, 1, 2))
        return dice.sample(range(self._vendors), many)

    def parties(self) -> list[dict[str, Any]]:
        """Return vendors, some of them disabled or without e-mail, and one customer."""
        customer = self._party(self._vendors) | {"roleTypeIdList": ["CUSTOMER"]}
        return [*(self._party(n) for n in range(self._vendors)), customer]

    def _party(self, number: int) -> dict[str, Any]:
        mail = {"contactMechTypeId": "EMAIL_ADDRESS", "contactMechPurposeTypeId": "WORK_EMAIL"}
        stamp = self.now.strftime(STAMP)
        return {
            "partyId": str(10_000 + number),
            "partyUrl": url_of("partygroup", 10_000 + number),
            "groupName": self._vendor_name(number),
            "statusId": "PARTY_DISABLED" if number % 11 == 10 else "PARTY_ENABLED",
            "roleTypeIdList": ["SUPPLIER", "CARRIER"] if number % 6 == 0 else ["SUPPLIER"],
            "contactMechList": (
                [] if number % 5 == 4 else [mail | {"infoString": f"orders@v{number}.example"}]
            ),
            "createdDate": stamp,
            "lastUpdatedDate": stamp,
        }

    @staticmethod
    def _vendor_name(number: int) -> str:
        name, again = VENDORS[number % len(VENDORS)], number // len(VENDORS)
        return f"{name} {again + 1}" if again else name

    def facilities(self) -> list[dict[str, Any]]:
        """Return locations and their sublocations."""
        stamp = self.now.strftime(STAMP)
        places: list[tuple[int, str, int | None]] = [
            (10_001 + n, f"Warehouse {n + 1}", None) for n in range(LOCATIONS)
        ]
        places += [
            (20_000 + n, f"B-{n:02}", 10_001 + n // SUBLOCATIONS)
            for n in range(LOCATIONS * SUBLOCATIONS)
        ]
        return [
            {
                "facilityId": str(number),
                "facilityUrl": url_of("facility", number),
                "facilityName": name,
                "parentFacilityUrl": url_of("facility", parent) if parent else None,
                "statusId": "FACILITY_ACTIVE",
                "lastUpdatedDate": stamp,
            }
            for number, name, parent in places
        ]
