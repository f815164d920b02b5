"""What must not get in, and what must not come out."""

import asyncio
import base64
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from finale_pipeline.api.server.middleware import Middleware, Rate
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.api.serving import api_server
from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings
from finale_pipeline_tests.api.client import FakeDagster, code, running
from finale_pipeline_tests.api.conftest import CANARY, settings_of
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

WRITE, READ = f"{CANARY}-write", f"{CANARY}-read"


@pytest.fixture
def guarded(stock: Warehouse, dagster: FakeDagster) -> Iterator[httpx.Client]:
    """The app with both tokens."""
    given = {"api_token": WRITE, "api_read_token": READ, "api_hosts": "stock.example"}
    settings = Settings.model_validate(stock.settings.model_dump() | given)
    with running(settings, dagster, stock.clock) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


WRONG = ("", "Bearer wrong", "Bearer ünïcode", "Bearer " + "x" * 9000, "Basic !", "Basic eDp5")


@pytest.mark.parametrize("sent", WRONG)
def test_without_a_right_token_nothing_is_told(
    guarded: httpx.Client, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "finale_pipeline.api")
    headers = {b"Authorization": sent.encode()} if sent else {}
    for path in ("/api/products", "/openapi.json", "/metrics", "/", "/nowhere"):
        answer = guarded.get(path, headers=headers, params={"token": WRITE})
        assert code(answer) == (401, "no_token")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="finale"'
    assert CANARY not in caplog.text


def test_tokens_let_in_and_the_reading_one_only_reads(
    guarded: httpx.Client, dagster: FakeDagster
) -> None:
    assert guarded.get("/api/products", headers=bearer(READ)).status_code == 200
    basic = base64.b64encode(f"me:{READ}".encode()).decode()
    assert guarded.get("/", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    refused = guarded.post("/api/sync-finale/critical", headers=bearer(READ))
    assert code(refused) == (403, "read_only_token")
    assert dagster.launched == []
    assert guarded.post("/api/sync-finale/critical", headers=bearer(WRITE)).status_code == 202


def test_guessing_is_slowed_down_and_the_right_token_is_always_let_in(
    guarded: httpx.Client,
) -> None:
    """Behind a proxy all clients have one address: who guesses must not lock the others out."""
    answers = [guarded.get("/api/products", headers=bearer(f"x{n}")) for n in range(25)]
    assert [a.status_code for a in answers] == [401] * 20 + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert guarded.get("/api/products", headers=bearer(READ)).status_code == 200
    assert guarded.get("/api/products", headers=bearer("x")).status_code == 429


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "::"])  # noqa: S104 - what it refuses
def test_other_machines_are_let_in_with_a_token_only(tmp_path: Path, host: str) -> None:
    settings = settings_of("postgresql://nowhere/x", tmp_path).model_copy(update={"api_host": host})
    with pytest.raises(ConfigError, match="FINALE_API_TOKEN"):
        api_server(settings, clock=utc_now)


def test_short_and_equal_tokens_are_refused(tmp_path: Path) -> None:
    plain = settings_of("postgresql://nowhere/x", tmp_path).model_dump()
    long = "t" * 32
    for given in (
        {"api_host": "10.0.0.5", "api_token": "x"},
        {"api_host": "10.0.0.5", "api_token": long, "api_read_token": "x"},
        {"api_token": long, "api_read_token": long},
    ):
        with pytest.raises(ConfigError, match="openssl rand"):
            api_server(Settings.model_validate(plain | given), clock=utc_now)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[", "x@y"])
def test_a_page_whose_name_leads_here_is_refused(api: httpx.Client, host: str) -> None:
    answer = api.get("/api/products", headers={"Host": host})
    assert answer.status_code == 400
    assert CANARY not in answer.text


def test_a_named_host_is_served(guarded: httpx.Client) -> None:
    headers = {"Host": "stock.example:8443", **bearer(READ)}
    assert guarded.get("/api/products", headers=headers).status_code == 200


def test_another_sites_page_cannot_write(api: httpx.Client, dagster: FakeDagster) -> None:
    for origin in ("https://evil.example", "null"):
        answer = api.post("/api/sync-finale/critical", headers={"Origin": origin})
        assert code(answer) == (403, "other_origin")
    form = {"Content-Type": "text/plain"}
    answer = api.post("/api/sync-finale", content='{"strategy":"full"}', headers=form)
    assert code(answer) == (415, "unsupported_media_type")
    assert "access-control-allow-origin" not in answer.headers
    assert dagster.launched == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[" * 60_000, 400),
        ('{"strategy": NaN}', 422),
        ('{"strategy": "drop"}', 422),
        ('{"strategy": "full", "more": 1}', 422),
        ("[]", 422),
        ('"full"', 422),
        ("\xff\xfe", 400),
        ("1" * 70_000, 413),
    ],
)
def test_a_bad_body_is_refused(
    api: httpx.Client, dagster: FakeDagster, body: str, status: int
) -> None:
    answer = api.post(
        "/api/sync-finale",
        content=body.encode("latin-1"),
        headers={"Content-Type": "application/json"},
    )
    assert code(answer)[0] == status
    assert dagster.launched == []


