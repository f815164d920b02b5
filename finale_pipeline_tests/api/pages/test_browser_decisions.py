"""Deciding in a real browser: one press, or by keyboard alone; the API says the same after."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from finale_pipeline_tests.api import chromium
from finale_pipeline_tests.api.chromium import Page
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

BROWSER = chromium.found()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (Debian: chromium)"),
]
FOCUS = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"


def incident(api: httpx.Client, sku: str) -> dict[str, Any]:
    (found,) = api.get("/api/incidents", params={"sku": sku}).json()["incidents"]
    return dict(found)


def to(tab: Page, label: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(30):
        tab.press("Tab")
        if tab.js(FOCUS) == label:
            return
    raise AssertionError(f"Tab does not lead to {label}")


def test_one_press_on_the_first_page_decides(tab: Page, api: httpx.Client) -> None:
    tab.open("/")
    with tab.loading():
        tab.click("#r1 button[value=ordered]")
    assert tab.texts(".just") == ["A: ordered. undo"]
    found = incident(api, "A")
    assert (found["state"], found["decided_by"]) == ("ordered", "page")
    assert tab.texts("#open td.name a") == ["B"]
    to(tab, "seen: B")
    with tab.loading():
        tab.click(".just button")
    assert incident(api, "A")["state"] == "open"
    assert tab.texts("#open td.name a") == ["A", "B"]


def test_by_keyboard_alone_an_item_is_put_off_until_a_day(
    tab: Page, api: httpx.Client, stock: Warehouse
) -> None:
    tab.open("/")
    to(tab, "Day and note: A")
    tab.press("Enter")
    tab.press("Tab")
    assert tab.js(FOCUS) == "Snooze until: A"
    until = (stock.now + timedelta(days=10)).date().isoformat()
    tab.js(f"document.activeElement.value = '{until}'")
    to(tab, "Note: A")
    tab.type_over("comes by ship")
    with tab.loading():
        tab.press("Enter")
    found = incident(api, "A")
    assert (found["state"], found["note"]) == ("snoozed", "comes by ship")
    assert found["snoozed_until"].startswith(until)
    assert tab.texts("#d1 .tell.edit b") == [f"snoozed until {until}"]


def test_the_items_own_page_decides_and_paper_has_no_buttons(tab: Page, api: httpx.Client) -> None:
    tab.open(f"/products/{url_of('B')}")
    with tab.loading():
        tab.click("#decision button[value=acknowledged]")
    assert tab.texts("#decision .just") == ["B: seen. undo"]
    assert incident(api, "B")["state"] == "acknowledged"
    tab.ask("Emulation.setEmulatedMedia", media="print")
    assert tab.js("document.querySelector('.decide').offsetParent") is None
    assert tab.js("document.querySelector('.just').offsetParent") is None
    assert tab.texts("#decision .tell.edit b") == ["seen"]
