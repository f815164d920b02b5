"""A buyer's morning in a real browser: 600 items to decide, 28 vendors, drafts in the sandbox.

The account comes by the front door: a full sync over HTTP from the sandbox, the plan, the app.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.resources import files
from typing import Any

import httpx
import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.api.chromium import Page
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.conftest import NOW, drop_database, name_of, new_database, settings_for

BROWSER = chromium.found()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (Debian: chromium)"),
]

OPEN, AT_ONCE = 600, 40
LAPTOP, PHONE, PAPER_WIDTH = (1440, 900), (390, 844), 972
"""Pixels; of paper: Letter, lying, between the margins of style.css. A4 is wider."""
DEVICES = pytest.mark.parametrize("device", ["desktop", "phone"])
FILTERS_SHOWN = "document.querySelector('.filters select').checkVisibility()"
AXE = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
VIOLATIONS = """
axe.run(document, {
  iframes: false, resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
  rules: {"link-in-text-block": {enabled: true}},  // newer ones look by themselves
}).then(found => found.violations
  .map(v => [v.id, v.nodes.length, v.nodes[0].html, v.nodes[0].failureSummary]))
"""
"""What breaks a rule of WCAG 2.1, A or AA, of whatever impact."""
TOO_SMALL = """
[...document.querySelectorAll("button, .button, select, input:not([type=hidden])")]
  .map(e => e.type == "checkbox" ? e.closest("label") || e : e)
  .filter(e => e.checkVisibility() && !e.matches(".hidden, .enter"))
  .map(e => [e.getBoundingClientRect(), e.outerHTML])
  .filter(([r]) => r.height < 43.5 || r.width < 43.5)
  .map(([r, html]) => [r.width, r.height, html.slice(0, 120)])
"""
ROWS_IN_SIGHT = """
(end => [...document.querySelectorAll("#list tbody tr")]
  .filter(row => row.getBoundingClientRect().bottom <= end)
  .length)(document.querySelector(".acting").getBoundingClientRect().top)
"""
CUT_OFF = """
[...document.querySelectorAll("main :not(.hidden)")].filter(e => e.checkVisibility())
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1
    || (getComputedStyle(e).overflowX != "visible" && e.scrollWidth > e.clientWidth + 1))
  .map(e => [e.tagName, e.className, e.innerText.slice(0, 60)])
"""
BUTTONS = """
[...document.querySelectorAll("button, .button, nav, select")]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML)
"""


def account() -> Account:
    """Return a shop with 30 vendors, two of them disabled; its clock stands still."""
    return invented_account(products=3_000, clock=Clock(frozen_at=NOW), years=0.4)


def clock() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def shop(server: str, upgraded: str) -> str:
    """Name of a database to copy from: the shop as read and planned, 600 of its items open."""
    url, dagster = new_database(server, template=upgraded), FakeDagster()
    with SandboxServer(account(), rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox)
        with open_sync(
            settings, strategy="full", trigger="test", table_sets=TABLE_SETS["full"], clock=clock
        ) as run:
            carry_out(run)
            plan_today(run)
    with running(settings, dagster, clock) as api:
        others = [item["subject"] for item in waiting(api)[OPEN:]]
        answer = api.post("/decide", data={"product": others, "do": "acknowledged"})
        assert answer.status_code in {200, 303}, answer.text
    dagster.close()
    return name_of(url)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(account(), rate_limits=None) as made:
        yield made


@pytest.fixture
def api(
    server: str, shop: str, sandbox: SandboxServer, dagster: FakeDagster
) -> Iterator[httpx.Client]:
    """A client of the shop's app, which may write to the sandbox."""
    url = new_database(server, template=shop)
    with running(settings_for(url, sandbox, allow_writes=True), dagster, clock) as client:
        yield client
    drop_database(server, url)


