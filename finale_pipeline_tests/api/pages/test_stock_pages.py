"""Pages about vendors, excess stock and reorder points; the search that leads to all of them."""

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest

from finale_pipeline_tests.api.buyer import VENDOR, replan
from finale_pipeline_tests.api.pages.test_agreements import lines
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

ORDER = (
    "INSERT INTO core.purchase_order (order_url, order_id, status, is_open, vendor_url,"
    " ordered_on, due_on, total, updated_at, payload, first_seen_at, changed_at, row_hash)"
    " VALUES (%s, %s, 'ORDER_LOCKED', %s, %s, %s::date - %s::int, %s::date - %s::int, 100, now(),"
    " '{}', now(), now(), 1)"
)
LINE = (
    "INSERT INTO core.purchase_order_line (order_url, position, product_url, quantity_units,"
    " received_units, open_units, unit_price, changed_at, row_hash)"
    " VALUES (%s, 1, %s, %s, %s, %s, %s, now(), 1)"
)


def order(
    stock: Warehouse, number: str, *, ago: int, late: int, price: float, is_open: bool
) -> None:
    url, today = f"/demo/api/order/{number}", stock.now.date()
    stock.connection.execute(ORDER, (url, number, is_open, VENDOR, today, ago, today, late))
    received = 0 if is_open else 50
    stock.connection.execute(LINE, (url, url_of("A"), 50, received, 50 - received, price))


def page(api: httpx.Client, path: str) -> str:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_vendor_has_contact_orders_prices_and_its_part_of_the_plan(
    api: httpx.Client, stock: Warehouse
) -> None:
    order(stock, "PO-1", ago=60, late=50, price=4, is_open=False)
    order(stock, "PO-2", ago=20, late=3, price=5, is_open=True)
    shown = page(api, f"/vendors/{VENDOR}")
    assert shown == page(api, "/vendors/Acme")
    assert '<a href="mailto:sales@acme.example">' in shown
    assert "stated 7" in shown
    assert ">PO-2</a>" in shown
    assert "<b>3</b>" in shown, "days late"
    assert "25 %</td>" in shown, "dearer by a quarter"
    assert "<strong>2</strong> lines to order" in shown
    assert ">Acme</a>" in page(api, "/vendors")
    assert api.get("/vendors/nobody").status_code == 404


def test_excess_is_what_no_order_would_fill_up_to(api: httpx.Client, stock: Warehouse) -> None:
    """D has 50 and never sold: all of it. A sells 3 a day: what is above the cover."""
    stock.stock(A=1000)
    stock.evaluate()
    replan(stock)
    ((up_to,),) = stock.rows(
        "SELECT round(order_up_to_units, 1) FROM plan.decision WHERE product_url = %s",
        url_of("A"),
    )
    shown = page(api, "/excess")
    too_much = re.findall(r'>(\w+)</a>.*?data-name="too much"><b>([\d,.]+)<', shown)
    found = {sku: float(units.replace(",", "")) for sku, units in too_much}
    assert found["A"] == pytest.approx(1000 - float(up_to), abs=0.06)
    assert found["D"] == 50
    assert "475.00 USD" in shown, "50 at a cost of 9.50"
    dead = page(api, "/excess?kind=dead")
    assert ">D</a>" in dead
    assert ">A</a>" not in dead.partition("<h2>Products</h2>")[2]
    assert ">D</a>" not in page(api, "/excess?kind=slow").partition("<h2>Products</h2>")[2]
    assert ">A</a>" in page(api, "/excess?vendor=Acme").partition("<h2>Products</h2>")[2]
    links = re.findall(r'<a href="(/excess\?vendor=[^"]*)">([^<]*)</a></td>', shown)
    assert {name for _, name in links} == {"Acme", "not known"}
    for link, name in links:
        listed = page(api, unescape(link)).partition("<h2>Products</h2>")[2]
        assert (">A</a>" in listed, ">D</a>" in listed) == (name == "Acme", name != "Acme")


