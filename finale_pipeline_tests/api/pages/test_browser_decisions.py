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
    for _ in range(40):
        tab.press("Tab")
        if tab.js(FOCUS) == label:
            return
    raise AssertionError(f"Tab does not lead to {label}")


def test_ticks_and_a_button_decide_and_undo_takes_it_back(tab: Page, api: httpx.Client) -> None:
    tab.open("/")
    tab.click("#i1 td.tick input")
    assert tab.texts("#ticked") == ["1 ticked"]
    with tab.loading():
        tab.click("#list button[value=ordered]")
    assert tab.texts(".just") == ["A: ordered. Undo"]
    found = incident(api, "A")
    assert (found["state"], found["decided_by"]) == ("ordered", "page")
    assert tab.texts("#list td.name a") == ["B"]
    assert tab.js(FOCUS) == "Choose B", "the keyboard goes on at the next item"
    with tab.loading():
        tab.click("#undo")
    assert incident(api, "A")["state"] == "open"
    assert tab.texts("#list td.name a") == ["A", "B"]


def test_by_letters_alone_items_are_ticked_decided_and_taken_back(
    tab: Page, api: httpx.Client
) -> None:
    tab.open("/")
    for key in ("j", "x", "j", "k", "j", "x"):
        tab.press(key)
    assert tab.texts("#ticked") == ["2 ticked"]
    with tab.loading():
        tab.press("e")
    assert {incident(api, sku)["state"] for sku in ("A", "B")} == {"acknowledged"}
    with tab.loading():
        tab.press("z")
    assert {incident(api, sku)["state"] for sku in ("A", "B")} == {"open"}
    tab.press("?")
    assert tab.js("document.querySelector('#keys').open")
    assert "next, previous item" in tab.texts("#keys")[0]


def test_by_keyboard_alone_an_item_is_put_off_until_a_day(
    tab: Page, api: httpx.Client, stock: Warehouse
) -> None:
    tab.open("/")
    to(tab, "Choose A")
    tab.press(" ")
    to(tab, "Snooze until; empty = for a week")
    until = (stock.now + timedelta(days=10)).date().isoformat()
    tab.js(f"document.activeElement.value = '{until}'")
    to(tab, "Note")
    tab.type_over("comes by ship")
    with tab.loading():
        tab.press("Enter")
    found = incident(api, "A")
    assert (found["state"], found["note"]) == ("snoozed", "comes by ship")
    assert found["snoozed_until"].startswith(until)


def test_the_items_own_page_decides_and_paper_has_no_buttons(tab: Page, api: httpx.Client) -> None:
    tab.open(f"/products/{url_of('B')}")
    with tab.loading():
        tab.click("#decision button[value=acknowledged]")
    assert tab.texts("#decision .just") == ["B: seen. Undo"]
    assert incident(api, "B")["state"] == "acknowledged"
    tab.ask("Emulation.setEmulatedMedia", media="print")
    assert tab.js("document.querySelector('.decide').offsetParent") is None
    assert tab.js("document.querySelector('.just').offsetParent") is None
    assert tab.texts("#decision .tell.edit b") == ["seen"]