def waiting(api: httpx.Client) -> list[dict[str, Any]]:
    """Return the items that nobody decided about, the oldest first."""
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"state": "open", "limit": 1_000}
    while True:
        page = api.get("/api/incidents", params=asked).json()
        found += page["incidents"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


def plan_of(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """Return the orders of the plan by vendor, those with a vendor."""
    orders = api.get("/api/purchase-plan").json()["orders"]
    return {order["vendor"]: order for order in orders if order["vendor_url"]}


def choose(tab: Page, name: str, value: str) -> None:
    """Choose a filter."""
    with tab.loading():
        tab.js(
            f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('change', {{bubbles: true}}))"
            f" }})(document.querySelector('.filters [name={name}]'))"
        )


def count(tab: Page) -> int:
    """Return how many items the chosen part of the list has."""
    return int(tab.texts(".tabs a[aria-current] .count")[0])


def cells(book: bytes) -> tuple[list[str], list[float]]:
    """Return every text of a workbook of one sheet, and every number."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        strings = parts.read("xl/sharedStrings.xml").decode()
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    numbers = re.findall(r'<c r="\w+"(?: s="\d+")?>(?:<f>[^<]*</f>)?<v>([^<]*)</v>', sheet)
    return re.findall(r"<t[^>]*>([^<]*)</t>", strings), [float(number) for number in numbers]


def vendors_to_draft(api: httpx.Client) -> tuple[str, str]:
    """Return two vendors of the plan of whose orders nothing is missing."""
    whole = [name for name, order in plan_of(api).items() if not order["needs_data"]]
    return whole[0], whole[1]


def drafted_as_planned(
    tab: Page, api: httpx.Client, sandbox: SandboxServer, some: set[str]
) -> None:
    """The page of orders shows these vendors' drafts, Finale has them, the documents say them."""
    made = {row["vendor"]: row for row in api.get("/api/purchase-orders").json()["purchase_orders"]}
    assert set(made) == some
    shown = {text.splitlines()[0] for text in tab.texts("td.word")}
    assert shown == some
    links = tab.js("[...document.querySelectorAll('a[href*=document]')].map(a => a.href)")
    plan = plan_of(api)
    for vendor, row in made.items():
        assert row["state"] == "created", row
        assert sandbox.account.book.holds(row["order_id"])
        assert row["total"] == pytest.approx(plan[vendor]["total"])
        pdf, book = (api.get(link) for link in links if row["reference"] in link)
        assert pdf.content.startswith(b"%PDF-")
        assert row["order_id"].encode() in pdf.content
        lines, (said, numbers) = plan[vendor]["order_lines"], cells(book.content)
        assert row["order_id"] in said[0]
        assert {line["sku"] for line in lines} <= set(said)
        units = sorted(line["quantity_units"] for line in lines)
        assert sorted(numbers[:-1][0::3]) == units
        assert numbers[-1] == pytest.approx(row["total"])


def show_on(tab: Page, device: str) -> None:
    """Show pages as on this device."""
    is_phone = device == "phone"
    tab.resize(*(PHONE if is_phone else LAPTOP), phone=is_phone)


def numbers_agree(tab: Page, api: httpx.Client) -> None:
    """What stands above the list is what the API says."""
    assert sum(int(text) for text in tab.texts(".tabs .count")[:2]) == len(waiting(api)) == OPEN
    totals = api.get("/api/sync-finale/critical").json()["totals"]
    orders = api.get("/api/purchase-plan").json()["orders"]
    low = totals["below_reorder_point"] + totals["low_without_reorder_point"]
    said = [totals["out_of_stock"], low, len(orders)]
    assert [int(text) for text in tab.texts(".numbers strong")[1:4]] == said


@DEVICES
def test_by_hand_items_are_filtered_decided_at_once_and_taken_back(
    tab: Page, api: httpx.Client, device: str
) -> None:
    show_on(tab, device)
    tab.open("/")
    numbers_agree(tab, api)
    before = {item["sku"] for item in waiting(api)}
    if device == "phone":
        assert not tab.js(FILTERS_SHOWN)
        tab.click("label[for=more-filters]")
        assert tab.js(FILTERS_SHOWN)
    choose(tab, "level", "out")
    with tab.loading():
        tab.click(".pages a[href*='rows=50']")
    are_out = {item["sku"] for item in waiting(api) if item["level"] == "out"}
    shown = tab.texts("#list td.name a")
    assert len(shown) == min(50, count(tab))
    assert set(shown) <= are_out

    for row in range(1, AT_ONCE + 1):
        tab.click(f"#i{row} td.tick input")
    assert tab.texts("#ticked") == [f"{AT_ONCE} ticked"]
    with tab.loading():
        tab.click("#list button[value=acknowledged]")
    assert tab.texts(".just") == [f"{AT_ONCE} items: seen. Undo"]
    assert before - {item["sku"] for item in waiting(api)} == set(shown[:AT_ONCE])
    with tab.loading():
        tab.click("#undo")
    assert {item["sku"] for item in waiting(api)} == before
    assert tab.texts("#list td.name a") == shown


@DEVICES
def test_by_hand_a_minimum_is_set_and_reached_and_two_vendors_are_drafted(
    tab: Page, api: httpx.Client, sandbox: SandboxServer, device: str
) -> None:
    show_on(tab, device)
    first, second = vendors_to_draft(api)
    least = round(plan_of(api)[first]["total"]) + 500
    tab.open("/")
    with tab.loading():
        tab.click(".numbers a[href='/plan']")
    assert len(tab.texts("#vendors tbody tr")) == len(plan_of(api)) + 1  # without a supplier, too
    with tab.loading():
        tab.click(f"#vendors a[href*='{plan_of(api)[first]['vendor_url'].rpartition('/')[2]}']")
    tab.click("#terms input[name=minimum_order_value]")
    tab.type_over(str(least))
    with tab.loading():
        tab.click("#terms form button")
    order = plan_of(api)[first]
    assert order["minimum_order_value"] == least
    assert f"{order['minimum_gap']:,.2f} USD below the supplier's minimum" in tab.texts("main")[0]

    tab.open("/plan")
    tab.click(f"input[aria-label='Choose {first}']")
    with tab.loading():
        tab.click("button[value=minimum]")
    order = plan_of(api)[first]
    assert order["minimum_gap"] == 0
    assert order["total"] >= least
    assert "raised towards the minimum" in tab.texts(".just")[0]

    for vendor in (first, second):
        tab.click(f"input[aria-label='Choose {vendor}']")
    with tab.loading():
        tab.click(".actions button")
    assert [text.partition(" to ")[0].strip() for text in tab.texts("h2")] == [first, second]
    with tab.loading():
        tab.click("button.strong")
    drafted_as_planned(tab, api, sandbox, {first, second})


def to(tab: Page, selector: str, *, back: bool = False) -> None:
    """Press Tab until an element has the focus, which is then to be seen."""
    for _ in range(600):
        tab.press("Tab", shift=back)
        if tab.js(f"document.activeElement.matches({selector!r})"):
            shown = "getComputedStyle(document.activeElement).outlineStyle"
            assert tab.js(shown) == "solid", selector
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_by_keys_items_are_ticked_decided_and_taken_back(tab: Page, api: httpx.Client) -> None:
    tab.resize(*LAPTOP)
    tab.open("/?rows=50")
    before = {item["sku"] for item in waiting(api)}
    shown = tab.texts("#list td.name a")
    for _ in range(AT_ONCE + 1):
        tab.press("j")
    tab.press("k")
    tab.press("x")
    for _ in range(AT_ONCE - 1):
        tab.press("k")
        tab.press("x")
    assert tab.texts("#ticked") == [f"{AT_ONCE} ticked"]
    with tab.loading():
        tab.press("o")
    assert before - {item["sku"] for item in waiting(api)} == set(shown[:AT_ONCE])
    with tab.loading():
        tab.press("z")
    assert {item["sku"] for item in waiting(api)} == before
    tab.press("j")
    with tab.loading():
        tab.press("s")
    (gone,) = before - {item["sku"] for item in waiting(api)}
    (found,) = api.get("/api/incidents", params={"sku": gone}).json()["incidents"]
    assert found["state"] == "snoozed"
    with tab.loading():
        tab.press("z")
    tab.press("?")
    assert tab.js("document.querySelector('#keys').open")
    tab.press("Escape")
    assert not tab.js("document.querySelector('#keys').open")


def test_by_keys_the_search_is_found_and_its_suggestions_chosen(tab: Page) -> None:
    tab.open("/")
    tab.press("/")
    tab.type_over("tea")
    tab.until("!document.querySelector('#hits').hidden")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        tab.press(key)
    chosen = "document.querySelector('#hits [aria-selected=true]')"
    assert tab.js(f"[...document.querySelectorAll('#hits a')].indexOf({chosen})") == 1
    target = tab.js(f"{chosen}.getAttribute('href')")
    with tab.loading():
        tab.press("Enter")
    assert tab.js("location.pathname") == target


def test_by_keys_a_minimum_is_set_and_reached_and_two_vendors_are_drafted(
    tab: Page, api: httpx.Client, sandbox: SandboxServer
) -> None:
    tab.resize(*LAPTOP)
    first, second = vendors_to_draft(api)
    orders = plan_of(api)
    least = round(orders[first]["total"]) + 500
    tab.open("/plan")
    number = orders[first]["vendor_url"].rpartition("/")[2]
    to(tab, f"#vendors a[href*='{number}']")
    with tab.loading():
        tab.press("Enter")
    to(tab, "#terms [name=minimum_order_value]")
    tab.type_over(str(least))
    with tab.loading():
        tab.press("Enter")
    assert plan_of(api)[first]["minimum_gap"] > 0
    tab.open("/plan")
    to(tab, f"[aria-label='Choose {first}']")
    tab.press(" ")
    to(tab, "button[value=minimum]", back=True)
    with tab.loading():
        tab.press("Enter")
    assert plan_of(api)[first]["minimum_gap"] == 0
    for vendor in sorted((first, second), key=list(plan_of(api)).index):
        to(tab, f"[aria-label='Choose {vendor}']")
        tab.press(" ")
    with tab.loading():
        tab.press("Enter")
    to(tab, "button.strong")
    with tab.loading():
        tab.press("Enter")
    drafted_as_planned(tab, api, sandbox, {first, second})
    to(tab, "a[href*='format=pdf']")


def pages(api: httpx.Client) -> list[str]:
    """Return an address of every page, the vendor being the one with most lines."""
    order = max(plan_of(api).values(), key=lambda order: len(order["order_lines"]))
    vendor, product = order["vendor_url"], order["order_lines"][0]["product_url"]
    (mail, *_) = re.findall(r'href="(/outbox/[^"]+)"', api.get("/outbox").text)
    return [
        "/", "/?show=nothing", "/?show=decided", "/?show=all&rows=100", "/changes", "/arrivals",
        "/plan", f"/plan/order?vendor={vendor}", "/plan/order?vendor=", "/orders", "/vendors",
        f"/vendors/{vendor}", "/excess", "/points", "/forecasts", f"/products/{product}",
        "/search?q=tea", "/search?q=nothing", "/syncs", "/outbox", mail,
        "/runbooks/sync_failed",
    ]  # fmt: skip


def drafts(api: httpx.Client) -> None:
    """Draft the orders of two vendors, so that pages have drafts to show."""
    for vendor in vendors_to_draft(api):
        made = {"vendor": vendor, "accept_duplicates": True}
        assert api.post("/api/purchase-orders", json=made).status_code == 201


@DEVICES
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Page, api: httpx.Client, device: str, scheme: str) -> None:
    drafts(api)
    show_on(tab, device)
    tab.scheme(scheme)
    bad = {}
    for path in pages(api):
        tab.open(path)
        tab.js(AXE)
        if found := tab.js(VIOLATIONS):
            bad[path] = found
    assert bad == {}


