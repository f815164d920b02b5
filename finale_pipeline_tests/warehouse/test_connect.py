"""Connections say themselves what they rely on, and name what is wrong with a server."""

import os
import signal
import socketserver
import threading

import pytest

from finale_pipeline.cli import main
from finale_pipeline.errors import ConfigError, LocalError, SchemaMismatch
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect, database_errors
from finale_pipeline_tests.live import free_port

ODD = {
    "datestyle": "German, DMY", "intervalstyle": "iso_8601", "timezone": "Asia/Tokyo",
    "search_path": "elsewhere", "standard_conforming_strings": "off", "bytea_output": "escape",
    "extra_float_digits": "-5", "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1", "synchronous_commit": "off", "statement_timeout": "1ms",
}  # fmt: skip
"""Settings that an administrator may have given to a database."""
ENVIRONMENT = {
    "PGCLIENTENCODING": "LATIN1", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGGEQO": "off",
    "PGHOST": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "none",
    "PGOPTIONS": "-c datestyle=SQL", "PGSERVICE": "other", "PGSERVICEFILE": "/nowhere",
    "PGTARGETSESSIONATTRS": "standby", "PGAPPNAME": "odd", "PGCONNECT_TIMEOUT": "1",
}  # fmt: skip


@pytest.fixture
def name(connection: Connection) -> str:
    """The database's name."""
    return connection.info.dbname


def session(url: str) -> tuple[object, ...]:
    """What a session of ours answers, whatever it was made in."""
    with connect(url, name="t") as opened:
        row = opened.execute(
            "SELECT now()::date::text, interval '1 day 2 hours'::text, 'a\\b', octet_length('ÖÄ'),"
            " 0.1::float8::text, %s::text, current_setting('transaction_isolation'),"
            " current_setting('TimeZone'), current_setting('statement_timeout'),"
            " current_setting('application_name'), 'x'::bytea::text, %s::text",
            ("Öl", "\\"),
        ).fetchone()
    return row or ()


def test_what_a_database_is_set_to_changes_nothing(
    url: str, connection: Connection, name: str
) -> None:
    wanted = session(url)
    for setting, value in ODD.items():
        connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'".encode())
    assert session(url) == wanted


def test_what_the_environment_says_to_postgresql_changes_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = session(url)
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    assert session(url) == wanted


def url_of(connection: Connection) -> str:
    info = connection.info
    return f"postgresql://{info.user}@/{info.dbname}?host={info.host}&port={info.port}"


def test_a_server_that_says_nothing_is_given_up(connection: Connection) -> None:
    with connect(url_of(connection), name="frozen") as opened:
        pid = opened.info.backend_pid
        opened.response_seconds = 0.5
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(LocalError, match="said nothing for"), database_errors("asking"):
                opened.execute("SELECT 1")
            assert opened.closed
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_ends_in_the_handshake_does_not_answer_and_refuses_nobody() -> None:
    """As one that restarts just then: there is nothing to correct in the address."""

    class Cutter(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(8)
            self.request.sendall(b"S")  # TLS it shall be
            self.request.recv(1 << 16)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cutter) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"postgresql://finale@127.0.0.1:{server.server_address[1]}/finale?sslmode=require"
        with pytest.raises(LocalError, match="does not answer"):
            connect(url, name="tests")
        server.shutdown()


def test_a_server_that_is_full_for_a_moment_is_asked_again(
    url: str, connection: Connection, name: str
) -> None:
    connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0".encode())
    lift = f"ALTER DATABASE {name} CONNECTION LIMIT -1".encode()
    timer = threading.Timer(0.7, lambda: connection.execute(lift))
    timer.start()
    try:
        with connect(url, name="t") as opened:
            assert opened.execute("SELECT 1").fetchone() == (1,)
    finally:
        timer.join()


def test_an_encoding_that_cannot_hold_every_name_is_refused(
    server: str, connection: Connection
) -> None:
    connection.execute(
        "CREATE DATABASE odd_encoding TEMPLATE template0 ENCODING 'SQL_ASCII'"
        " LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    url = server.replace("/postgres?", "/odd_encoding?")
    for attempt in (schema.prepare, schema.upgrade):
        with pytest.raises(SchemaMismatch, match="SQL_ASCII"):
            attempt(url)


@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("u:hidden@127.0.0.1:{port}/x", 8, "does not answer"),
        ("u:hidden@127.0.0.1:{port}/x?sslmode=odd", 4, "refuses us"),
        ("u:hid#den@127.0.0.1:{port}/x", 4, "write # as %23"),
    ],
)
def test_an_upgrade_says_what_is_wrong_with_the_address(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
    code: int,
    says: str,
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", f"postgresql://{address.format(port=free_port())}")
    assert main(["db", "upgrade"]) == code
    said = capsys.readouterr().err
    assert says in said
    assert "hid" not in said


def test_a_database_that_takes_no_writes_is_named(
    url: str, connection: Connection, name: str
) -> None:
    connection.execute("DROP VIEW mart.stock CASCADE")
    connection.execute("UPDATE ops.schema_version SET definitions = 'old'")
    statement = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    connection.execute(statement.encode())
    with pytest.raises(ConfigError, match="takes no writes"):
        schema.upgrade(url)
