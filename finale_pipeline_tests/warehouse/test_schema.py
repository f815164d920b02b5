from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.warehouse import definitions, schema, tables
from finale_pipeline.warehouse.connect import Connection, connect


def test_two_migrations_of_one_number_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("0012_baseline.py", "0013_units.py", "0013_alerts.py"):
        (tmp_path / name).touch()

    with pytest.raises(RuntimeError, match=r"0013_alerts\.py, 0013_units\.py.* git mv"):
        schema.revisions(tmp_path)


def test_the_known_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_current_head() == schema.HEAD


def test_every_table_and_column_says_what_it_means() -> None:
    for table in tables.metadata.tables.values():
        assert table.comment
        assert all(column.comment for column in table.columns), table.name


def test_upgrading_twice_changes_nothing(url: str, connection: Connection) -> None:
    assert schema.upgrade(url) == schema.HEAD
    schema.require_current(connection)


def test_a_database_without_tables_is_refused_with_the_command(empty_url: str) -> None:
    with (
        connect(empty_url, name="t") as connection,
        pytest.raises(SchemaMismatch, match="finale db upgrade"),
    ):
        schema.require_current(connection)


@pytest.mark.parametrize(("version", "said"), [("0000", "older"), ("9999", "newer")])
def test_another_schema_is_refused(connection: Connection, version: str, said: str) -> None:
    connection.execute("UPDATE ops.schema_version SET version_num = %s", (version,))

    with pytest.raises(SchemaMismatch, match=said):
        schema.require_current(connection)


def test_a_newer_schema_is_never_touched(url: str, connection: Connection) -> None:
    connection.execute("UPDATE ops.schema_version SET version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="newer"):
        schema.upgrade(url)


def columns(connection: Connection, view: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " ORDER BY attnum",
        (view,),
    ).fetchall()
    return [str(name) for (name,) in rows]


OTHER_VIEW = """
DROP VIEW mart.dead_stock;
DROP VIEW mart.stock_now;
CREATE VIEW mart.stock_now AS SELECT sku AS code, on_hand_units::text, product_url FROM mart.stock;
CREATE VIEW mart.dead_stock AS SELECT code FROM mart.stock_now;
UPDATE ops.schema_version SET definitions = 'of the version before';
"""


@pytest.fixture
def clerk(connection: Connection) -> Iterator[str]:
    """A role of the server that an administrator made."""
    connection.execute("CREATE ROLE clerk NOLOGIN")
    yield "clerk"
    connection.execute("REVOKE ALL ON mart.stock_now FROM clerk")
    connection.execute("DROP ROLE clerk")


def test_a_view_of_other_columns_is_made_anew_with_what_reads_it_and_who_may_see_it(
    url: str, connection: Connection, clerk: str
) -> None:
    before = [columns(connection, view) for view in ("mart.stock_now", "mart.dead_stock")]
    connection.execute(OTHER_VIEW)
    connection.execute(f"GRANT SELECT ON mart.stock_now TO {clerk}".encode())
    with pytest.raises(SchemaMismatch, match="views are not those"):
        schema.require_current(connection)

    schema.upgrade(url)

    schema.require_current(connection)
    after = [columns(connection, view) for view in ("mart.stock_now", "mart.dead_stock")]
    assert after == before
    allowed = "SELECT has_table_privilege(%s, 'mart.stock_now', 'SELECT')"
    for role in (clerk, "finale_reader"):
        assert connection.execute(allowed, (role,)).fetchone() == (True,)


def test_a_view_of_somebody_else_is_never_dropped(url: str, connection: Connection) -> None:
    connection.execute(OTHER_VIEW)
    connection.execute("CREATE VIEW public.mine AS SELECT code FROM mart.stock_now")

    with pytest.raises(SchemaMismatch, match=r"mine reads it.*DROP VIEW mine"):
        schema.upgrade(url)

    assert columns(connection, "public.mine") == ["code"]
    assert columns(connection, "mart.stock_now") == ["code", "on_hand_units", "product_url"]


def test_a_column_of_a_view_says_what_the_column_says_that_it_passes_on(
    connection: Connection,
) -> None:
    """Two views deep, without a comment in either file."""
    for name in ("mart.stock_now", "mart.stock"):
        assert f"{name}.position_units" not in definitions.files()[name]
    row = connection.execute(
        "SELECT col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = 'mart.stock_now'::regclass AND attname = 'position_units'"
    ).fetchone()
    assert row == ("Available plus on order, in units.",)


def test_a_comment_that_a_view_no_longer_inherits_is_forgotten(
    url: str, connection: Connection
) -> None:
    connection.execute("COMMENT ON COLUMN mart.product.main_vendor_currency IS 'Outdated.'")
    connection.execute("COMMENT ON COLUMN core.product.name IS 'Outdated.'")
    connection.execute("UPDATE ops.schema_version SET definitions = 'of the version before'")

    schema.upgrade(url)

    outdated = connection.execute("SELECT FROM pg_description WHERE description = 'Outdated.'")
    assert outdated.fetchall() == []