def test_axe_finds_nothing_in_what_folds_out(tab: Page, api: httpx.Client) -> None:
    tab.resize(*LAPTOP)
    tab.open("/")
    tab.js(AXE)
    opened: tuple[Callable[[], object], ...] = (
        lambda: tab.press("v"),
        lambda: tab.click(".views summary"),
        lambda: tab.press("?"),
    )
    for open_it in opened:
        open_it()
        assert tab.js(VIOLATIONS) == []
    tab.press("Escape")
    tab.press("/")
    tab.type_over("tea")
    tab.until("!document.querySelector('#hits').hidden")
    tab.press("ArrowDown")
    assert tab.js(VIOLATIONS) == []


def test_on_a_phone_fingers_find_their_targets_and_nothing_is_wider(
    tab: Page, api: httpx.Client
) -> None:
    drafts(api)
    show_on(tab, "phone")
    bad = {}
    for path in pages(api):
        tab.open(path)
        width, small = tab.js("document.documentElement.scrollWidth"), tab.js(TOO_SMALL)
        if width != PHONE[0] or small:
            bad[path] = (width, small)
    assert bad == {}


def test_a_laptop_shows_25_rows_at_once(tab: Page) -> None:
    tab.resize(*LAPTOP)
    tab.open("/")
    assert tab.js(ROWS_IN_SIGHT) == 25
    assert tab.js("document.documentElement.scrollWidth") == LAPTOP[0]


def test_paper_has_no_buttons_and_no_column_is_cut_off(tab: Page, api: httpx.Client) -> None:
    tab.resize(PAPER_WIDTH, 700)
    order = max(plan_of(api).values(), key=lambda order: len(order["order_lines"]))
    for path in ("/", "/plan", f"/plan/order?vendor={order['vendor_url']}"):
        tab.ask("Emulation.setEmulatedMedia", media="screen")
        tab.open(path)
        tab.ask("Emulation.setEmulatedMedia", media="print")
        assert tab.js(BUTTONS) == [], path
        assert tab.js(CUT_OFF) == [], path
        assert tab.printed().startswith(b"%PDF-")


def test_no_page_is_large(api: httpx.Client) -> None:
    drafts(api)
    sizes = {path: len(api.get(path).content) for path in pages(api)}
    assert {path: size for path, size in sizes.items() if size > 300_000} == {}
