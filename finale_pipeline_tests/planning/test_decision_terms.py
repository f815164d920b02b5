"""Whom a product is ordered from, how long that takes and what it costs, by the whole path."""

from datetime import timedelta
from typing import Any

import pytest

from finale_pipeline.sandbox.purchases import Purchase
from finale_pipeline.sandbox.sales import Product
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW
from finale_pipeline_tests.planning.test_decision_paths import (
    BASE,
    decision,
    run,
    settings,
    shop,
    steady,
)
from finale_pipeline_tests.planning.test_demand_paths import product, sell
from finale_pipeline_tests.sync.shop import Shop

__all__ = ["settings", "shop"]

DAY = 86_400


def vendor(shop: Shop, number: str, *, is_enabled: bool = True) -> str:
    status = "PARTY_ENABLED" if is_enabled else "PARTY_DISABLED"
    named: dict[str, Any] = {
        "partyId": number,
        "groupName": f"Vendor {number}",
        "partyUrl": f"{BASE}partygroup/{number}",
    }
    return shop.put("partygroup", number, statusId=status, roleTypeIdList=["SUPPLIER"], **named)


def supplied(by: str, price: float | None, currency: str | None = None, *, lead: int | None = None,
             is_main: bool = True) -> dict[str, Any]:  # fmt: skip
    return {
        "supplierPartyUrl": by, "price": price, "currencyUomId": currency, "leadTime": lead,
        "supplierPrefOrderId": "10_MAIN_SUPPL" if is_main else "90_ALT_SUPPL",
    }  # fmt: skip


def test_six_receipts_at_forty_days_beat_the_ten_that_somebody_stated(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    slow, new = vendor(shop, "20001"), vendor(shop, "20002")
    steady(shop, "slow", supplierList=[supplied(slow, 2, lead=10)])
    steady(shop, "new", supplierList=[supplied(new, 2, lead=10)])
    for sku, party, receipts in (("slow", "20001", 6), ("new", "20002", 2)):
        lines = ((Product(f"{BASE}product/{sku}", sku, 1.0), 5),)
        for n in range(receipts):
            at = int((NOW - timedelta(days=300 - 30 * n)).timestamp())
            came = at + 40 * DAY
            bought = Purchase(
                f"{sku}-{n}", party, at, at + 10 * DAY, lines, came, ((came, lines),),
                "ORDER_COMPLETED",
            )  # fmt: skip
            shop.account.put(bought)
    run(shop, settings)

    measured = decision(connection, "slow")
    assert (measured["lead_time_days"], measured["lead_time_source"]) == (40, "measured")
    assert measured["stated_lead_time_days"] == 10
    assert "lead_time_differs" in measured["flags"]
    stated = decision(connection, "new")
    assert (stated["lead_time_days"], stated["lead_time_source"]) == (10, "supplier")


def test_money_of_two_currencies_is_not_one_sum_and_meets_no_minimum(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    mixed, euros = vendor(shop, "20001"), vendor(shop, "20002")
    steady(shop, "euro", supplierList=[supplied(mixed, 2, "EUR")])
    steady(shop, "own", cost=3, supplierList=[supplied(mixed, 0, "EUR")])
    for sku in ("one", "two"):
        steady(shop, sku, supplierList=[supplied(euros, 2, "EUR")])
    run(shop, settings)
    for url in (mixed, euros):
        connection.execute(
            "INSERT INTO plan.vendor_term (vendor_url, minimum_order_value) VALUES (%s, 100)",
            (url,),
        )
    run(shop, settings)

    own = decision(connection, "own")
    assert (own["unit_cost"], own["currency"]) == (3, None)  # a price of 0 is none
    money = (
        "SELECT total::float8, currency, minimum_gap::float8 FROM mart.purchase_plan"
        " WHERE vendor_url = %s"
    )
    assert connection.execute(money, (mixed,)).fetchone() == (None, None, None)
    assert connection.execute(money, (euros,)).fetchone() == (2 * 76 * 2, "EUR", 0)


def test_a_price_of_zero_is_missing(shop: Shop, settings: Settings, connection: Connection) -> None:
    steady(shop, "free", supplierList=[supplied(vendor(shop, "20001"), 0)])
    run(shop, settings)
    found = decision(connection, "free")
    assert (found["unit_cost"], found["abc_class"], found["quantity_units"]) == (None, "U", 76)
    line = connection.execute(
        "SELECT unit_cost, line_total, needs_data FROM mart.purchase_plan_line WHERE sku = 'free'"
    ).fetchone()
    assert line is not None
    assert line[:2] == (None, None)
    assert line[2]
    total = "SELECT total, minimum_gap FROM mart.purchase_plan WHERE vendor = 'Vendor 20001'"
    assert connection.execute(total).fetchone() == (None, None)


@pytest.mark.parametrize("has_yen", [False, True])
def test_a_product_paid_in_yen_moves_none_paid_in_dollars(
    shop: Shop, settings: Settings, connection: Connection, *, has_yen: bool
) -> None:
    by = vendor(shop, "20001")
    steady(shop, "dollars", supplierList=[supplied(by, 10, "USD")])
    product(shop, "cents", supplierList=[supplied(by, 0.1, "USD")])
    sell(shop, "cents", dict.fromkeys(range(1, 200, 20), 1))
    if has_yen:
        steady(shop, "yen", supplierList=[supplied(by, 15_000, "JPY")])
    run(shop, settings)

    classes = {sku: decision(connection, sku)["abc_class"] for sku in ("dollars", "cents")}
    assert classes == {"dollars": "A", "cents": "C"}
    if has_yen:
        assert decision(connection, "yen")["abc_class"] == "A"


def test_of_a_disabled_main_vendor_the_enabled_alternative_is_ordered_from_and_it_is_said(
    shop: Shop, settings: Settings, connection: Connection
) -> None:
    main, other = vendor(shop, "20001", is_enabled=False), vendor(shop, "20002")
    both = [supplied(main, 2, lead=5), supplied(other, 3, lead=10, is_main=False)]
    steady(shop, "moved", supplierList=both)
    steady(shop, "alone", supplierList=[supplied(main, 2, lead=5)])
    run(shop, settings)

    moved = decision(connection, "moved")
    assert (moved["vendor_url"], moved["unit_cost"], moved["lead_time_days"]) == (other, 3, 10)
    assert "main_supplier_disabled" in moved["flags"]
    assert connection.execute(
        "SELECT vendor FROM mart.purchase_plan_line WHERE sku = 'moved'"
    ).fetchall() == [("Vendor 20002",)]
    assert "main_supplier_disabled" not in decision(connection, "alone")["flags"]
