"""The pages: they show what the API says, and a mail's link decides by its buttons only."""

import logging
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from finale_pipeline.api.server.render import RUNBOOKS
from finale_pipeline.notify import links
from finale_pipeline_tests.notify.warehouse import RECIPIENTS, Warehouse, url_of

SCRIPT = "<script>alert(1)</script>"


def page(api: httpx.Client, path: str) -> str:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    return answer.text


def test_the_first_page_agrees_with_the_api(api: httpx.Client) -> None:
    totals = api.get("/api/sync-finale/critical").json()["totals"]
    shown = page(api, "/")
    assert f"<strong>{totals['out_of_stock']}</strong> out of stock" in shown
    assert f"<strong>{totals['below_reorder_point']}</strong> low" in shown
    assert shown.index(">A</a>") < shown.index(">B</a>")
    orders = api.get("/api/purchase-plan").json()["orders"]
    assert f"<strong>{len(orders)}</strong> orders to place" in shown


def test_every_link_of_every_page_leads_somewhere(api: httpx.Client) -> None:
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = api.get(path)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert "<script" not in answer.text.replace('<script src="/app.js" defer></script>', "")
        shown = re.sub('<form method="post"[^>]*>|formaction="[^"]*"', "", answer.text)
        found = re.findall(r'(?:href|src|action)="([^"#]*)', shown)
        ours = ("/", "http://127.0.0.1", "mailto:", "https://app.finaleinventory.com/demo/sc2/")
        outside = [x for x in found if x and not x.startswith(ours)]
        assert outside == []
        inside = {x.replace("&amp;", "&") for x in found if x.startswith("/")}
        waiting += sorted(x for x in inside - seen - set(waiting) if "/runs" not in x)
    assert {"/plan", "/syncs", "/outbox", "/style.css", "/app.js", "/changes"} <= seen
    assert any(unquote(path).endswith(url_of("A")) for path in seen)


def test_names_from_finale_are_shown_as_text(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE core.product SET name = %s", (SCRIPT,))
    stock.connection.execute("UPDATE core.vendor SET name = %s", (SCRIPT,))
    for path in ("/", "/plan", "/search?q=script", f"/products/{url_of('A')}"):
        shown = page(api, path)
        assert SCRIPT not in shown
        assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202egnp.exe", "gnp.exe"), ("red\x1b[31m", "red [31m"), ("bell\x07\x85", "bell"),
        ("x" * 300_000, "x…"),
    ],
    ids=["bidi", "escape", "control", "endless"],
)  # fmt: skip
def test_what_no_name_should_hold_is_not_on_a_page(
    api: httpx.Client, stock: Warehouse, name: str, shown: str
) -> None:
    stock.connection.execute("UPDATE core.product SET name = %s", (name,))
    for path in ("/", f"/products/{url_of('A')}"):
        text = page(api, path)
        assert shown in text
        assert not set(text) & set("\u202e\x1b\x07\x85")
        assert len(text) < 200_000


def test_a_byte_that_no_text_may_hold_is_refused_and_not_a_fault(api: httpx.Client) -> None:
    for path, form in (("/plan", {"vendor": "a\0b"}), ("/search?q=a%00b", None)):
        answer = api.post(path, data=form) if form else api.get(path)
        assert answer.status_code < 500, path


def test_a_mail_is_shown_where_it_can_do_nothing(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE ops.outbox SET body_html = %s", (SCRIPT,))
    message_id = stock.rows("SELECT message_id FROM ops.outbox LIMIT 1")[0][0]
    assert "<iframe sandbox " in page(api, f"/outbox/{message_id}")
    policy = api.get(f"/outbox/{message_id}/body").headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_mails_link_to_runbooks(api: httpx.Client, path: Path) -> None:
    assert "<h1>" in page(api, f"/runbooks/{path.stem}")


def link_of(stock: Warehouse) -> str:
    """Return a link such as the delivered mail has."""
    message_id = stock.rows("SELECT message_id FROM ops.outbox WHERE kind = 'out_of_stock'")[0][0]
    key = links.key_of(stock.settings.home)
    return f"/decide/{links.sign(key, message_id, now=stock.now)}"


def test_an_old_link_says_that_its_time_is_over(api: httpx.Client, stock: Warehouse) -> None:
    link = link_of(stock)
    stock.now += timedelta(days=15)
    answer = api.get(link)
    assert (answer.status_code, "The time of this link is over" in answer.text) == (404, True)


def test_nothing_that_can_be_read_holds_a_link_that_decides(
    api: httpx.Client, stock: Warehouse
) -> None:
    """Who may only read could else decide, in the name of a mail's recipients."""
    message_id = stock.rows("SELECT message_id FROM ops.outbox WHERE kind = 'out_of_stock'")[0][0]
    shown = "".join(
        api.get(path).text
        for path in ("/outbox", f"/outbox/{message_id}", f"/outbox/{message_id}/body", "/")
    )
    found = re.findall(r"/decide/[^\s\"&]+", shown)
    assert found
    for link in found:
        fields = {"product": url_of("A"), "state": "ordered"}
        assert (api.get(link).status_code, api.post(link, data=fields).status_code) == (404, 422)
    assert {row[0] for row in stock.rows("SELECT state FROM ops.incident")} == {"open"}


def test_opening_a_link_changes_nothing_and_its_button_does(
    api: httpx.Client, stock: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "finale_pipeline")
    link = link_of(stock)
    before = stock.rows("SELECT state FROM ops.incident ORDER BY subject")
    assert url_of("A") in page(api, link)
    assert stock.rows("SELECT state FROM ops.incident ORDER BY subject") == before
    done = api.post(link, data={"product": url_of("A"), "state": "ordered"})
    assert "Ordered: 1 of 1 items." in done.text
    decided = stock.rows("SELECT state, decided_by FROM ops.incident ORDER BY subject")[0]
    assert decided == ("ordered", f"mail link to {' or '.join(RECIPIENTS)}")
    lines = [line for line in caplog.messages if "link" in line]
    assert [line.partition(":")[0].split()[-1] for line in lines] == [
        "opened", "used", " or ".join(RECIPIENTS).split()[-1],
    ]  # fmt: skip
    assert link.removeprefix("/decide/") not in caplog.text


def test_a_link_is_good_for_its_mails_items_only(api: httpx.Client, stock: Warehouse) -> None:
    link = link_of(stock)
    other = api.post(link, data={"product": url_of("B"), "state": "ordered"})
    assert (other.status_code, "is not of this mail" in other.text) == (422, True)
    forged = api.post(link[:-3] + "AAA", data={"product": url_of("A"), "state": "ordered"})
    assert forged.status_code == 422
    assert api.get(link[:-3] + "AAA").status_code == 404
    assert api.post(link, data={"state": "ordered"}).status_code == 422
    assert api.post(link, data={"product": url_of("A"), "state": "x"}).status_code == 422
    states = {row[0] for row in stock.rows("SELECT state FROM ops.incident")}
    assert states == {"open"}
