"""Clients that are slow, many, or ask too much at once: none keeps the others out."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from finale_pipeline.api.server.connections import MAX_PER_CLIENT
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'finale api'"
    " AND datname = current_database() AND wait_event_type = 'Lock'"
)
WHOLE, PART = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /livez HTTP/1.1\r\n"
LAST = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@contextmanager
def line_to(api: httpx.Client) -> Iterator[socket.socket]:
    with socket.create_connection((api.base_url.host, api.base_url.port or 80), 10) as line:
        yield line


def until(look: Callable[[], bool], what: str) -> None:
    ends_at = time.monotonic() + 10
    while not look():
        assert time.monotonic() < ends_at, f"waited in vain until {what}"
        time.sleep(0.01)


def all_of(line: socket.socket) -> bytes:
    """Return what comes until the line is closed."""
    answer = b""
    with suppress(ConnectionError):
        while part := line.recv(65536):
            answer += part
    return answer


def test_a_start_is_finished_whoever_waits_for_its_answer(
    api: httpx.Client, stock: Warehouse, dagster: FakeDagster
) -> None:
    """Else nobody would know whether the sync was started."""
    url = stock.settings.database_url
    assert url is not None
    with connect(url.get_secret_value(), name="blocker") as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE ops.trigger IN ACCESS EXCLUSIVE MODE")
        with line_to(api) as line:
            line.sendall(
                b"POST /api/sync-finale/critical HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
            until(lambda: stock.rows(WAITING) == [(1,)], "the start waits")
    until(lambda: len(dagster.launched) == 1, "it is started")
    until(lambda: stock.rows("SELECT count(*) FROM ops.trigger") == [(1,)], "and noted")


def test_reads_that_wait_keep_no_probe_and_no_write_out(
    api: httpx.Client, stock: Warehouse
) -> None:
    url = stock.settings.database_url
    assert url is not None
    with connect(url.get_secret_value(), name="blocker") as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE core.product IN ACCESS EXCLUSIVE MODE")
        with ExitStack() as open_lines:
            for _ in range(20):
                line = open_lines.enter_context(line_to(api))
                line.sendall(b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: stock.rows(WAITING) == [(4,)], "as many as may read at once wait")
            assert api.get("/livez").status_code == 200
            assert api.get("/readyz").status_code == 200
            assert api.post("/api/sync-finale/critical").status_code == 202


def test_who_only_holds_connections_keeps_nobody_out(api: httpx.Client, stock: Warehouse) -> None:
    """The oldest idle ones are closed, without a word; one that waits for its answer is not."""
    url = stock.settings.database_url
    assert url is not None
    with ExitStack() as open_lines, line_to(api) as busy:
        with connect(url.get_secret_value(), name="blocker") as blocker, blocker.transaction():
            blocker.execute("LOCK TABLE core.product IN ACCESS EXCLUSIVE MODE")
            busy.sendall(LAST.replace(b"livez", b"api/products"))
            until(lambda: stock.rows(WAITING) == [(1,)], "it waits")
            oldest = open_lines.enter_context(line_to(api))
            for _ in range(2 * MAX_PER_CLIENT + 4):
                open_lines.enter_context(line_to(api))
            assert oldest.recv(1) == b""
        assert all_of(busy).startswith(b"HTTP/1.1 200")
        for _ in range(3):
            with line_to(api) as line:
                line.sendall(LAST)
                assert all_of(line).startswith(b"HTTP/1.1 200")


def test_requests_that_wait_on_one_connection_are_answered_one_by_one(
    api: httpx.Client, stock: Warehouse
) -> None:
    """So that one connection has one place among the readers, however much is sent on it."""
    url = stock.settings.database_url
    assert url is not None
    with line_to(api) as line:
        with connect(url.get_secret_value(), name="blocker") as blocker, blocker.transaction():
            blocker.execute("LOCK TABLE core.product IN ACCESS EXCLUSIVE MODE")
            line.sendall(WHOLE.replace(b"livez", b"api/products") * 299 + LAST)
            until(lambda: stock.rows(WAITING) == [(1,)], "the first of them waits")
            assert api.get("/api/vendors").status_code == 200
            assert stock.rows(WAITING) == [(1,)]
        assert all_of(line).count(b"HTTP/1.1 200") == 300


def test_a_request_of_two_lengths_is_refused_and_answered_once(api: httpx.Client) -> None:
    """Who reads one length and who reads the other would see different requests."""
    with line_to(api) as line:
        line.sendall(
            b"POST /api/sync-finale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + WHOLE
        )
        answer = all_of(line)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("sent", [b"", PART, WHOLE + PART])
def test_who_does_not_say_what_he_wants_is_sent_away(
    stock: Warehouse, dagster: FakeDagster, sent: bytes
) -> None:
    """However slowly it drips; also as the second request of a connection."""
    with (
        running(stock.settings, dagster, stock.clock, header_seconds=0.2) as api,
        line_to(api) as line,
    ):
        line.sendall(sent)
        line.settimeout(0.02)
        begun, answer = time.monotonic(), b""
        while b"too_slow" not in answer and time.monotonic() < begun + 10:
            with suppress(TimeoutError):
                answer += line.recv(4096)
                continue
            if sent:
                line.sendall(b"X-A: b\r\n")
        assert b"HTTP/1.1 408 " in answer
        assert answer.count(b"HTTP/1.1 200 ") == sent.count(WHOLE)
        assert api.get("/livez").status_code == 200


def test_a_hundred_thousand_headers_are_cut_off(api: httpx.Client) -> None:
    with line_to(api) as line:
        line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for n in range(100_000):
                line.sendall(b"X-%d: y\r\n" % n)
            answer = line.recv(100)
        except ConnectionError:
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert api.get("/livez").status_code == 200
