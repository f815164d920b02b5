"""S9: the role for analysts reads what is promised, writes nothing, and sees nothing secret."""

from collections.abc import Iterator

import psycopg
import pytest

from finale_pipeline.warehouse import definitions
from finale_pipeline.warehouse.connect import Connection, connect

USER = "ann"
OPS = {
    "purchase_order_write_event",
    "hold", "incident", "incident_event", "schedule_tick", "sync_reject", "sync_run", "watermark",
}  # fmt: skip
OUTBOX = {
    "outbox_id", "message_id", "kind", "subject", "state", "attempts", "unknown_outcomes",
    "next_attempt_at", "last_error", "merged_into", "run_id", "created_at", "sent_at",
}  # fmt: skip
WRITES = (
    "INSERT INTO ops.sync_run (strategy) VALUES ('x')",
    "UPDATE ops.incident SET state = 'resolved'",
    "DELETE FROM ops.sync_run",
    "TRUNCATE ops.sync_run",
    "DROP VIEW mart.stock_now",
    "CREATE TABLE mart.mine (n int)",
    "CREATE TABLE ops.mine (n int)",
    "CREATE TABLE public.mine (n int)",
    "CREATE VIEW mart.mine AS SELECT 1",
    "SELECT ops.take_request(now(), 'GET', true, 1, 1, 1)",
    "ALTER ROLE finale_reader SUPERUSER",
    "SELECT * FROM mart.stock_now FOR UPDATE",
    "SET ROLE postgres",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1, 1)",
    "SELECT pg_advisory_xact_lock_shared(1)",
    "CREATE TEMP TABLE mine (n int)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
)
SECRETS = (
    "SELECT body_text FROM ops.outbox",
    "SELECT body_html FROM ops.outbox",
    "SELECT recipients FROM ops.outbox",
    "SELECT * FROM ops.outbox",
    "SELECT payload FROM core.product",
    "SELECT value FROM core.vendor_contact",
    "SELECT answer FROM ops.trigger",
    "SELECT * FROM ops.account",
    "SELECT * FROM plan.vendor_term",
    "SELECT rolpassword FROM pg_authid",
    "COPY ops.sync_run TO '/tmp/finale-reader'",
    "COPY ops.sync_run TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
)


@pytest.fixture
def login(url: str, connection: Connection) -> Iterator[str]:
    """URL of the database for a user who is a member of the role, made as the tutorial says."""
    connection.execute(f"CREATE ROLE {USER} LOGIN IN ROLE finale_reader")
    definitions.grant(connection)  # the database is a copy, which has no rights of its own
    yield url.replace("finale@", f"{USER}@", 1)
    connection.execute(f"DROP ROLE {USER}")


@pytest.fixture
def reader(login: str) -> Iterator[Connection]:
    with connect(login, name="reader") as opened:
        yield opened


def test_the_reader_sees_every_view_and_the_function(reader: Connection) -> None:
    views = reader.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'mart'::regnamespace AND relkind = 'v'"
    ).fetchall()
    assert len(views) > 20
    for (view,) in views:
        reader.execute(f"SELECT * FROM mart.{view} LIMIT 1".encode())  # noqa: S608 - listed above
    reader.execute("SELECT * FROM mart.stock_as_of('2026-03-01')")


def test_the_reader_sees_of_ops_what_people_ask_about(reader: Connection) -> None:
    tables = reader.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'ops'::regnamespace"
        " AND relkind IN ('r', 'v') AND has_table_privilege(oid, 'SELECT')"
    ).fetchall()
    columns = reader.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'ops.outbox'::regclass AND attnum > 0"
        " AND has_column_privilege(attrelid, attnum, 'SELECT')"
    ).fetchall()
    assert {name for (name,) in tables} == OPS
    assert {name for (name,) in columns} == OUTBOX


@pytest.mark.parametrize("statements", [WRITES, SECRETS], ids=["writes", "secrets"])
def test_the_reader_neither_writes_nor_sees_secrets(
    reader: Connection, statements: tuple[str, ...]
) -> None:
    reader.execute("SET default_transaction_read_only = off")  # which anybody may
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement.encode())


def test_no_column_that_the_reader_sees_is_named_like_a_secret(reader: Connection) -> None:
    seen = reader.execute(
        "SELECT DISTINCT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace IN ('mart'::regnamespace, 'ops'::regnamespace) AND attnum > 0"
        " AND has_column_privilege(c.oid, attnum, 'SELECT')"
        " AND attname ~* 'secret|token|password|dedupe|body|payload|recipient'"
    ).fetchall()
    assert seen == []


def test_who_logs_in_as_the_role_is_limited(connection: Connection) -> None:
    """B18: a forgotten transaction or an hour-long query ends by itself."""
    row = connection.execute(
        "SELECT rolconfig FROM pg_roles WHERE rolname = 'finale_reader'"
    ).fetchone()
    assert row
    assert set(row[0]) == {
        "idle_in_transaction_session_timeout=10min",
        "statement_timeout=5min",
        "default_transaction_read_only=on",
    }


def test_an_open_transaction_of_the_reader_holds_no_writer_up(
    login: str, connection: Connection
) -> None:
    """B18: what a sync does needs no lock that a reader blocks."""
    connection.execute("SET lock_timeout = '1s'")
    with connect(login, name="reader") as reader, reader.transaction():
        reader.execute("SELECT * FROM mart.stock_now")
        connection.execute("UPDATE core.stock_level SET on_hand_units = 1")
        connection.execute("DELETE FROM core.stock_entry")
        connection.execute("INSERT INTO core.stock_day VALUES ('2026-03-01', now())")


def test_members_of_the_role_get_its_limits_with_the_next_upgrade(
    login: str, connection: Connection
) -> None:
    """A role's settings are not its members': without them a member could write by default."""
    with connect(login, name="reader") as reader:
        assert reader.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
    # and what we need ourselves is still ours
    connection.execute("SELECT pg_advisory_lock(1), pg_advisory_unlock(1)")
    connection.execute("CREATE TEMP TABLE mine (n int)")