def test_excess_has_an_age(api: httpx.Client, stock: Warehouse) -> None:
    """A was sold until yesterday, and last came 41 days ago; D never was, nor did it ever come."""
    order(stock, "PO-9", ago=60, late=50, price=4, is_open=False)
    stock.connection.execute(
        "INSERT INTO core.shipment (shipment_url, order_url, shipment_type, status, received_on,"
        " updated_at, first_seen_at, changed_at, row_hash) VALUES ('/s/1',"
        " '/demo/api/order/PO-9', 'PURCHASE_SHIPMENT', 'SHIPMENT_DELIVERED', %s, now(),"
        " now(), now(), 1)",
        (stock.now.date() - timedelta(days=41),),
    )
    stock.connection.execute(
        "INSERT INTO core.shipment_line (shipment_url, position, product_url, units, changed_at,"
        " row_hash) VALUES ('/s/1', 1, %s, 50, now(), 1)",
        (url_of("A"),),
    )
    stock.stock(A=1000)
    stock.evaluate()
    replan(stock)
    rows = re.findall(
        r'>(\w)</a>.*?data-name="last sold">([^<]*)<.*?data-name="last received">([^<]*)<',
        page(api, "/excess").partition("<h2>Products</h2>")[2],
    )
    ages = {sku: (sold, received) for sku, sold, received in rows}
    today = stock.now.date()
    assert ages["A"] == (f"{today - timedelta(days=1)}", f"{today - timedelta(days=41)}")
    assert ages["D"] == ("never", "\u2013")


def test_the_page_shows_what_stock_was_worth_on_both_days(
    api: httpx.Client, stock: Warehouse
) -> None:
    """50 of D at 9.50 are there both days, five of B the first and 13 the second."""
    assert "out of 5" not in api.get("/excess").text
    stock.now += timedelta(days=1)
    stock.stock(B=13)
    stock.evaluate()
    replan(stock)
    rows = stock.rows("SELECT products, products_out, stock_value FROM plan.day_total ORDER BY 1")
    assert len(rows) == 2
    shown = api.get("/excess").text
    assert len(re.findall('<figure class="scroll chart"', shown)) == 1
    before, after = re.findall(r"available at cost ([\d,]+),", shown)
    assert int(after.replace(",", "")) - int(before.replace(",", "")) == 76  # eight at 9.50


def test_points_are_compared_and_taken(api: httpx.Client, stock: Warehouse) -> None:
    shown = page(api, "/points")
    assert re.findall(r'name="product" value="(\w)"', shown) == ["A", "B", "C"]
    before = lines(api)["A"][1]
    taken = api.post("/points", data={"whose": "finale", "product": "A"})
    assert taken.headers["location"] == "/points?accepted=1"
    ((point,),) = stock.rows(
        "SELECT reorder_point_units FROM plan.product_term WHERE product_url = %s", url_of("A")
    )
    assert point == 20
    assert lines(api)["A"][1] != before
    assert "fixed by a buyer" in page(api, "/points")
    assert api.post("/points", data={"whose": "ours"}).status_code == 422
    ((changes,),) = stock.rows("SELECT count(*) FROM plan.term_change")
    assert changes == 1


@pytest.mark.parametrize(
    ("text", "sku"),
    [("a", "A"), ("product b", "B"), ("4006381333931", "C"), ("acme-77", "A"), ("Acme", "A"),
     ("Bath", "D"), ("ÉCLAIR", "B"), ("nothing like it", None)],
)  # fmt: skip
def test_the_search_finds_by_every_name_that_buyers_know(
    api: httpx.Client, stock: Warehouse, text: str, sku: str | None
) -> None:
    stock.product("C", barcode="4006381333931")
    stock.product("D", category="Bath")
    stock.product("B", name="Product b, éclair")
    stock.connection.execute(
        "UPDATE core.product_supplier SET vendor_sku = 'ACME-77' WHERE product_url = %s",
        (url_of("A"),),
    )
    for path in ("/search", "/search/hits"):
        answer = api.get(path, params={"q": text})
        assert answer.status_code == 200
        linked = f"/products/{url_of(sku)}" if sku else "/products/"
        assert (linked in answer.text) is bool(sku), path
    if text in {"Acme", "Bath"}:
        assert f"{text}</a>" in api.get("/search/hits", params={"q": text}).text


def test_a_product_says_what_it_costs_and_where_finale_has_it(
    api: httpx.Client, stock: Warehouse
) -> None:
    order(stock, "PO-3", ago=5, late=-9, price=5, is_open=True)
    stock.connection.execute(
        'UPDATE core.product SET barcode = \'123\', payload = \'{"priceList": [{"price": 19,'
        ' "currencyUomId": "USD"}]}\' WHERE sku = \'A\''
    )
    shown = page(api, f"/products/{url_of('A')}")
    assert "sc2/?product/detail/" in shown
    assert "barcode 123" in shown
    assert "cost 9.50 USD · sells at 19.00 USD, margin 50 %" in shown
    assert ">PO-3</a>" in shown
    assert "Went out of stock, was well stocked" in shown
    for ours in ("first_run", "theirs", "out_of_stock", "BZ", "AX"):
        assert f">{ours}" not in shown
        assert f"class {ours}" not in shown
