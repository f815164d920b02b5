"""Brings a database to this program's schema, and refuses any other."""

from typing import TYPE_CHECKING

from finale_pipeline.errors import SchemaMismatch

if TYPE_CHECKING:
    from pathlib import Path

    from alembic.config import Config
    from psycopg import Connection
    from sqlalchemy.engine import Connection as Bind

VERSION_TABLE = "schema_version"
HEAD = "0012"
"""The newest migration; a test compares it with the files."""

UPGRADE_LOCK = 7_281_001
"""Advisory lock: two programs started together upgrade one after the other."""


def current_version(connection: "Connection[tuple[object, ...]]") -> str | None:
    """Return the schema's version, or None for a database that is not ours yet."""
    exists = connection.execute("SELECT to_regclass(%s)", (f"ops.{VERSION_TABLE}",)).fetchone()
    if exists is None or exists[0] is None:
        return None
    row = connection.execute(f"SELECT version_num FROM ops.{VERSION_TABLE}").fetchone()
    return str(row[0]) if row else None


def require_current(connection: "Connection[tuple[object, ...]]") -> None:
    """Refuse to work on any schema but this program's.

    Raises:
        SchemaMismatch: The schema is missing, older or newer; the message has the command to run.
    """
    version = current_version(connection)
    if version == HEAD:
        return
    if version is None:
        raise SchemaMismatch(
            "The database has no tables of ours yet.", step="Run: finale db upgrade"
        )
    if version < HEAD:
        raise SchemaMismatch(
            f"The database's schema is {version}, older than this program's {HEAD}.",
            step="Run: finale db upgrade",
        )
    raise SchemaMismatch(
        f"The database's schema is {version}, newer than this program's {HEAD}.",
        step="Start the program that made it, or update this one: git pull && make run",
    )


def alembic_config() -> "Config":
    """Return Alembic's configuration, without any file."""
    from alembic.config import Config  # noqa: PLC0415 - only upgrades pay for it

    config = Config()
    config.set_main_option("script_location", "finale_pipeline:warehouse/migrations")
    config.set_main_option("path_separator", "os")
    return config


def run_script(bind: "Bind", migration: "Path") -> None:
    """Run the SQL file that stands beside a migration, in the migration's transaction.

    Args:
        bind: The migration's connection.
        migration: Its Python file; the script has the same name and ends in `.sql`.
    """
    script = migration.with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own call: without parameters a percent sign is just a percent sign.
    bind.connection.driver_connection.execute(script)  # type: ignore[union-attr]


def upgrade(url: str) -> str:
    """Apply the missing migrations, all in one transaction.

    Args:
        url: The database, as `postgresql://…`.

    Returns:
        The version reached.

    Raises:
        SchemaMismatch: The database is newer than this program.
    """
    from alembic import command  # noqa: PLC0415 - only upgrades pay for it
    from sqlalchemy import create_engine, text  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        _refuse_newer(connection.connection.driver_connection)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    return HEAD


def _refuse_newer(connection: object) -> None:
    from psycopg import Connection  # noqa: PLC0415

    if isinstance(connection, Connection):
        version = current_version(connection)
        if version is not None and version > HEAD:
            require_current(connection)
