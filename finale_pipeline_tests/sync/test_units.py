"""Units in are units out, whatever the packings, places and lots, and whatever cannot be read."""

import random
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import new_database, settings_for
from finale_pipeline_tests.shapes.account import ShapeServer, load
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, sync

PRODUCTS = 30
PLACES = ("/demo/api/facility/10001", "/demo/api/facility/10011", None)
PACKINGS = ((1, None), (1, "each"), (6, "6 cs 6/1"), (12, "12 cs 12/1"), (24, "24/4/2/1"))
"""Units of one counted thing, and how Finale writes that packing."""
QUANTITIES = ("quantityOnHand", "quantityOnOrder", "quantityReserved")
Truth = dict[str, tuple[float, float, float]]


class Stock:
    """The stock of an invented account: its rows, and its units by an own reckoning."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - repeatable
        self.rows: dict[tuple[Any, ...], tuple[int, Fraction]] = {}
        for number in range(PRODUCTS):
            for _ in range(self.dice.randrange(4)):
                self._put(number)

    def _put(self, number: int) -> None:
        kind = self.dice.randrange(3)
        order = f"/demo/api/order/{self.dice.randrange(3)}" if kind else None
        lot = self.dice.choice((None, "L-1", "L-2"))
        key = number, self.dice.choice(PLACES), lot, self.dice.choice(PACKINGS), order
        self.rows[key] = kind, Fraction(self.dice.randrange(-8, 400), self.dice.choice((1, 1, 4)))

    def move(self) -> None:
        """Let a third of the rows go elsewhere, in another packing, or away; and others come."""
        for key in self.dice.sample(sorted(self.rows, key=str), len(self.rows) // 3):
            number, _, lot, (units, _), order = key
            kind, quantity = self.rows.pop(key)
            if self.dice.random() < 0.8:
                there = number, self.dice.choice(PLACES), lot, (1, None), order
                before = self.rows.get(there, (kind, Fraction(0)))[1]
                self.rows[there] = kind, before + quantity * units
        for _ in range(5):
            self._put(self.dice.randrange(PRODUCTS))

    def truth(self) -> Truth:
        sums: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
        for (number, _, _, (units, _), _), (kind, quantity) in self.rows.items():
            sums[url_of(number)][kind] += quantity * units
        none = [Fraction(0)] * 3
        return {
            url_of(n): tuple(float(u) for u in sums.get(url_of(n), none))  # type: ignore[misc]
            for n in range(PRODUCTS)
        }

    def answer(self, unreadable: int) -> tuple[dict[str, list[Any]], set[str]]:
        """Return the answer, in which some rows cannot be read, and whose rows those are."""
        records = []
        for (number, place, lot, (_, packing), order), (kind, quantity) in self.rows.items():
            record = dict.fromkeys(QUANTITIES, 0) | {
                "productUrl": url_of(number), "productId": f"P-{number}", "facilityUrl": place,
                "lotId": lot, "normalizedPackingString": packing, "orderUrl": order,
            }  # fmt: skip
            sent: Any = float(quantity)
            record[QUANTITIES[kind]] = str(sent) if self.dice.random() < 0.2 else sent
            records.append(record)
        broken = self.dice.sample(records, min(unreadable, len(records) // 20))
        owners = {str(record["productUrl"]) for record in broken}
        for record in broken:
            if self.dice.random() < 0.5:
                record["productUrl"] = None  # its productId still says whose it is
            else:
                record["quantityOnHand"] = "a lot"
        return {name: [r[name] for r in records] for name in records[0]}, owners


def url_of(number: int) -> str:
    return f"/demo/api/product/p{number}"


def stored(connection: Connection) -> Truth:
    rows: Any = connection.execute(
        "SELECT product_url, on_hand_units::float8, on_order_units::float8, reserved_units::float8"
        " FROM core.stock_level"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


@examples(max_examples=8, derandomize=True)
@given(seed=st.integers(0, 2**32), unreadable=st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_the_sums_are_the_accounts_units_after_every_read(
    server: str, upgraded: str, seed: int, unreadable: list[int]
) -> None:
    """A product with a row that cannot be read has the whole of its last good state."""
    database = new_database(server, template=upgraded)
    shape = products_of(load("cases"))
    stock = Stock(seed)
    wanted: Truth = {}
    with ShapeServer(shape) as served, connect(database, name="tests") as connection:
        settings = settings_for(database, served, case_quantities="cases")
        for number, broken in enumerate(unreadable):
            answer, owners = stock.answer(broken)
            shape["collections"]["inventoryitem"] = answer
            sync(settings, "inventory" if number else "full", accept=True)
            now = stock.truth()
            wanted |= {url: units for url, units in now.items() if url not in owners}
            assert stored(connection) == wanted
            kept = connection.execute("SELECT product_url FROM core.stock_kept").fetchall()
            assert {row[0] for row in kept} == owners
            places = connection.execute(
                "SELECT product_url, sum(on_hand_units)::float8, sum(on_order_units)::float8,"
                " sum(reserved_units)::float8 FROM core.stock_level_by_location GROUP BY 1"
            ).fetchall()
            none = (0.0, 0.0, 0.0)
            assert {r[0]: r[1:] for r in places} == {
                u: s for u, s in wanted.items() if s != none or any(r[0] == u for r in places)
            }
            stock.move()
        assert_ledger_is_closed(connection)


def products_of(shape: dict[str, Any]) -> dict[str, Any]:
    """Return a shape with the products of these accounts, without orders and shipments."""
    shape["collections"] |= {"order": {}, "shipment": {}}
    shape["collections"]["product"] = {
        "productId": [f"P-{n}" for n in range(PRODUCTS)],
        "productUrl": [url_of(n) for n in range(PRODUCTS)],
        "statusId": ["PRODUCT_ACTIVE"] * PRODUCTS,
        "lastUpdatedDate": ["2026-02-17T09:41:55"] * PRODUCTS,
    }
    return shape


@pytest.fixture
def served(url: str) -> Iterator[tuple[Settings, dict[str, Any]]]:
    shape = load("cases")
    with ShapeServer(shape) as server:
        yield settings_for(url, server), shape


def figures(connection: Connection) -> tuple[Any, ...]:
    """Return what was sold, what is ordered, for which price, and what is on hand."""
    row: Any = connection.execute(
        "SELECT (SELECT sum(units)::float8 FROM core.sales_daily),"
        " (SELECT sum(open_units)::float8 FROM core.purchase_order_line),"
        " (SELECT min(unit_price)::float8 FROM core.purchase_order_line),"
        " (SELECT max(on_hand_units)::float8 FROM core.stock_level)"
    ).fetchone()
    return tuple(row)


def test_what_was_read_is_converted_when_the_setting_changes(
    served: tuple[Settings, dict[str, Any]], connection: Connection
) -> None:
    settings, _ = served
    sync(settings)
    assert figures(connection) == (144.0, 60.0, 2.5, 121.0)
    units = settings.model_copy(update={"case_quantities": "units"})
    sync(units, "inventory")
    assert figures(connection) == (12.0, 5.0, 30.0, 11.0)
    sync(settings.model_copy(update={"case_quantities": "cases"}))
    assert figures(connection) == (144.0, 60.0, 2.5, 121.0)


def test_builds_and_transfers_are_converted_too(
    served: tuple[Settings, dict[str, Any]], connection: Connection
) -> None:
    """One build used 2 cases of 12, one will use 3, and a case is on its way."""
    settings, shape = served
    soap = {"productUrl": "/demo/api/product/100731", "normalizedPackingString": "12 cs 12/1"}
    shape["collections"]["workeffort"] = {
        "workEffortUrl": ["/demo/api/workeffort/1", "/demo/api/workeffort/2"],
        "statusId": ["PRUN_COMPLETED", "PRUN_CREATED"],
        "completeDate": ["2026-02-13T12:00:00", None],
        "workEffortConsumeList": [[soap | {"quantity": 2}], [soap | {"quantity": 3}]],
        "lastUpdatedDate": ["2026-02-13T12:00:00"] * 2,
    }
    shape["collections"]["inventorytransfer"] = {
        "inventoryTransferUrl": ["/demo/api/inventorytransfer/1"],
        "productUrl": [soap["productUrl"]],
        "normalizedPackingString": ["12 cs 12/1"],
        "quantity": [1],
        "sendDate": ["2026-02-13T12:00:00"],
        "lastUpdatedDate": ["2026-02-13T12:00:00"],
    }

    def moved() -> tuple[Any, ...]:
        row: Any = connection.execute(
            "SELECT (SELECT sum(build_units)::float8 FROM core.component_demand),"
            " (SELECT units::float8 FROM core.build_reservation),"
            " (SELECT units::float8 FROM core.transfer)"
        ).fetchone()
        return tuple(row)

    sync(settings)
    assert moved() == (24, 36, 12)
    sync(settings.model_copy(update={"case_quantities": "units"}), "inventory")
    assert moved() == (2, 3, 1)
    sync(settings.model_copy(update={"case_quantities": "cases"}), "inventory")
    assert moved() == (24, 36, 12)
    sync(settings)
    assert moved() == (24, 36, 12)


@pytest.mark.parametrize(
    ("rows", "odd", "factor"), [(40, 0, 1), (40, 30, 12), (40, 4, 12), (20, 0, 12)]
)
def test_an_account_whose_case_stock_is_all_whole_cases_counts_units(
    served: tuple[Settings, dict[str, Any]],
    connection: Connection,
    rows: int,
    odd: int,
    factor: int,
) -> None:
    """By chance that many numbers are no multiples of 12; with few rows nothing is decided."""
    settings, shape = served
    quantities = [12 * (n + 1) + (5 if n < odd else 0) for n in range(rows)]
    shape["collections"]["inventoryitem"] = {
        "facilityUrl": [f"/demo/api/facility/{n}" for n in range(rows)],
        "productId": ["SOAP-12"] * rows,
        "productUrl": ["/demo/api/product/100731"] * rows,
        "normalizedPackingString": ["12 cs 12/1"] * rows,
        "quantityOnHand": quantities,
    }
    sync(settings)
    sales, ordered, *_, on_hand = figures(connection)
    assert (sales, ordered, on_hand) == (12 * factor, 5 * factor, sum(quantities) * factor)
