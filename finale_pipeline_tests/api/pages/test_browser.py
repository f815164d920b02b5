"""The pages in a real browser: they load, agree with the API, work by keyboard and on a phone."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest

from finale_pipeline.planning.plan import plan_day
from finale_pipeline.sync.session import open_sync
from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.api.buyer import VENDOR
from finale_pipeline_tests.api.chromium import Page
from finale_pipeline_tests.api.pages.test_home import link_of
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

BROWSER = chromium.found()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        BROWSER is None,
        reason="THE PAGES WERE NOT LOOKED AT: there is no Chromium (Debian: apt install chromium)",
    ),
]

ORDER = f"/plan/order?vendor={VENDOR}"
WIDTH = "document.documentElement.scrollWidth"
FOCUS = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
OPENED = "document.querySelectorAll('details').forEach(e => e.open = true)"
TOO_FAINT = """
(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const found = rgb(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || e.value;
    if (!own || !e.offsetParent || e.closest('iframe')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push([e.tagName, e.className, e.innerText, ratio]);
  }
  return bad;
})()
"""


def paths(stock: Warehouse) -> list[str]:
    mail = stock.rows("SELECT message_id FROM ops.outbox LIMIT 1")[0][0]
    return [
        "/", "/?show=all", "/changes", "/arrivals", "/plan", ORDER, "/orders", "/syncs", "/outbox",
        f"/outbox/{mail}", f"/products/{url_of('A')}",
        f"/products/{url_of('D')}", "/search?q=product", "/search?q=nothing",
        "/runbooks/sync_failed", link_of(stock),
    ]  # fmt: skip


def draft(stock: Warehouse) -> None:
    """Note an order of the plan's lines as one that came out otherwise in Finale."""
    stock.connection.execute(
        "INSERT INTO ops.purchase_order_write (reference, order_id, account_name, plan_on,"
        " vendor_url, vendor_id, facility_url, sequence, state, lines, total, body, body_hash,"
        " warnings, created_by, intended_at, differences) SELECT 'FP-1', 'FP1-ABC', 'demo',"
        " snapshot_on, vendor_url, '1', '/f/1', 1, 'differs', jsonb_agg(jsonb_build_object("
        "'product_url', product_url, 'quantity_units', '7', 'unit_price', '2')), 14, '', '', '[]',"
        " 'Anna', %s, '[\"A has the price 9\"]' FROM plan.purchase_order_draft_line GROUP BY 4, 5",
        (stock.now,),
    )


def decide(stock: Warehouse) -> None:
    """Have somebody decided about one of the two items."""
    stock.connection.execute(
        "UPDATE ops.incident SET state = 'snoozed', decided_by = 'Anna (page)', note = 'n',"
        " decided_at = %s, snoozed_until = %s WHERE subject = %s",
        (stock.now, stock.now + timedelta(days=3), url_of("A")),
    )


def lengthen(stock: Warehouse) -> None:
    """Give everything the longest and oddest names, and numbers that want room."""
    run = stock.connection.execute
    run("UPDATE core.product SET name = repeat('Donaudampfschifffahrt', 12) || ' 漢字 🫖 ﷽'")
    run("UPDATE core.vendor SET name = repeat('GmbH&Co', 20)")
    run("UPDATE plan.purchase_order_draft_line SET quantity_units = 123456789.5, unit_cost = 98765")
    run("UPDATE ops.sync_run SET error = repeat('x', 400), status = 'failed'")
    run("UPDATE ops.outbox SET last_error = repeat('y', 300)")
    run("UPDATE ops.incident SET note = repeat('z', 500)")
    run("UPDATE ops.purchase_order_write SET differences = jsonb_build_array(repeat('w', 300))")


@pytest.mark.parametrize("is_long", [False, True], ids=["as usual", "long names"])
def test_every_page_fits_a_phone_and_is_legible_in_light_and_dark(
    tab: Page, stock: Warehouse, is_long: bool
) -> None:
    draft(stock)
    decide(stock)
    if is_long:
        lengthen(stock)
    grounds = set()
    for path in paths(stock):
        for scheme in ("light", "dark"):
            tab.scheme(scheme)
            tab.resize(390, phone=True)
            tab.open(path)
            tab.js(OPENED)
            assert tab.js(WIDTH) == 390, path
            assert tab.js(TOO_FAINT) == [], (path, scheme)
            grounds.add(tab.js("getComputedStyle(document.body).backgroundColor"))
        tab.resize(1200)
        assert tab.js(WIDTH) == 1200, path
        assert tab.js("document.title.length > 5 && document.querySelectorAll('h1').length == 1")
    assert len(grounds) == 2


