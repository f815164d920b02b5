"""`finale alerts …` and `finale explain`, as a person runs them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from finale_pipeline.cli import main
from finale_pipeline.commands import explain, simulation
from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse.reads import incidents
from finale_pipeline_tests.mail_server import MailServer
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of
from finale_pipeline_tests.processes import environment


@pytest.fixture
def shop(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Three products, one of them out, one low; and the environment of a terminal."""
    warehouse.add("A", "B", "C")
    warehouse.supplier("A", "Olive Works", "orders@olive.example")
    warehouse.evaluate()
    warehouse.stock(A=0, B=5)
    warehouse.evaluate()
    for name, value in environment(warehouse.settings).items():
        monkeypatch.setenv(name, value)
    return warehouse


@pytest.fixture
def finale(shop: Warehouse, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; its JSON."""

    def run(*arguments: str, code: int = 0) -> Any:
        assert main([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    assert shop
    return run


def test_list_show_and_decide(finale: Any, shop: Warehouse) -> None:
    assert [r["sku"] for r in finale("alerts", "list")] == ["A", "B"]
    finale("alerts", "ordered", "A", "B", "--note", "PO 17")
    assert finale("alerts", "list") == []
    assert {r["state"] for r in finale("alerts", "list", "--all")} == {"ordered"}
    shown = finale("alerts", "show", "A")
    assert [e["kind"] for e in shown["events"]] == ["ordered", "opened"]
    assert shown["incidents"][0]["note"] == "PO 17"
    finale("alerts", "reopen", "A")
    assert [r["sku"] for r in finale("alerts", "list")] == ["A"]
    assert shop.events("A") == ["opened", "ordered", "reopened"]


def test_acknowledged_is_quiet_until_it_gets_worse(finale: Any, shop: Warehouse) -> None:
    finale("alerts", "ack", "B")
    shop.stock(B=0)
    shop.evaluate()
    assert shop.mails()[-1][0] == "out_of_stock"
    assert [r["sku"] for r in finale("alerts", "list")] == ["A", "B"]


def test_a_snooze_even_if_worse_sleeps_until_its_end(finale: Any, shop: Warehouse) -> None:
    before = len(shop.mails())
    finale("alerts", "snooze", "B", "--until", "2026-03-20", "--even-if-worse")
    shop.stock(B=0)
    shop.evaluate()
    assert len(shop.mails()) == before
    known = finale("explain", "B")
    assert "snoozed until 2026-03-20" in known["events"][0]["no_mail"]


@pytest.mark.parametrize(
    "arguments",
    [("ack", "C"), ("ack", "nobody"), ("snooze", "A", "--until", "soon"),
     ("snooze", "A", "--even-if-worse"), ("simulate", "--set", "shrink_limit=1"),
     ("simulate", "--set", "breaker_share=7")],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    shop: Warehouse, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    before = shop.rows("SELECT count(*) FROM ops.incident_event")
    assert main(["alerts", *arguments]) == ConfigError.exit_code
    assert "finale:" in capsys.readouterr().err
    assert shop.rows("SELECT count(*) FROM ops.incident_event") == before


def test_preview_renders_what_waits_and_the_digest(finale: Any, shop: Warehouse) -> None:
    mails = finale("alerts", "preview")
    assert [m["kind"] for m in mails] == ["out_of_stock", "reorder_needed", "digest"]
    assert len(list((shop.settings.home / "preview").glob("*.html"))) == 3
    assert len(shop.mails()) == 2


def test_a_test_mail_goes_out_at_once_to_whom_it_should(
    finale: Any, service: MailServer, shop: Warehouse
) -> None:
    answer = finale("alerts", "test-mail", "--to", "me@shop.example")
    assert (answer["state"], answer["by"]) == ("sent", "SendGrid")
    assert [(m.kind, m.to) for m in service.accepted] == [("test", ("me@shop.example",))]
    service.add_fault("status=401*1")
    assert finale("alerts", "test-mail", code=8)["state"] == "dead"
    assert finale("alerts", "resend")["revived"] == 1
    assert shop.states().count("dead") == 0


def test_explain_says_why_and_why_not(shop: Warehouse) -> None:
    shop.product("C", status="PRODUCT_INACTIVE")
    shop.stock(A=1)
    shop.evaluate()
    said = {sku: explain.shown(explain.explain(shop.settings, sku)) for sku in "ABC"}
    assert "not watched: it is not active in Finale" in said["C"]
    assert "low since" in said["B"]
    assert "20, the sum of its reorder rules in Finale" in said["B"]
    assert "mail 'Reorder needed: 1 item (B · Product B)': pending" in said["B"]
    assert (
        "told        out: it is back, and a mail says so once it has stayed for a day" in said["A"]
    )


def test_a_name_commands_no_terminal(shop: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b]0;owned\x07\u202egnp\nforged"
    shop.connection.execute("UPDATE core.product SET name = %s", (name,))
    for arguments in (["explain", "B"], ["alerts", "list"]):
        assert main(arguments) == 0
        said = capsys.readouterr().out
        assert not set(said) & set("\x1b\x07\u202e")
        assert not any(line.startswith("forged") for line in said.splitlines())


def test_simulation_counts_what_recorded_history_would_have_sent(shop: Warehouse) -> None:
    day = shop.now.date() - timedelta(days=5)
    for offset, units in enumerate((100, 15, 0, 100)):
        shop.connection.execute(
            "INSERT INTO core.stock_daily VALUES (%s, %s, %s, 0, 0, default, default, now())",
            (url_of("C"), day + timedelta(days=offset), units),
        )
    answer = simulation.simulate(shop.settings, 5, [])
    assert answer["items"] == {"reorder_needed": 1, "out_of_stock": 1, "back_in_stock": 1}
    assert answer["to"] == ["buyer@shop.example", "second@shop.example"]
    assert sum(simulation.simulate(shop.settings, 1, [])["items"].values()) == 0


def test_simulation_tries_another_threshold(shop: Warehouse) -> None:
    shop.rule("C", None)
    day = shop.now.date() - timedelta(days=3)
    for offset, units in enumerate((100, 15)):
        shop.connection.execute(
            "INSERT INTO core.stock_daily VALUES (%s, %s, %s, 0, 0, default, default, now())",
            (url_of("C"), day + timedelta(days=offset), units),
        )
    tried = [f"low_stock_default_units={units}" for units in (10, 16)]
    found = [simulation.simulate(shop.settings, 3, [given])["items"] for given in tried]
    assert found == [{}, {"reorder_needed": 1}]
    assert incidents.listed(shop.connection, only_open=True)
