"""B16: a database of the version before becomes one of today, with its data, or stays as it was.

`data/warehouse_0012.sql.gz` is one that version 0.1.0 made: it synced a sandbox account of 40
products, planned a day, drafted three orders; tables that this leaves empty got a row by hand.
`data/warehouse_0025.sql.gz` is the same account as version 0.3.0 synced and planned it.
"""

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from finale_pipeline.domain.alerts.deadman import Outage
from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse import outages, schema, tables
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import NOW, new_database, settings_for
from finale_pipeline_tests.processes import start
from finale_pipeline_tests.shapes.account import ShapeServer, load
from finale_pipeline_tests.sync.helpers import assert_mirrors, sync
from finale_pipeline_tests.warehouse.catalog import catalog

DATA = Path(__file__).parents[1] / "data"
FIRST, LAST = DATA / "warehouse_0012.sql.gz", DATA / "warehouse_0025.sql.gz"
TABLES = (
    "SELECT schemaname || '.' || tablename FROM pg_tables"
    " WHERE schemaname IN ('core', 'plan', 'ops') AND tablename <> 'schema_version' ORDER BY 1"
)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"


@pytest.fixture(scope="session")
def released(server: str) -> str:
    """Name of a database that version 0.1.0 made and filled, to copy from."""
    url = loaded(server, FIRST)
    name = re.search(r"/(test_\d+)\?", url)
    assert name
    return name[1]


def loaded(server: str, dump: Path) -> str:
    """Return the URL of a new database with what a version left."""
    url = new_database(server, template="template0")
    with connect(url, name="tests") as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE finale_reader NOLOGIN;"
            " EXCEPTION WHEN duplicate_object THEN END $$"
        )
        connection.execute(gzip.decompress(dump.read_bytes()))
    return url


@pytest.fixture
def url(server: str, released: str) -> str:
    """URL of such a database, of this test alone."""
    return new_database(server, template=released)


def counted(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {}
    for (table,) in connection.execute(TABLES).fetchall():
        name = sql.Identifier(*str(table).split("."))
        row: Any = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
        counts[str(table)] = int(row[0])
    return counts


def test_the_data_of_the_version_before_stay(url: str, connection: Connection) -> None:
    before = counted(connection)
    assert all(before.values()), before  # every table has something to lose
    assert schema.current_version(connection) == schema.BASELINE

    assert schema.upgrade(url) == schema.HEAD

    schema.require_current(connection)
    follow_names(before)
    assert {table: counted(connection)[table] for table in before} == before


def test_the_warehouse_of_the_last_release_keeps_its_data_and_goes_on(server: str) -> None:
    url = loaded(server, LAST)
    with connect(url, name="tests") as connection:
        before = counted(connection)
        assert schema.current_version(connection) == "0025"
        schema.upgrade(url)
        after = counted(connection)
        before["ops.scan"] = before.pop("ops.walk")
        assert {table: after[table] for table in before} == before
        goes_on(url, connection)


def test_an_upgraded_database_is_made_like_a_new_one(
    url: str, empty_url: str, connection: Connection
) -> None:
    schema.upgrade(url)
    schema.upgrade(empty_url)

    with connect(empty_url, name="tests") as new:
        expected = catalog(new)
    upgraded = catalog(connection)
    for kind, parts in expected.items():
        assert sorted(upgraded[kind] ^ parts) == [], kind


def test_the_migrations_make_exactly_the_declared_tables(url: str) -> None:
    schema.upgrade(url)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "compare_server_default": True,
                "version_table": schema.VERSION_TABLE,
                "version_table_schema": "ops",
            },
        )
        assert compare_metadata(context, tables.metadata) == []


def test_lines_of_completed_orders_are_read_again_where_products_come_in_cases(
    url: str, connection: Connection
) -> None:
    """The version before stored 5 cases of 12 as 5 units; the order is completed since."""
    connection.execute(
        "UPDATE core.product SET packing = '12 cs 12/1' WHERE product_url IN"
        " (SELECT l.product_url FROM core.purchase_order_line l ORDER BY order_url LIMIT 1)"
    )
    row: Any = connection.execute(
        "SELECT o.order_url, o.order_id FROM core.purchase_order_line l"
        " JOIN core.purchase_order o USING (order_url) ORDER BY o.order_url LIMIT 1"
    ).fetchone()
    order_url, order_id = row
    connection.execute(
        "UPDATE core.purchase_order SET status = 'ORDER_COMPLETED' WHERE order_url = %s",
        (order_url,),
    )
    schema.upgrade(url)

    shape = load("cases")
    record = shape["records"].pop("/demo/api/order/PO-551")
    there = {"orderUrl": order_url, "orderId": order_id, "statusId": "ORDER_COMPLETED"}
    shape["records"][order_url] = record | there
    orders = shape["collections"]["order"]
    for name, value in there.items():
        orders[name][0] = value
    with ShapeServer(shape) as server:
        sync(settings_for(url, server, case_quantities="cases"), accept=True)
        lines = connection.execute(
            "SELECT quantity_units::float8, unit_price::float8, open_units::float8"
            " FROM core.purchase_order_line WHERE order_url = %s",
            (order_url,),
        ).fetchall()
    assert lines == [(60, 2.5, 0)]