def test_the_numbers_are_those_of_the_api(tab: Page, api: httpx.Client) -> None:
    tab.open("/")
    totals = api.get("/api/sync-finale/critical").json()["totals"]
    orders = api.get("/api/purchase-plan").json()["orders"]
    numbers = tab.texts(".numbers strong")
    assert numbers[1:4] == [
        str(totals["out_of_stock"]), str(totals["below_reorder_point"]), str(len(orders)),
    ]  # fmt: skip
    tab.open(ORDER)
    lines = [line for order in orders for line in order["order_lines"]]
    fields = tab.js("[...document.querySelectorAll('td input[name^=q]')].map(e => Number(e.value))")
    assert fields == [line["quantity_units"] for line in lines]
    total = tab.texts("h1 .dim")[0]
    assert f"{orders[0]['total']:,.2f} {orders[0]['currency']}" in total
    tab.open(f"/products/{url_of('A')}")
    found: dict[str, Any] = api.get("/api/products/A").json()
    shown = [f"{found[k]:g}" for k in ("available_units", "on_hand_units", "reserved_units")]
    assert tab.texts(".tile strong")[:3] == shown


def test_what_to_order_is_one_click_from_the_first_page(tab: Page) -> None:
    tab.open("/")
    with tab.loading():
        tab.click(".numbers a[href='/plan']")
    assert tab.js("location.pathname") == "/plan"
    assert tab.texts("#vendors td.name a") == ["Acme"]
    with tab.loading():
        tab.click("#vendors td.name a")
    assert tab.texts("td.name a") == ["A", "B"]


def test_by_keyboard_alone_a_quantity_is_changed(tab: Page, api: httpx.Client) -> None:
    tab.open(ORDER)
    tab.press("Tab")
    assert tab.js(FOCUS) == "To the content"
    assert tab.js("document.activeElement.getBoundingClientRect().top >= 0")
    tab.press("Enter")
    seen: list[str] = []
    while not seen or seen[-1] != "Quantity of A":
        tab.press("Tab")
        seen.append(tab.js(FOCUS))
        assert len(seen) < 12, seen
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.type_over("125")
    with tab.loading():
        tab.press("Enter")
    assert tab.texts("#saved")[0].startswith("Saved: 2 lines")
    line = api.get("/api/purchase-plan").json()["orders"][0]["order_lines"][0]
    assert (line["sku"], line["quantity_units"], line["edited_by"]) == ("A", 125, "page")
    book = api.get("/api/purchase-plan?format=xlsx").content
    with zipfile.ZipFile(io.BytesIO(book)) as sheets:
        lines = sheets.read("xl/worksheets/sheet3.xml").decode()  # after the cover and the orders
    assert "<v>125</v>" in lines


def test_a_warning_is_seen_at_once_and_one_press_mends_it(
    tab: Page, stock: Warehouse, api: httpx.Client
) -> None:
    stock.connection.execute(
        "INSERT INTO plan.product_term (product_url, pack_units) VALUES (%s, 12)", (url_of("B"),)
    )
    plan_day(stock.connection, stock.now.date(), stock.settings, now=stock.now)
    tab.open(ORDER)
    tab.click("input[aria-label='Quantity of B']")
    tab.type_over("125")
    with tab.loading():
        tab.press("Enter")
    assert "not whole packs of 12" in tab.texts("tr.marked .tell")[0]
    assert tab.texts("tr.marked .tell button") == ["120", "132"]
    assert tab.js(FOCUS) == "Quantity of B"
    refused = [trouble for trouble in tab.troubles if "422" in trouble]
    assert tab.troubles == refused  # that the page came with an error's status
    tab.troubles.clear()
    with tab.loading():
        tab.click("tr.marked .tell button.strong")
    quantities = {
        line["sku"]: line["quantity_units"]
        for line in api.get("/api/purchase-plan").json()["orders"][0]["order_lines"]
    }
    assert quantities["B"] == 120


def test_an_order_is_printed_without_buttons_and_fields(tab: Page) -> None:
    tab.scheme("dark")
    tab.open(ORDER)
    paper = tab.printed()
    assert paper.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", paper)) == 1
    tab.ask("Emulation.setEmulatedMedia", media="print")
    assert tab.js("[...document.querySelectorAll('button, nav')].every(e => !e.offsetParent)")


def test_what_runs_shows_how_far_it_is(tab: Page, stock: Warehouse) -> None:
    with open_sync(
        stock.settings, strategy="full", trigger="test", table_sets=("catalogue",),
        clock=stock.clock,
    ) as run:  # fmt: skip
        stock.connection.execute(
            "UPDATE ops.sync_run SET progress = 0.4, step = 'products', rows_done = 1234"
            " WHERE run_id = %s",
            (run.run_id,),
        )
        tab.open("/syncs")
        assert tab.js("document.querySelector('progress').value") == 0.4
        assert "40 %, 1,234 rows: products" in tab.texts("section p")[0]
        assert tab.js("document.querySelector('meta[http-equiv=refresh]').content") == "5"
    tab.open("/syncs")
    assert tab.js("document.querySelector('progress')") is None
