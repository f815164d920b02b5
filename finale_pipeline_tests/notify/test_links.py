"""Links in mails that decide: what forging, replaying and scanning them can do (M16)."""

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.notify import decisions, links
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.notify.files import Files
from finale_pipeline_tests.notify.warehouse import BEGIN, Warehouse, url_of


def test_a_token_is_read_by_its_own_key_and_in_its_time_only(tmp_path: Path) -> None:
    key = links.key_of(tmp_path)
    assert links.key_of(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "link.key").stat().st_mode) == 0o600
    token = links.sign(key, "abc", now=BEGIN)
    assert links.read(key, token, now=BEGIN + timedelta(days=13)) == "abc"
    with pytest.raises(ConfigError, match="time of this link is over"):
        links.read(key, token, now=BEGIN + timedelta(days=15))
    early = BEGIN - timedelta(
        days=1
    )  # signed later than now: a clock was set back, or it is forged
    message, ends, seal = token.split(".")
    forged = [
        "", "abc", f"abd.{ends}.{seal}", f"{message}.{ends}A.{seal}", f"{message}.{ends}.",
        f"{message}.{ends}.{seal}x", f"{message}.x.{seal}", token + ".", "é.1.é", "x.².y",
    ]  # fmt: skip
    for text in forged:
        with pytest.raises(ConfigError, match="not valid"):
            links.read(key, text, now=BEGIN)
    with pytest.raises(ConfigError, match="time of this link is over"):
        links.read(key, token, now=early)
    with pytest.raises(ConfigError, match="not valid"):
        links.read(links.key_of(tmp_path / "other"), token, now=BEGIN)
    links.revoke(tmp_path)
    with pytest.raises(ConfigError, match="not valid"):
        links.read(links.key_of(tmp_path), token, now=BEGIN)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_that_is_none_is_refused_until_a_new_one_is_made(
    tmp_path: Path, content: bytes
) -> None:
    """A disk that was full at the first start left an empty file, with which anyone can sign."""
    (tmp_path / links.KEY_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="revoke-links"):
        links.key_of(tmp_path)
    links.revoke(tmp_path)
    assert len(links.key_of(tmp_path)) == 32


def test_a_mails_link_stands_in_what_is_delivered_and_in_nothing_stored(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    pages = {"pages_url": "https://stock.example"}
    warehouse.settings = warehouse.settings.model_copy(update=pages)
    warehouse.add("A", "B")
    warehouse.evaluate()
    warehouse.stock(A=0, B=5)
    warehouse.evaluate()
    folder = tmp_path / "delivered"
    deliver(
        warehouse.connection, warehouse.settings, clock=warehouse.clock,
        sender=Files(folder, "stock@example.com"),
    )  # fmt: skip
    query = "SELECT body_text, body_html, message_id FROM ops.outbox WHERE kind = 'out_of_stock'"
    ((text, page, message_id),) = warehouse.rows(query)
    key, now = links.key_of(warehouse.settings.home), warehouse.now
    (delivered,) = folder.glob(f"*_out_of_stock_{message_id[:8]}.html")
    (token,) = re.findall(r"https://stock.example/decide/([^\s\"]+)", delivered.read_text())
    assert links.read(key, token, now=now) == message_id
    for stored in (text, page):
        (inert,) = re.findall(r"https://stock.example/decide/([^\s\"]+)", stored)
        with pytest.raises(ConfigError, match="not valid"):
            links.read(key, inert, now=now)


def test_a_mails_link_decides_about_its_items_and_no_others(warehouse: Warehouse) -> None:
    warehouse.add("A", "B")
    warehouse.evaluate()
    warehouse.stock(A=0, B=5)
    warehouse.evaluate()
    connection, now = warehouse.connection, warehouse.now
    query = "SELECT message_id FROM ops.outbox WHERE kind = 'out_of_stock'"
    ((message_id,),) = warehouse.rows(query)
    found = decisions.items_of_mail(connection, message_id)
    assert [(row["sku"], row["state"]) for row in found] == [("A", "open")]
    with pytest.raises(ConfigError, match="is not of this mail"):
        decisions.decide_by_link(
            connection, message_id, [url_of("B")], state="acknowledged", until=None, now=now
        )
    decisions.decide_by_link(
        connection, message_id, [url_of("A")], state="ordered", until=None, now=now
    )
    states = dict(warehouse.rows("SELECT subject, state FROM ops.incident"))
    assert states == {url_of("A"): "ordered", url_of("B"): "open"}