def test_an_upgraded_database_goes_on(url: str, connection: Connection) -> None:
    schema.upgrade(url)
    goes_on(url, connection)


def goes_on(url: str, connection: Connection) -> None:
    """The account moved on by a day meanwhile; sync, alerts and plan work with what was there."""
    clock = Clock(frozen_at=datetime(2026, 3, 10, 13, 0, tzinfo=UTC))
    account: Account = invented_account(products=40, clock=Clock(frozen_at=NOW), years=0.15)
    account.clock.advance(seconds=(clock.now() - NOW).total_seconds())
    with SandboxServer(account, rate_limits=None) as sandbox:
        # The same account; only the sandbox's port is another.
        connection.execute("UPDATE ops.account SET base_url = %s", (sandbox.base_url,))
        settings = settings_for(url, sandbox)
        run = sync(settings)
        assert run.run_id == 3  # the next after those of the dump
        assert_mirrors(connection, account)
        now = account.clock.now()
        plan_day(connection, now.date(), settings, now=now)
    days = connection.execute("SELECT DISTINCT snapshot_on FROM plan.forecast ORDER BY 1")
    assert [day for (day,) in days.fetchall()] == [NOW.date(), now.date()]


def test_an_upgrade_that_is_killed_changes_nothing_and_can_be_repeated(
    url: str, server: str, connection: Connection, sandbox: SandboxServer
) -> None:
    """An analyst reads a view, so the upgrade waits in the middle; there it is killed."""
    before, made = counted(connection), catalog_of_the_version_before(connection)
    with connect(url, name="reader") as reader, reader.transaction():
        reader.execute("SELECT * FROM mart.vendor_scorecard")
        process = start(settings_for(url, sandbox), "db", "upgrade")
        with connect(server, name="tests") as watcher:
            while watcher.execute(WAITING).fetchone() == (0,):
                assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()

    assert schema.current_version(connection) == schema.BASELINE
    assert catalog_of_the_version_before(connection) == made
    assert schema.upgrade(url) == schema.HEAD
    follow_names(before)
    assert {table: counted(connection)[table] for table in before} == before


def follow_names(rows: dict[str, int]) -> None:
    """Name tables of 0.1.0 as they are named today; what one held may be in two."""
    rows["plan.demand"] = rows["plan.decision"] = rows.pop("plan.forecast")
    rows["ops.scan"] = rows.pop("ops.walk")
    del rows["plan.purchase_order_draft"]  # its sums are those of its lines


def catalog_of_the_version_before(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT attrelid::regclass::text, attname::text, col_description(attrelid, attnum)"
        " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE attnum > 0 AND relnamespace IN ('core'::regnamespace, 'plan'::regnamespace,"
        " 'ops'::regnamespace, 'mart'::regnamespace) ORDER BY 1, 2"
    ).fetchall()


OLD_STATE = """
UPDATE ops.sync_run SET status = 'failed', error_kind = 'LOCAL',
    error = 'The process ended without a word (killed, or the machine went down).'
WHERE run_id = 1;
UPDATE ops.purchase_order_write_event
SET detail = '1 lines, 7, text ab, request ' || repeat('c', 64)
WHERE event_id = 1;
INSERT INTO ops.outbox (message_id, dedupe_key, kind, recipients, subject, body_text, body_html,
                        state, next_attempt_at, created_at)
VALUES ('m1', 'restored:2026-03-08T07:00:00+00:00', 'restored', '{}', '', '', '',
        'sent', '2026-03-08T07:00Z', '2026-03-08T07:00Z'),
       ('m2', 'pipeline_silent:2026-03-09T10:00:00+00:00:daemon,syncs', 'pipeline_silent', '{}',
        '', '', '', 'sent', '2026-03-09T10:00Z', '2026-03-09T10:00Z');
"""


def test_what_texts_said_before_stands_in_columns(url: str, connection: Connection) -> None:
    connection.execute(OLD_STATE)

    schema.upgrade(url)

    def rows(query: LiteralString) -> list[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    assert rows("SELECT run_id FROM ops.sync_run WHERE error_kind = 'CRASHED'") == [(1,)]
    reference = "SELECT reference FROM ops.purchase_order_write_event WHERE event_id = 1"
    hashed = "SELECT reference FROM ops.purchase_order_write WHERE request_hash = repeat('c', 64)"
    assert rows(hashed) == rows(reference)
    restored = "SELECT restored_at FROM ops.account"
    assert rows(restored) == [(datetime(2026, 3, 8, 7, tzinfo=UTC),)]
    opened_at = datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert outages.open_one(connection) == Outage(opened_at, ("daemon", "syncs"))


def test_a_schema_from_before_the_migrations_is_refused(url: str, connection: Connection) -> None:
    connection.execute("UPDATE ops.schema_version SET version_num = '0011'")

    with pytest.raises(SchemaMismatch, match="upgrades from 0012 on"):
        schema.upgrade(url)
