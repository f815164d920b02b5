from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.warehouse import schema, tables
from finale_pipeline.warehouse.connect import Connection, connect


def test_the_migrations_make_exactly_the_declared_tables(url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "version_table": schema.VERSION_TABLE,
                "version_table_schema": "ops",
            },
        )
        assert compare_metadata(context, tables.metadata) == []


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
    assert Path(schema.__file__).is_file()
