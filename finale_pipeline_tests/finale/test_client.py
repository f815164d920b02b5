"""The client against a real server: what it retries, what it refuses, what it never does."""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.errors import (
    AddressRefused,
    ConfigError,
    CredentialsRefused,
    MalformedError,
    PipelineError,
    SourceUnavailable,
    ThrottledError,
)
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.client import FinaleClient
from finale_pipeline.finale.records import FACILITY, PRODUCT, STOCK
from finale_pipeline.finale.transport import AnswerTooLarge, Source, Transport, http_client
from finale_pipeline.finale.wire import decode
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.conftest import NOW


class Timeline:
    """A clock whose sleep moves it."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class Unlimited:
    """Counts nothing; keeps only what the source itself says."""

    def __init__(self) -> None:
        self.until = NOW - timedelta(days=1)

    def take(self, *, now: datetime, method: str, is_collection: bool) -> datetime:
        assert (method, is_collection) == ("GET", True)
        return max(now, self.until)

    def block(self, until: datetime) -> None:
        self.until = max(self.until, until)


def client_of(sandbox: SandboxServer, time: Timeline | None = None, **changes: Any) -> FinaleClient:
    time = time or Timeline()
    account = {"account": "demo", "key": "sandbox-key", "secret": "sandbox-secret"}
    source = Source(base_url=sandbox.base_url, **(account | changes))
    budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
    return FinaleClient(source, budget=budget, clock=time.clock, sleep=time.sleep)


def test_reads_a_whole_collection_and_a_window(sandbox: SandboxServer) -> None:
    with client_of(sandbox) as client:
        whole = decode(client.body(PRODUCT).data, PRODUCT)
        assert (whole.rows, whole.rejects) == (400, [])
        window = Window(NOW - timedelta(days=10), NOW)
        part = decode(client.body(PRODUCT, window).data, PRODUCT)
        recent = whole.frame.filter(whole.frame["updated_at"] >= window.lo)
        assert part.frame["product_url"].to_list() == recent["product_url"].to_list()
        assert client.usage.api_calls == 2


@pytest.mark.parametrize("compress", [True, False])
def test_the_digest_is_of_the_content_not_of_its_coding(
    sandbox: SandboxServer, compress: bool
) -> None:
    source = Source(sandbox.base_url, "demo", "sandbox-key", "sandbox-secret")
    time = Timeline()
    budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
    with (
        FinaleClient(
            source, budget=budget, clock=time.clock, sleep=time.sleep, compress=compress
        ) as client,
        client_of(sandbox) as plain,
    ):
        body = plain.body(STOCK)
        pages, digest = client.pages(STOCK)

        assert client.body(STOCK) == body
        assert (bytes(pages.view()), digest) == (body.data, body.digest)


@pytest.mark.parametrize(
    "fault",
    [
        "status=500@product*2", "status=503@product*2", "reset@product*2", "reset-mid@product*2",
        "truncate@product*2", "empty@product*1", "throttle=2@product*2", "throttle-bare@product*2",
        "status=408@product*2",
    ],
)  # fmt: skip
def test_what_may_heal_is_tried_again(sandbox: SandboxServer, fault: str) -> None:
    sandbox.add_fault(fault)
    with client_of(sandbox) as client:
        assert decode(client.body(PRODUCT).data, PRODUCT).rows == 400
        assert client.usage.retries >= 1


@pytest.mark.parametrize("how", ["at once", "after the hello", "reset"])
def test_a_handshake_that_is_cut_is_tried_again(how: str) -> None:
    """A connection that ends before trust was judged says nothing of trust."""
    met: list[object] = []

    class Cutter(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            met.append(self.client_address)
            if how != "at once":
                self.request.recv(1 << 16)
            if how == "reset":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cutter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = Source(f"https://127.0.0.1:{server.server_address[1]}", "demo", "key", "secret")
        time = Timeline()
        budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
        with (
            FinaleClient(source, budget=budget, clock=time.clock, sleep=time.sleep) as client,
            pytest.raises(SourceUnavailable),
        ):
            client.body(PRODUCT)
        server.shutdown()
    assert len(met) == 5
    assert len(time.slept) == 4


def self_signed(path: Path) -> Path:
    """Write a certificate that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM) + secret)
    return path


