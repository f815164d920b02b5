"""Makes the records of an account from a seed: names, places, prices, the oddities of real data."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

THINGS = ("soap", "candle", "mug", "lantern", "cushion", "teapot", "basket", "clock", "tin", "card")
KINDS = (
    "olive",
    "rustic",
    "ivory",
    "glass",
    "woven",
    "enamel",
    "folding",
    "travel",
    "oak",
    "slate",
)
SETS = ("single", "pair", "set of 3", "set of 6", "gift box", "large", "small", "refill")
CATEGORIES = ("Bath", "Kitchen", "Home", "Garden", "Stationery", None)
ODD_NAMES = (
    "<script>alert(1)</script> soap",
    '=HYPERLINK("http://x.example","mug")',
    "line\r\nbreak candle",
    "\u202ereversed\u202c lantern",
    "Teekanne für Gäste ☕",
)
LOCATIONS, SUBLOCATIONS = 3, 12
STAMP = "%Y-%m-%dT%H:%M:%S"


class Maker:
    """Makes records; the same arguments give the same ones.

    Args:
        account: Name of the account, the first part of every path.
        products: How many there are.
        seed: Of everything random.
        now: The account's time, UTC.
        span: Over how long before it the stamps are spread.
    """

    def __init__(
        self, account: str, products: int, seed: int, now: datetime, span: timedelta
    ) -> None:
        self._account = account
        self._products = products
        self._seed = seed
        self._now = now
        self._span = span
        self._vendors = max(5, products // 100)

    def _url(self, resource: str, number: int | str) -> str:
        return f"/{self._account}/api/{resource}/{number}"

    def _product_url(self, index: int) -> str:
        # Renamed products keep their old address: every tenth url differs from its SKU.
        return self._url("product", 100_000 + index if index % 10 == 0 else f"P-{index}")

    def _dice(self, what: str, index: int) -> random.Random:
        return random.Random(f"{self._seed} {what} {index}")  # noqa: S311 - repeatable

    def stamps(self) -> list[int]:
        """Unix seconds at which the products were last updated, ascending."""
        last, seconds = int(self._now.timestamp()) - 60, int(self._span.total_seconds())
        return [last - seconds + seconds * (i + 1) // self._products for i in range(self._products)]

    def product(self, index: int, stamp: int) -> dict[str, Any]:
        """Return one product."""
        dice = self._dice("product", index)
        sku = f"P-{index}" if index % 50 else f"P {index}/é#%"
        name = f"{dice.choice(KINDS).title()} {dice.choice(THINGS)}, {dice.choice(SETS)}"
        cost = round(dice.uniform(0.5, 80), 2)
        updated = self._now + timedelta(seconds=stamp - int(self._now.timestamp()))
        vendors = dice.sample(range(self._vendors), dice.choice((0, 1, 1, 1, 2)))
        return {
            "productId": sku,
            "productUrl": self._product_url(index),
            "internalName": ODD_NAMES[index // 97 % 5] if index % 97 == 7 else name,  # noqa: PLR2004
            "longDescription": None,
            "productTypeId": "GOOD",
            "statusId": "PRODUCT_ACTIVE" if dice.random() < 0.82 else "PRODUCT_INACTIVE",  # noqa: PLR2004
            "category": dice.choice(CATEGORIES),
            "cost": str(cost) if index % 7 == 0 else cost,
            "leadTime": dice.choice((None, 7, 14, 30)),
            "universalProductCode": f"{4_000_000_000_000 + index}",
            "manufacturerName": dice.choice(("Olive Works", "Northern Tin", None)),
            "normalizedPackingString": dice.choice((None, "12 cs 12/1", "6 cs 6/1")),
            "weight": round(dice.uniform(0.1, 9), 3),
            "weightUomId": "WT_lb",
            "stdPackingUnitsPerCase": dice.choice((None, 6, 12)),
            "priceList": [
                {"productPriceTypeId": "LIST_PRICE", "price": cost * 2, "currencyUomId": "USD"}
            ],
            "supplierList": [self._supplier(v, n, cost) for n, v in enumerate(vendors)],
            "reorderGuidelineList": self._guidelines(dice),
            "productAssocList": [],
            "productStoreList": [],
            "glAccountList": [],
            "contentList": [],
            "userFieldDataList": [{"attrName": "user_10001", "attrValue": f"A{index % 40}"}],
            "statusIdHistoryList": [{"txStamp": stamp, "userLoginUrl": self._url("login", "bot")}],
            "createdDate": (updated - timedelta(days=dice.randrange(900))).strftime(STAMP),
            "lastUpdatedDate": updated.strftime(STAMP),
        }

    def _supplier(self, vendor: int, position: int, cost: float) -> dict[str, Any]:
        return {
            "supplierPartyUrl": self._url("partygroup", 10_000 + vendor),
            "supplierPrefOrderId": "10_MAIN_SUPPL" if position == 0 else "90_ALT_SUPPL",
            "price": round(cost * 0.8, 2),
            "currencyUomId": "USD",
            "supplierProductId": f"V{vendor}-{position}",
            "leadTime": 5 + vendor % 20,
        }

    def _guidelines(self, dice: random.Random) -> list[dict[str, Any]]:
        method = dice.choice((None, None, "##salesVelocity", "##doNotReorder", "MANUAL"))
        if method is None:
            return []
        rule: dict[str, Any] = {
            "facilityUrl": self._url("facility", 10_001),
            "reorderCalculationMethodId": method,
        }
        if method == "MANUAL":
            rule |= {"reorderPoint": dice.randrange(5, 60), "reorderQuantity": 120}
        return [rule]

    def stock(self) -> Iterator[dict[str, Any]]:
        """Yield every row of stock."""
        for index in range(self._products):
            yield from self._on_hand(index)
            yield from self._on_orders(index)

    def _on_hand(self, index: int) -> list[dict[str, Any]]:
        """Stock on hand of a product: none for one in eight, else one or two places."""
        dice = self._dice("stock", index)
        places = dice.sample(range(LOCATIONS * SUBLOCATIONS), dice.choice((0, 1, 1, 1, 1, 1, 2, 2)))
        rows = []
        for place in places:
            units: float | str = dice.choice((dice.randrange(1, 400), dice.randrange(1, 400), 2.5))
            if index % 211 == 0:
                units = -3
            sublocation = 20_000 + place
            rows.append(
                self._stock_row(index, sublocation, str(units) if index % 9 == 0 else units)
                | {"parentFacilityUrl": self._url("facility", 10_001 + place // SUBLOCATIONS)}
            )
        return rows

    def _stock_row(self, index: int, facility: int, units: object) -> dict[str, Any]:
        return {
            "facilityUrl": self._url("facility", facility),
            "parentFacilityUrl": None,
            "productId": f"P-{index}",
            "productUrl": self._product_url(index),
            "lotId": f"L-{index}" if index % 25 == 0 else None,
            "normalizedPackingString": None,
            "orderUrl": None,
            "quantityOnHand": units,
            "quantityOnOrder": 0,
            "quantityReserved": None if index % 13 == 0 else 0,
        }

    def _on_orders(self, index: int) -> list[dict[str, Any]]:
        """What open orders will bring or take: for every sixth product one of each."""
        if index % 6:
            return []
        row = self._stock_row(index, 10_001, 0)
        bought, sold = self._url("order", f"PO-{index}"), self._url("order", 90_000 + index)
        return [
            row | {"orderUrl": bought, "quantityOnOrder": 24 + index % 100},
            row | {"orderUrl": sold, "quantityReserved": str(1 + index % 4)},
        ]

    def parties(self) -> list[dict[str, Any]]:
        """Return vendors, some of them disabled or without e-mail, and one customer."""
        parties = [self._party(n) for n in range(self._vendors)]
        parties.append(self._party(self._vendors) | {"roleTypeIdList": ["CUSTOMER"]})
        return parties

    def _party(self, number: int) -> dict[str, Any]:
        mail = {"contactMechTypeId": "EMAIL_ADDRESS", "contactMechPurposeTypeId": "WORK_EMAIL"}
        stamp = self._now.strftime(STAMP)
        return {
            "partyId": str(10_000 + number),
            "partyUrl": self._url("partygroup", 10_000 + number),
            "groupName": f"{KINDS[number % 10].title()} {THINGS[number // 10 % 10].title()} Works",
            "statusId": "PARTY_DISABLED" if number % 11 == 10 else "PARTY_ENABLED",  # noqa: PLR2004
            "roleTypeIdList": ["SUPPLIER", "CARRIER"] if number % 6 == 0 else ["SUPPLIER"],
            "contactMechList": (
                [] if number % 5 == 4 else [mail | {"infoString": f"orders@v{number}.example"}]  # noqa: PLR2004
            ),
            "createdDate": stamp,
            "lastUpdatedDate": stamp,
        }

    def facilities(self) -> list[dict[str, Any]]:
        """Return locations and their sublocations."""
        stamp = self._now.strftime(STAMP)
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
                "facilityUrl": self._url("facility", number),
                "facilityName": name,
                "parentFacilityUrl": self._url("facility", parent) if parent else None,
                "statusId": "FACILITY_ACTIVE",
                "lastUpdatedDate": stamp,
            }
            for number, name, parent in places
        ]
