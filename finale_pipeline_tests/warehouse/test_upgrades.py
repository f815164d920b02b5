"""B16: from every released schema, with data in every table, the present one is reached."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg import sql
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect

RELEASED = [f"{number:04}" for number in range(1, int(schema.HEAD))]
VALUES = {
    "text": "x", "date": "2026-03-09", "timestamp with time zone": "2026-03-09T12:00Z",
    "boolean": True, "jsonb": "{}", "ARRAY": "{}", "bytea": b"x",
}  # fmt: skip
COLUMNS = (
    "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_type = 'BASE TABLE' AND table_schema IN ('core', 'plan', 'ops')"
    " AND table_name <> 'schema_version' AND is_generated = 'NEVER'"
    " AND is_identity = 'NO' AND coalesce(column_default, '') NOT LIKE 'nextval%'"
    " ORDER BY 1, 2, ordinal_position"
)


def upgrade_to(url: str, version: str) -> None:
    """Bring an empty database to an older schema, as the program of then did."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def fill(connection: Connection) -> dict[str, int]:
    """Write a row into every table, and return how many each has."""
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for there, table, column, kind in connection.execute(COLUMNS).fetchall():
        columns.setdefault((str(there), str(table)), []).append((str(column), str(kind)))
    connection.execute("SET session_replication_role = replica")  # whatever refers to what
    for (there, table), names in columns.items():
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(there, table),
            sql.SQL(", ").join(sql.Identifier(name) for name, _ in names),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )
        connection.execute(statement, [VALUES.get(kind, 1) for _, kind in names])
    connection.execute("SET session_replication_role = DEFAULT")
    return counted(connection, [f"{there}.{table}" for there, table in columns])


def counted(connection: Connection, tables: list[str]) -> dict[str, int]:
    return dict(_counts(connection, tables))


def _counts(connection: Connection, tables: list[str]) -> Iterator[tuple[str, int]]:
    for table in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
        row: Any = connection.execute(query).fetchone()
        yield table, int(row[0])


@pytest.mark.parametrize("version", RELEASED)
def test_the_data_of_a_released_schema_stay(empty_url: str, version: str) -> None:
    upgrade_to(empty_url, version)
    with connect(empty_url, name="t") as connection:
        before = fill(connection)
        assert before
        assert schema.upgrade(empty_url) == schema.HEAD
        schema.require_current(connection)
        assert counted(connection, list(before)) == before


def test_an_upgrade_that_breaks_off_changes_nothing_and_can_be_repeated(empty_url: str) -> None:
    """All missing migrations are one transaction; the last of them fails here, after six."""
    upgrade_to(empty_url, "0001")
    with connect(empty_url, name="t") as connection:
        before = fill(connection)
        connection.execute("CREATE TABLE plan.forecast_by_location ()")
        with pytest.raises(Exception, match="forecast_by_location") as raised:
            schema.upgrade(empty_url)
        assert isinstance(raised.value.__cause__ or raised.value, psycopg.Error)
        assert schema.current_version(connection) == "0001"
        assert connection.execute("SELECT to_regclass('ops.outbox')").fetchone() == (None,)
        connection.execute("DROP TABLE plan.forecast_by_location")
        assert schema.upgrade(empty_url) == schema.HEAD
        assert counted(connection, list(before)) == before