def test_a_body_without_end_is_cut_off(api: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 4096

    try:
        answer = api.put(
            "/api/sync-finale/schedule",
            content=endless(),
            headers={"Content-Type": "application/json"},
        )
    except httpx.WriteError:  # it was refused, and the line closed, while more was sent
        return
    assert code(answer)[0] == 413


def test_a_body_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    answered: list[Any] = []

    async def app(*_: object) -> None:
        raise AssertionError("it must not come so far")

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    async def send(message: Any) -> None:
        answered.append(message)

    settings = settings_of("postgresql://nowhere/x", tmp_path)
    guard = Middleware(app, settings, body_seconds=0.01)
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/api/sync-finale", "query_string": b"",
             "headers": headers, "client": ("127.0.0.1", 1)}  # fmt: skip
    asyncio.run(guard(scope, receive, send))
    assert answered[0]["status"] == 408


def test_a_rate_is_counted_per_client_and_minute() -> None:
    now = [0.0]
    rate = Rate(2, lambda: now[0])
    rate.count("a")
    rate.count("a")
    with pytest.raises(Problem) as refused:
        rate.count("a")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "60"})
    rate.count("b")
    now[0] = 61
    rate.count("a")


def test_headers_without_end_are_cut_off(api: httpx.Client) -> None:
    with socket.create_connection((api.base_url.host, api.base_url.port or 80)) as line:
        line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        line.sendall(b"".join(b"X-%d: %s\r\n" % (n, b"y" * 50) for n in range(5000)))
        line.settimeout(10)
        try:
            answer = line.recv(100)
        except ConnectionError:
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4")


def test_with_the_database_down_it_says_so_and_lives(
    api: httpx.Client, stock: Warehouse, server: str
) -> None:
    assert api.get("/api/products").status_code == 200
    name = stock.rows("SELECT current_database()")[0][0]
    stock.connection.close()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                      " AND backend_type = 'client backend'", (name,))  # fmt: skip
    answer = api.get("/api/products")
    assert code(answer) == (503, "database_unavailable")
    assert answer.json()["data_as_of"] == stock.now.isoformat()
    assert int(answer.headers["Retry-After"]) > 0
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").status_code == 503
    health = api.get("/api/sync-finale/health")
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert api.get("/api/products").status_code == 200


def test_while_the_schema_is_upgraded_it_asks_to_wait(api: httpx.Client, stock: Warehouse) -> None:
    stock.connection.execute("UPDATE ops.schema_version SET version_num = '0001'")
    answer = api.get("/api/products")
    assert code(answer) == (503, "schema_mismatch")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_fault_inside_tells_its_number_and_the_log_the_rest(
    api: httpx.Client, stock: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    stock.connection.execute("DROP VIEW mart.low_stock CASCADE")
    answer = api.get("/api/sync-finale/critical")
    assert answer.status_code >= 500
    assert "mart.low_stock" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["trace_id"] in caplog.text


def test_a_log_line_cannot_be_forged(api: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "finale_pipeline.api")
    sent = {"User-Agent": "a\x1b[2J", "X-Actor": "Anna from 10.9.9.9 by Bob"}
    api.get("/api/products/x%0d%0afake%1b[31m", headers=sent)
    while not caplog.messages:  # the line is written after the answer
        time.sleep(0.01)
    line = caplog.messages[-1]
    assert "by 'Anna from 10.9.9.9 by Bob': " in line
    assert "GET /api/products/x%0D%0Afake%1B%5B31m 404 in " in line
    assert "\x1b" not in caplog.text


def test_no_secret_comes_out(api: httpx.Client, stock: Warehouse) -> None:
    paths = ("/api/sync-finale/status", "/api/sync-finale/health", "/api/sync-finale/metrics",
             "/api/sync-finale/history", "/openapi.json", "/", "/plan", "/syncs", "/outbox",
             f"/products/{url_of('A')}", "/nowhere")  # fmt: skip
    for path in paths:
        answer = api.get(path)
        assert CANARY not in answer.text + str(answer.headers), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "set-cookie" not in answer.headers


FORBIDDEN = (
    "DELETE FROM ops.incident",
    "SELECT * FROM ops.trigger",
    "SELECT body_html FROM ops.outbox",
    "UPDATE ops.sync_run SET status = 'x'",
)


def test_the_reading_role_cannot_write(stock: Warehouse) -> None:
    # Who made a role may grant it, but from PostgreSQL 16 on is no member of it.
    stock.connection.execute("GRANT finale_reader TO CURRENT_USER")
    stock.connection.execute("SET ROLE finale_reader")
    for statement in FORBIDDEN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            stock.rows(statement)
    assert len(stock.rows("SELECT * FROM mart.low_stock")) == 2
