"""Whether a backup may become the warehouse here, and the hold on the one that it replaces."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from finale_pipeline.backup import manifest
from finale_pipeline.backup.manifest import Manifest
from finale_pipeline.errors import ConfigError, LocalError, SkippedError
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import leases, order_writes, schema
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.reads import health as reads
from finale_pipeline.warehouse.reads import runs


def require_dagster(file: Path, backup: Manifest, *, with_dagster: bool) -> None:
    """Refuse where Dagster's own database is wanted and not there as it was written."""
    if not with_dagster:
        return
    if backup.dagster_sha256 is None:
        raise ConfigError(
            "This backup was made without Dagster's own database.",
            step="Leave --with-dagster out: its records begin anew, the data are complete.",
        )
    there = manifest.dagster_file(file)
    if not there.is_file() or manifest.sha256(there) != backup.dagster_sha256:
        raise LocalError(
            f"{there} is missing, or not as it was written.",
            data="Nothing was changed.",
            step="Copy it again, or leave --with-dagster out.",
        )


@dataclass(frozen=True, slots=True)
class Old:
    """The warehouse that is to be replaced.

    Attributes:
        connection: Holds it against syncs while it is open.
        is_empty: Whether nothing was ever synced.
        last_run: Number of its newest run; 0 = none.
    """

    connection: Connection
    is_empty: bool
    last_run: int


@contextmanager
def held(
    settings: Settings, url: str, backup: Manifest, *, replace: bool, is_foreign: bool = False
) -> Iterator[Old]:
    """Hold the present warehouse against syncs and drafting; refuse to replace it where needed."""
    with connect(url, name="finale restore") as connection:
        if is_foreign:
            _refuse_as_administrator(connection)
        server = manifest.server_of(connection)
        if server < backup.server:
            raise ConfigError(
                f"The backup is of PostgreSQL {backup.server}, and this server is {server}.",
                data="Nothing was changed.",
                step=f"Use a server of version {backup.server} or newer.",
            )
        is_empty, account = _contents(connection)
        _refuse_another_account(settings, account, backup)
        if not is_empty:
            _lock(connection)
        if not is_empty and not replace:
            raise ConfigError(
                f"The warehouse holds data of the account {account or '(not read yet)'}.",
                data="Nothing was changed.",
                step="To replace them, which keeps them beside: finale restore FILE --replace",
            )
        last = None if is_empty else runs.newest_id(connection)
        with order_writes.only_drafter(connection):  # an order under way would be forgotten
            yield Old(connection, is_empty, last or 0)


def _contents(connection: Connection) -> tuple[bool, str | None]:
    """Return whether a warehouse is empty, and whose data it holds."""
    if schema.current_version(connection) is None:
        if connection.count(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%'"
            " AND n.nspname <> 'information_schema'"
        ):
            raise ConfigError(
                "FINALE_DATABASE_URL names a database with tables that are not ours.",
                data="Nothing was changed.",
                step="Name a database of its own.",
            )
        return True, None
    account = manifest.account_of(connection)
    return account is None and runs.newest_id(connection) is None, account


def _refuse_as_administrator(connection: Connection) -> None:
    """A backup is code: it runs with all rights of the user who restores it."""
    if reads.is_administrator(connection):
        raise ConfigError(
            "The backup is foreign, and the user in FINALE_DATABASE_URL is an administrator"
            " (SUPERUSER): what is hidden in it could run programs on the server.",
            data="Nothing was changed.",
            step="Name a user without SUPERUSER, who may create databases; then run again.",
        )


def _refuse_another_account(settings: Settings, present: str | None, backup: Manifest) -> None:
    for whose, account in (("warehouse holds", present), ("settings name", settings.account)):
        if account is not None and backup.account is not None and account != backup.account:
            raise ConfigError(
                f"The backup is of the account {backup.account}, and the {whose} {account}.",
                data="Nothing was changed.",
                step="Use a database of its own for each account: another FINALE_DATABASE_URL or,"
                " with the embedded server, another FINALE_HOME.",
            )


def _lock(connection: Connection) -> None:
    """Take all table sets, so that no sync runs or begins."""
    try:
        for table_set in leases.TABLE_SETS:
            leases.lock(connection, table_set)
    except SkippedError as error:
        raise SkippedError(f"A sync runs. {error.what}") from None
