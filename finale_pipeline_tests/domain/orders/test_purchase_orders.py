"""Names, texts and comparisons of orders, whatever is in them."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.orders.comparison import differences
from finale_pipeline.domain.orders.purchase_orders import (
    Draft,
    LineTerms,
    PurchaseLine,
    body,
    draft_warnings,
    joined,
    line_warnings,
    order_id,
    reference,
    same_lines,
)
from finale_pipeline.domain.replenishment.order_terms import OrderTerms, check_quantity

DENVER = ZoneInfo("America/Denver")
TODAY = date(2026, 3, 9)
units = st.decimals("0.000001", 10**9, places=6)
prices = st.none() | st.decimals(0, 10**6, places=6)
days = st.dates(date(2000, 1, 1), date(2090, 1, 1))
names = st.text(st.characters(min_codepoint=33, max_codepoint=500), min_size=1, max_size=80)


@st.composite
def orders(draw: st.DrawFn) -> Draft:
    """Orders of up to six products."""
    keys = draw(st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True))
    lines = [
        PurchaseLine(
            f"/demo/api/product/{k}", f"SKU-{k}", draw(units), draw(prices), "USD", draw(days)
        )
        for k in keys
    ]
    return Draft("demo", TODAY, "10042", "/demo/api/facility/10001", joined(lines))


def record_of(draft: Draft) -> dict[str, Any]:
    """Return the order as an honest source shows it."""
    record: dict[str, Any] = json.loads(
        body(draft, today=TODAY, zone=DENVER), parse_float=Decimal, parse_int=Decimal
    )
    skus = {line.product_url: line.sku for line in draft.lines}
    for item in record["orderItemList"]:
        item["productId"] = skus[item["productUrl"]]
        item["quantity"] = str(item["quantity"])  # numbers may come as text
    record["orderItemList"].reverse()
    record["orderItemListTotal"] = draft.total.quantize(Decimal("0.01"))
    return record


@given(orders())
def test_an_order_that_is_kept_as_it_was_sent_has_no_difference(draft: Draft) -> None:
    assert differences(draft, record_of(draft)) == []


@given(orders(), st.data())
def test_every_single_change_of_an_order_is_a_difference(draft: Draft, data: st.DataObject) -> None:
    record = record_of(draft)
    items = record["orderItemList"]
    item = data.draw(st.sampled_from(items))
    changes: dict[str, Any] = {
        "type": lambda: record.update(orderTypeId="SALES_ORDER"),
        "status": lambda: record.update(statusId="ORDER_LOCKED"),
        "place": lambda: record.pop("destinationFacilityUrl"),
        "reference": lambda: record.update(referenceNumber="x"),
        "number": lambda: record.update(orderId="PO-1"),
        "supplier": lambda: record.update(orderRoleList=[]),
        "gone": lambda: items.remove(item),
        "twice": lambda: items.append(deepcopy(item)),
        "unlinked": lambda: item.update(productUrl=None, productId=None),
        "other": lambda: item.update(productUrl="/demo/api/product/999"),
        "sku": lambda: item.update(productId="renamed"),
        "quantity": lambda: item.update(quantity=Decimal(item["quantity"]) + Decimal("0.000001")),
        "no lines": lambda: record.pop("orderItemList"),
        "total": lambda: record.update(orderItemListTotal=draft.total + 1),
        "price": lambda: item.update(unitPrice=(item.get("unitPrice") or 0) + Decimal("0.000001")),
    }
    what = data.draw(st.sampled_from(sorted(changes)))
    is_open = what == "price" and "unitPrice" not in item
    is_open |= what == "total" and any(line.unit_price is None for line in draft.lines)
    changes[what]()
    assert (differences(draft, record) == []) == is_open, what


def test_a_name_cannot_write_on_the_screen() -> None:
    line = PurchaseLine("/p/1", "\x1b[31mTEA\n", Decimal(1))
    draft = Draft("demo", date(2026, 3, 9), "7", "/f/1", (line,))
    (said,) = differences(draft, record_of(draft) | {"orderItemList": []})[1:]
    assert said == "[31mTEA is on it 0 times, not once"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(orders(), st.data())
def test_no_garbage_breaks_the_comparison_or_passes_it(draft: Draft, data: st.DataObject) -> None:
    record = record_of(draft)
    for name in data.draw(st.lists(st.sampled_from(sorted(record)), min_size=1)):
        record[name] = data.draw(json_values)
    told = ("orderTypeId", "statusId", "orderId", "referenceNumber", "destinationFacilityUrl")
    honest = record_of(draft)
    if any(record[name] != honest[name] for name in told):
        assert differences(draft, record)
    else:
        differences(draft, record)


@given(orders())
def test_the_text_has_every_digit(draft: Draft) -> None:
    sent = json.loads(body(draft, today=TODAY, zone=DENVER), parse_float=Decimal)
    kept = {i["productUrl"]: (i["quantity"], i.get("unitPrice")) for i in sent["orderItemList"]}
    assert kept == {x.product_url: (x.quantity_units, x.unit_price) for x in draft.lines}
    assert (sent["orderTypeId"], sent["statusId"]) == ("PURCHASE_ORDER", "ORDER_CREATED")
    assert len(sent["referenceNumber"]) <= 60
    assert len(sent["orderId"]) <= 20


@given(days, names, names, st.integers(1, 999))
def test_names_fit_and_differ(day: date, vendor: str, place: str, sequence: int) -> None:
    url = f"/demo/api/facility/{place}"
    made = [
        reference(plan_on=day, vendor_id=v, facility_url=url, sequence=n)
        for v in (vendor, f"{vendor}1")
        for n in (sequence, sequence + 1)
    ]
    numbers = [order_id(account, name, day) for account in ("demo", "other") for name in made]
    assert len(set(made)) == 4
    assert len(set(numbers)) == 8
    assert all(len(name) <= 60 and name.isascii() for name in made)
    assert all(len(number) <= 20 and number.isascii() for number in numbers)


@given(days)
def test_days_are_the_zones_noons(day: date) -> None:
    draft = Draft("demo", day, "1", "/f/1", (PurchaseLine("/p", "P", Decimal(1)),))
    sent = json.loads(body(draft, today=day, zone=DENVER))
    moment = datetime.fromisoformat(f"{sent['orderDate']}+00:00").astimezone(DENVER)
    assert (moment.date(), moment.hour) == (day, 12)
    assert "receiveDate" not in sent


def test_an_order_drafted_later_arrives_later() -> None:
    line = PurchaseLine("/p", "P", Decimal(1), arrival_on=date(2026, 3, 20))
    draft = Draft("demo", TODAY, "1", "/f/1", (line,))
    sent = json.loads(body(draft, today=date(2026, 3, 11), zone=ZoneInfo("UTC")))
    assert (sent["orderDate"][:10], sent["receiveDate"][:10]) == ("2026-03-11", "2026-03-22")


@given(orders())
def test_lines_are_the_same_in_any_order_and_not_with_another_quantity(draft: Draft) -> None:
    lines = draft.lines
    assert same_lines(lines, lines[::-1])
    more = replace(lines[0], quantity_units=lines[0].quantity_units + 1)
    assert not same_lines(lines, (more, *lines[1:]))
    assert not same_lines(lines, lines[1:])


def test_a_product_on_two_lines_becomes_one() -> None:
    one, other = (
        PurchaseLine("/p", "P", Decimal(n), price) for n, price in ((2, None), (3, Decimal(1)))
    )
    (line,) = joined([one, other])
    assert (line.quantity_units, line.unit_price) == (Decimal(5), Decimal(1))


@pytest.mark.parametrize(
    ("quantity", "terms", "said"),
    [
        (12, LineTerms(Decimal(12), Decimal(6)), []),
        (6, LineTerms(Decimal(12), Decimal(6)), ["under its minimum of 12"]),
        (13, LineTerms(pack_units=Decimal(6)), ["no whole number of packs of 6"]),
    ],
)
def test_what_speaks_against_a_line_is_said(
    quantity: int, terms: LineTerms, said: list[str]
) -> None:
    found = line_warnings(PurchaseLine("/p", "P", Decimal(quantity), Decimal(1)), terms)
    assert len(found) == len(said)
    assert all(text in line for text, line in zip(said, found, strict=True))


def test_a_draft_minds_no_pack_that_nobody_named_and_forgives_nothing() -> None:
    """The plan orders whole units then, and forgives what a float lacks: see `OrderTerms`."""

    def said(units: Decimal, terms: LineTerms) -> list[str]:
        return line_warnings(PurchaseLine("/p", "P", units, Decimal(1)), terms)

    half, nearly = Decimal("0.5"), Decimal("11.9999999999")
    assert said(half, LineTerms()) == []
    assert check_quantity(half, OrderTerms()).broken_rules == ("pack",)
    assert len(said(nearly, LineTerms(Decimal(12), Decimal(12)))) == len(["minimum", "pack"])
    assert check_quantity(nearly, OrderTerms(Decimal(12), Decimal(12))).broken_rules == ()


def test_what_speaks_against_an_order_is_said() -> None:
    lines = tuple(
        PurchaseLine(f"/p/{c}", c, Decimal(1), Decimal(10), currency=c) for c in ("EUR", "USD")
    )
    said = draft_warnings(Draft("demo", TODAY, "1", "/f/1", lines), Decimal(50))
    assert said == [
        "the total of 20 is under the vendor's minimum of 50",
        "its prices are in several currencies: EUR, USD",
    ]
