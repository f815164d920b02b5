"""Links in mails that decide: what forging, replaying and scanning them can do (M16)."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError
from finale_pipeline.notify import links
from finale_pipeline.services import alerting as alerts
from finale_pipeline_tests.notify.warehouse import BEGIN, Warehouse, url_of


def test_a_token_is_read_by_its_own_key_and_in_its_time_only(tmp_path: Path) -> None:
    key = links.key_of(tmp_path)
    assert links.key_of(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "link.key").stat().st_mode) == 0o600
    token = links.sign(key, "abc", now=BEGIN)
    assert links.read(key, token, now=BEGIN + timedelta(days=13)) == "abc"
    with pytest.raises(ConfigError, match="time of this link is over"):
        links.read(key, token, now=BEGIN + timedelta(days=15))
    message, ends, seal = token.split(".")
    forged = [
        "", "abc", f"abd.{ends}.{seal}", f"{message}.{int(ends) + 1}.{seal}", f"{message}.{ends}.",
        f"{message}.{ends}.{seal}x", f"{message}.x.{seal}", token + ".", "é.1.é",
    ]  # fmt: skip
    for text in forged:
        with pytest.raises(ConfigError, match="not valid"):
            links.read(key, text, now=BEGIN)
    with pytest.raises(ConfigError, match="not valid"):
        links.read(links.key_of(tmp_path / "other"), token, now=BEGIN)


def test_a_mails_link_decides_about_its_items_and_no_others(warehouse: Warehouse) -> None:
    warehouse.settings = warehouse.settings.model_copy(
        update={"pages_url": "https://stock.example"}
    )
    warehouse.add("A", "B")
    warehouse.evaluate()
    warehouse.stock(A=0, B=5)
    warehouse.evaluate()
    bodies = warehouse.rows(
        "SELECT body_text, message_id FROM ops.outbox WHERE kind = 'out_of_stock'"
    )
    ((text, message_id),) = bodies
    assert "https://stock.example/decide/" in text
    # Signed again: the warehouse's clock is not the machine's.
    key = links.key_of(warehouse.settings.home)
    token = links.sign(key, message_id, now=utc_now())
    for _ in range(2):  # a mail system that opens every link
        found = alerts.items_by_link(warehouse.settings, token)
        assert [(row["sku"], row["state"]) for row in found] == [("A", "open")]
    with pytest.raises(ConfigError, match="is not of this mail"):
        alerts.decide_by_link(warehouse.settings, token, [url_of("B")], "acknowledged")
    alerts.decide_by_link(warehouse.settings, token, [url_of("A")], "ordered")
    states = dict(warehouse.rows("SELECT subject, state FROM ops.incident"))
    assert states == {url_of("A"): "ordered", url_of("B"): "open"}
