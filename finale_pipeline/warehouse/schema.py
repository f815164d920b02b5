"""Brings a database to this program's schema, and refuses any other.

A new database is made from what is declared: tables in `tables/`, views and functions in
`definitions/`. An older one gets there by the migrations in `migrations/versions/`; views and
functions are then created anew where their text changed.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from finale_pipeline.errors import SchemaMismatch
from finale_pipeline.warehouse import definitions, locks
from finale_pipeline.warehouse.locks import Lock

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection as Bind

    from finale_pipeline.warehouse.connect import Connection

VERSION_TABLE = "schema_version"
MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def revisions(folder: Path = MIGRATIONS) -> list[str]:
    """Return the migrations' numbers in order; a file's name begins with its number.

    Raises:
        RuntimeError: A number is given twice, or left out.
    """
    files = sorted(path.name for path in folder.glob("[0-9]*.py"))
    numbers = [name[:4] for name in files]
    if numbers != [f"{int(numbers[0]) + i:04}" for i in range(len(numbers))]:
        raise RuntimeError(
            f"Migrations are numbered without gap or repetition: {', '.join(files)}."
            " Rename the one that is not on main yet: git mv"
        )
    return numbers


BASELINE, *_ = _REVISIONS = revisions()
"""The oldest schema that migrations start from."""

HEAD = _REVISIONS[-1]
"""The schema of this program."""


def numbered(file: str) -> tuple[str, str | None]:
    """Return a migration's own number and the one before it, both by the name of its file."""
    number = Path(file).name[:4]
    return number, None if number == BASELINE else f"{int(number) - 1:04}"


def current_version(connection: "Connection") -> str | None:
    """Return the schema's version, or None for a database that is not ours yet."""
    if not connection.is_true("SELECT to_regclass(%s) IS NOT NULL", f"ops.{VERSION_TABLE}"):
        return None
    return connection.scalar(str, f"SELECT version_num FROM ops.{VERSION_TABLE}")


def require_current(connection: "Connection") -> None:
    """Refuse to work on any schema but this program's.

    Raises:
        SchemaMismatch: The schema is missing, older or newer, or its views are not this program's;
            the message has the command to run.
    """
    _refuse_encoding(connection)
    version = current_version(connection)
    if version is None:
        raise SchemaMismatch(
            "The database has no tables of ours yet.", step="Run: finale db upgrade"
        )
    if version < HEAD:
        raise SchemaMismatch(
            f"The database's schema is {version}, older than this program's {HEAD}.",
            step="Run: finale db upgrade",
        )
    _refuse_newer(version)
    if not definitions.are_current(connection):
        raise SchemaMismatch(
            "The database's views are not those of this program.", step="Run: finale db upgrade"
        )


def _refuse_encoding(connection: "Connection") -> None:
    """Refuse a database that cannot hold every name; the server told its encoding as we came."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise SchemaMismatch(
            f"The database's encoding is {encoding}: it cannot hold every name.",
            step="Create one with ENCODING 'UTF8' TEMPLATE template0, and name it in"
            " FINALE_DATABASE_URL.",
        )


def prepare(url: str) -> None:
    """Make the tables of a database that has none of ours, else refuse as require_current."""
    from finale_pipeline.warehouse.connect import connect

    with connect(url, name="finale") as connection:
        if current_version(connection) is not None:
            require_current(connection)
            return
    upgrade(url)


def _refuse_newer(version: str) -> None:
    if version > HEAD:
        raise SchemaMismatch(
            f"The database's schema is {version}, newer than this program's {HEAD}.",
            step="Start the program that made it, or update this one: git pull && make run",
        )


def alembic_config() -> "Config":
    """Return Alembic's configuration, without any file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "finale_pipeline:warehouse/migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(url: str) -> str:
    """Create the schema or apply the missing migrations in one transaction; return the version.

    Raises:
        SchemaMismatch: The database is newer than this program, or older than its migrations.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    from finale_pipeline.warehouse.connect import connect, database_errors

    def opened() -> "Connection":
        # A migration may take as long as it takes; for others' locks it waits as all do.
        opened_connection = connect(
            url, name="finale db upgrade", autocommit=False, statement_timeout="0"
        )
        opened_connection.response_seconds = None
        return opened_connection

    engine = create_engine("postgresql+psycopg://", creator=opened, poolclass=NullPool)
    with database_errors("the schema was made or upgraded"):
        try:
            with engine.begin() as bind:
                _upgrade(bind)
        except DBAPIError as error:
            raise error.orig or error from error
        finally:
            engine.dispose()
    return HEAD


def _upgrade(bind: "Bind") -> None:
    connection = driver_connection(bind)
    _refuse_encoding(connection)
    locks.acquire_until_commit(connection, Lock.UPGRADE)
    version = current_version(connection)
    if version is not None:
        _refuse_newer(version)
        if version < BASELINE:
            raise SchemaMismatch(
                f"The database's schema is {version}; this program upgrades from {BASELINE} on.",
                data="Nothing was changed.",
                step="Upgrade it with version 0.1.0 first, then with this one.",
            )
    grants = definitions.grants(connection)
    _migrate(bind, is_new=version is None)
    definitions.apply(connection, grants=grants)


def _migrate(bind: "Bind", *, is_new: bool) -> None:
    from alembic import command
    from sqlalchemy.schema import CreateSchema

    from finale_pipeline.warehouse.tables import metadata

    config = alembic_config()
    config.attributes["connection"] = bind
    if not is_new:
        command.upgrade(config, "head")
        return
    for name in definitions.SCHEMAS:
        bind.execute(CreateSchema(name, if_not_exists=True))
    metadata.create_all(bind, checkfirst=False)
    command.stamp(config, "head")


def driver_connection(bind: "Bind") -> "Connection":
    """Return psycopg's connection of SQLAlchemy's, in the same transaction."""
    connection: Connection = bind.connection.driver_connection  # type: ignore[assignment]
    return connection
