"""Each recipient gets what is theirs, by their channel, once; and no secret shows."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings, load_settings
from finale_pipeline_tests.mail_server import MailServer
from finale_pipeline_tests.notify.warehouse import RECIPIENTS, Warehouse

SECRET = "T000-B000-secret"


class Hook:
    """A real HTTP server that stands for Slack, Teams and others."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any], str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.posts.append((self.path, body, self.headers["X-Finale-Message-Id"]))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


@pytest.fixture
def mailing(mailing: Settings, hook: Hook) -> Settings:
    routes = [
        {"name": "anna", "mail": "anna@shop.example", "vendors": ["Acme"]},
        {"name": "tea", "slack": hook.url + "/slack", "categories": ["Tea"]},
        {"name": "floor", "teams": hook.url + "/teams"},
        {"name": "erp", "webhook": hook.url + "/hook", "vendors": ["nobody's"]},
    ]
    return Settings.model_validate(
        mailing.model_dump() | {"alert_routes": json.dumps(routes), "sendgrid_api_key":
                                mailing.sendgrid_api_key}
    )  # fmt: skip


def ran_out(warehouse: Warehouse) -> None:
    """A is Acme's, B is tea of somebody else's, C is neither."""
    warehouse.add("A", "B", "C")
    warehouse.supplier("A", "Acme")
    warehouse.product("B", category="Tea")
    warehouse.evaluate()
    warehouse.connection.execute("UPDATE ops.outbox SET state = 'sent'")
    warehouse.stock(A=0, B=0, C=0)
    warehouse.evaluate()


def test_each_gets_what_is_theirs_by_their_channel_and_once(
    warehouse: Warehouse, service: MailServer, hook: Hook
) -> None:
    ran_out(warehouse)
    warehouse.deliver()
    warehouse.deliver(minutes=60)

    told = {tuple(mail.to): mail.subject for mail in service.accepted}
    assert told == {
        RECIPIENTS: "Out of stock: 3 items",
        ("anna@shop.example",): "Out of stock: 1 item (A · Product A)",
    }
    assert len(service.accepted) == 2
    said = {path.rpartition("/")[2]: json.dumps(body) for path, body, _ in hook.posts}
    assert len(hook.posts) == 2
    assert "Product B" in said["slack"]
    assert "Product A" not in said["slack"] + ""
    assert "Out of stock: 3 items" in said["teams"]
    ids = {message_id for *_, message_id in hook.posts}
    assert ids <= {row[0] for row in warehouse.rows("SELECT message_id FROM ops.outbox")}


def test_a_sick_channel_keeps_no_mail_waiting_and_gets_its_own_later(
    warehouse: Warehouse, service: MailServer, hook: Hook
) -> None:
    hook.status = 503
    ran_out(warehouse)
    warehouse.deliver()
    assert len(service.accepted) == 2
    before = len(hook.posts)
    hook.status = 200
    warehouse.deliver(minutes=5)
    assert len(hook.posts) == before + 2
    warehouse.deliver(minutes=60)
    assert len(hook.posts) == before + 2


def test_an_address_of_a_channel_stands_nowhere(
    warehouse: Warehouse, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 404
    ran_out(warehouse)
    with caplog.at_level("INFO"):
        warehouse.deliver()
    stored = repr(warehouse.rows("SELECT * FROM ops.outbox"))
    assert "slack:tea answered 404" in stored
    assert SECRET not in stored + caplog.text
    assert any(SECRET in value for value in warehouse.settings.secret_values())
    assert SECRET not in repr(warehouse.settings)


@pytest.mark.parametrize(
    "wrong",
    [
        "not json",
        "{}",
        '[{"name": "x"}]',
        '[{"name": "x", "slack": "http://hooks.example/secret-part"}]',
        '[{"name": "x", "mail": "a@b.example", "colour": "red"}]',
        '[{"name": "x", "mail": "a@b.example"}, {"name": "x", "mail": "c@d.example"}]',
        '[{"name": "x", "mail": "a@b.example", "vendors": "Acme"}]',
    ],
)
def test_what_is_no_route_is_refused_and_not_shown(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINALE_ALERT_EMAILS", "all@shop.example")
    monkeypatch.setenv("FINALE_ALERT_ROUTES", wrong)
    with pytest.raises(ConfigError, match="FINALE_ALERT_ROUTES") as refused:
        load_settings()
    assert "secret-part" not in str(refused.value)


def test_routes_alone_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINALE_ALERT_ROUTES", '[{"name": "x", "mail": "a@b.example"}]')
    with pytest.raises(ConfigError, match="FINALE_ALERT_EMAILS missing"):
        load_settings()