def test_a_certificate_that_nobody_vouches_for_is_final(tmp_path: Path) -> None:
    """It would be the same the next time: a person must look."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    met: list[object] = []

    class Stranger(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            met.append(self.client_address)
            with suppress(OSError):
                context.wrap_socket(self.request, server_side=True).recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        source = Source(f"https://127.0.0.1:{server.server_address[1]}", "demo", "key", "secret")
        time = Timeline()
        budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
        with (
            FinaleClient(source, budget=budget, clock=time.clock, sleep=time.sleep) as client,
            pytest.raises(ConfigError, match="No trusted connection"),
        ):
            client.body(PRODUCT)
        server.shutdown()
    assert len(met) == 1


@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [
        ("status=500", SourceUnavailable, 5),
        ("status=408", SourceUnavailable, 5),
        ("reset-mid", SourceUnavailable, 5),
        ("truncate", SourceUnavailable, 5),
        ("empty", SourceUnavailable, 5),
        ("revoke", CredentialsRefused, 1),
        ("status=403", CredentialsRefused, 1),
        ("status=404", AddressRefused, 1),
        ("redirect", AddressRefused, 1),
        ("html", CredentialsRefused, 1),
        ("status=400", MalformedError, 1),
        ("throttle-reset=3600", ThrottledError, 1),
        ("throttle=3600", ThrottledError, 1),
        ("throttle-bare", ThrottledError, 3),
    ],
)
def test_each_failure_has_its_error_and_its_number_of_attempts(
    sandbox: SandboxServer, fault: str, error: type[PipelineError], requests: int
) -> None:
    sandbox.add_fault(fault)
    with client_of(sandbox) as client, pytest.raises(error) as caught:
        client.body(PRODUCT)
    assert len(sandbox.requests) == requests
    assert "sandbox-secret" not in str(caught.value)


def test_an_hour_of_throttling_names_the_time_to_return(sandbox: SandboxServer) -> None:
    sandbox.add_fault("throttle-reset=3600")
    with client_of(sandbox) as client, pytest.raises(ThrottledError) as caught:
        client.body(PRODUCT)
    assert caught.value.retry_at == NOW + timedelta(hours=1)


def test_a_wrong_account_says_so(sandbox: SandboxServer) -> None:
    with (
        client_of(sandbox, account="other") as client,
        pytest.raises(AddressRefused, match="FINALE_ACCOUNT"),
    ):
        client.body(PRODUCT)


def test_a_bomb_is_measured_while_it_unpacks(sandbox: SandboxServer) -> None:
    sandbox.add_fault("bomb=600")
    with client_of(sandbox) as client, pytest.raises(MalformedError, match="larger than"):
        client.body(FACILITY)


def test_a_dripping_answer_meets_the_deadline(sandbox: SandboxServer) -> None:
    sandbox.add_fault("drip=20")
    time = Timeline()
    budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
    source = Source(sandbox.base_url, "demo", "sandbox-key", "sandbox-secret")
    with (
        Transport(
            source, budget=budget, clock=time.clock, sleep=time.sleep, deadline=0.2
        ) as transport,
        pytest.raises(SourceUnavailable, match="took longer"),
    ):
        transport.get("facility", {})


def test_an_answer_larger_than_asked_for_is_left(sandbox: SandboxServer) -> None:
    with client_of(sandbox) as client, pytest.raises(AnswerTooLarge):
        client.body(PRODUCT, max_bytes=1000)


def test_the_source_time_is_the_servers(account: Account, sandbox: SandboxServer) -> None:
    account.clock.advance(seconds=120)
    with client_of(sandbox) as client:
        client.body(FACILITY)
        assert client.source_now() == NOW + timedelta(minutes=2)


def test_a_used_up_budget_in_the_headers_holds_the_next_request_back(account: Account) -> None:
    time = Timeline()
    account.quirks.set("rate_headers=always")
    with SandboxServer(account, rate_limits=(2, 100)) as server, client_of(server, time) as client:
        for _ in range(2):
            client.body(FACILITY)
        account.clock.advance(seconds=60)
        client.body(FACILITY)
    assert sum(time.slept) == 60
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("base_url", "account"),
    [
        ("http://app.finaleinventory.com", "demo"),
        ("https://user:pw@app.finaleinventory.com", "demo"),
        ("https://app.finaleinventory.com/demo", "demo"),
        ("file:///etc/passwd", "demo"),
        ("https://app.finaleinventory.com", "demo/api"),
        ("https://app.finaleinventory.com", "https://app.finaleinventory.com/demo"),
        ("https://app.finaleinventory.com", ""),
    ],
)
def test_addresses_that_could_leak_the_key_are_refused(base_url: str, account: str) -> None:
    with pytest.raises(AddressRefused):
        Source(base_url, account, "key", "secret")


def test_the_secret_is_not_in_the_sources_text() -> None:
    assert "hidden" not in repr(Source("https://h.example", "demo", "a-key", "hidden"))


@pytest.mark.parametrize("form", ["refused", "seconds"])
def test_a_429_holds_every_process_back_until_the_reset(account: Account, form: str) -> None:
    """The reset comes in milliseconds, with the refusal alone; seconds are read too."""
    account.quirks.set(f"rate_headers={form}")
    time = Timeline()
    with SandboxServer(account, rate_limits=(2, 100)) as server, client_of(server, time) as client:
        server.on_request = lambda _: account.clock.advance(
            seconds=(time.now - account.clock.now()).total_seconds()
        )
        for _ in range(3):
            client.body(FACILITY)
    assert len(server.requests) == 4  # one was refused, none was tried before the reset
    assert sum(time.slept) == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("NO_PROXY", "localhost,fd00::/8")],
)
def test_proxies_that_cannot_be_used_are_an_error_with_a_step(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    source = Source(base_url="https://finale.invalid", account="a", key="k", secret="s")
    with pytest.raises(ConfigError, match="NO_PROXY a list of host names"):
        http_client(source, method="GET")


@pytest.fixture
def on_ipv6(sandbox: SandboxServer) -> Iterator[str]:
    """Address of the sandbox by IPv6: what comes there is carried on to it."""
    inside = urlsplit(sandbox.base_url)

    class Carrier(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((inside.hostname, inside.port)) as other:
                ends = {self.request: other, other: self.request}
                while ends:
                    for end in select.select([*ends], [], [], 10)[0]:
                        piece = end.recv(1 << 16)
                        if not piece:
                            return
                        ends[end].sendall(piece)

    class Listener(socketserver.ThreadingTCPServer):
        address_family = socket.AF_INET6
        daemon_threads = True

    try:
        listener = Listener(("::1", 0), Carrier)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://[::1]:{listener.server_address[1]}"
        listener.shutdown()


def test_a_source_is_read_by_ipv6_too(on_ipv6: str) -> None:
    time = Timeline()
    source = Source(base_url=on_ipv6, account="demo", key="sandbox-key", secret="sandbox-secret")
    assert source.is_loopback
    budget = Budget(Unlimited(), clock=time.clock, sleep=time.sleep)
    with FinaleClient(source, budget=budget, clock=time.clock, sleep=time.sleep) as client:
        assert decode(client.body(PRODUCT).data, PRODUCT).rows == 400
