"""`finale restore`: a backup becomes the warehouse, checked first; a failure changes nothing.

It is restored into a database beside the present one, which gives up its name at the very end.
"""

import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from finale_pipeline.backup import manifest, preconditions, quiesce
from finale_pipeline.backup.manifest import Manifest
from finale_pipeline.errors import ConfigError, LocalError, SchemaMismatch
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import clients, definitions, embedded, schema, swap
from finale_pipeline.warehouse.connect import (
    Connection,
    connect,
    dagster_url,
    data_folder,
    database_errors,
    prepare_dagster_database,
    running_server,
)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored.

    Attributes:
        rows: In all tables.
        version: Of the schema, after the upgrade.
        held_mails: Mails that waited in the backup and are not sent again.
        kept: Database with the state before; None = there was none, or it was deleted.
        roles: Roles that were created without a log-in, since the backup has rights for them.
    """

    file: str
    made_at: datetime
    account: str | None
    rows: int
    version: str
    held_mails: int
    kept: str | None
    roles: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"made_at": self.made_at.isoformat()}


def restore(
    settings: Settings,
    file: Path,
    *,
    replace: bool,
    with_dagster: bool,
    discard: bool,
    now: datetime,
    trust_foreign: bool = False,
) -> RestoreReport:
    """Make a backup the warehouse.

    Args:
        file: The backup; its manifest lies beside it.
        discard: Delete the state before at once, instead of keeping it beside.
        trust_foreign: Take one that this installation did not write, although it is code.

    Raises:
        ConfigError: Another account, a foreign backup, a newer schema, a warehouse with data.
        SkippedError: A sync runs.
        LocalError: The backup is damaged, or PostgreSQL failed; all is as it was.
    """
    key = manifest.key_of(settings.home)
    backup = manifest.read(file, key, trust_foreign=trust_foreign)
    preconditions.require_dagster(file, backup, with_dagster=with_dagster)
    if backup.version > schema.HEAD:
        raise SchemaMismatch(
            f"The backup's schema is {backup.version}, newer than this program's {schema.HEAD}.",
            step="Update this program first: git pull && make install",
        )
    with (
        running_server(settings) as url,
        preconditions.held(
            settings, url, backup, replace=replace, is_foreign=not backup.is_ours(key)
        ) as old,
    ):
        new, kept = swap.names(url, now=now)
        roles = _create_roles(old.connection, backup.roles)
        with swap.create_sibling_database(url, new) as new_url:
            if settings.database_url is None:
                embedded.close_to_readers(data_folder(settings), new)
            _fill(new_url, file, backup)
            version = schema.upgrade(new_url)
            with connect(new_url, name="finale restore") as connection:
                definitions.grant(connection)
                held_mails = quiesce.quiesce_restored(
                    connection, settings, backup.made_at, last_run=old.last_run, now=now
                )
            old.connection.close()  # with its locks: a sync may begin, and is ended by the swap
            swap.swap(url, new=new, previous=kept)
        if with_dagster:
            _restore_dagster(settings, manifest.dagster_file(file), now)
        kept_as = _keep(url, kept, is_empty=old.is_empty, discard=discard)
    rows = sum(backup.tables.values())
    return RestoreReport(
        str(file), backup.made_at, backup.account, rows, version, held_mails, kept_as, roles
    )


def _create_roles(connection: Connection, roles: list[str]) -> list[str]:
    """Create the roles that the backup has rights for, without a log-in."""
    missing = sorted({*roles} - {*connection.texts("SELECT rolname FROM pg_roles")})
    for role in missing:
        try:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"The backup has rights for roles that are missing here: {', '.join(missing)}.",
                data="Nothing was changed.",
                step=f'Run as an administrator: CREATE ROLE "{role}"; then run again.',
            ) from error
    return missing


def _fill(url: str, file: Path, backup: Manifest) -> None:
    """Restore into an empty database, and count what came."""
    _restore_file(url, file)
    with connect(url, name="finale restore") as connection, database_errors("checking the data"):
        connection.execute("SET statement_timeout = 0")
        connection.response_seconds = None
        # Counted is what came, by the catalogue's names: none of the manifest's goes into SQL.
        restored = manifest.rows(connection, connection.texts(manifest.TABLES))
        wrong = [
            f"{table}: {restored.get(table, 0):,} of {backup.tables.get(table, 0):,} rows"
            for table in sorted({*restored, *backup.tables})
            if restored.get(table) != backup.tables.get(table)
        ]
        if wrong or manifest.account_of(connection) != backup.account:
            raise LocalError(
                f"The backup did not come back whole: {'; '.join(wrong) or 'another account'}.",
                data="The warehouse is as it was.",
                step="Restore another backup.",
            )
        connection.execute("ANALYZE")


def _restore_file(url: str, file: Path) -> None:
    with connect(url, name="finale restore") as connection:
        server = manifest.server_of(connection)
    program = clients.tool("pg_restore", server=server)
    # Rights on PostgreSQL's own functions are an administrator's to give; we give ours afterwards.
    entries = clients.listed(program, file).splitlines()
    selected = [entry for entry in entries if " ACL pg_catalog " not in entry]
    with tempfile.TemporaryDirectory() as folder:
        contents = Path(folder) / "contents"
        contents.write_text("\n".join(selected), encoding="utf-8")
        arguments = [
            "--exit-on-error",
            "--no-owner",
            "--jobs=2",
            f"--use-list={contents}",
            str(file),
        ]
        clients.run(program, url, arguments, doing=f"to restore {file}")


def _restore_dagster(settings: Settings, file: Path, now: datetime) -> None:
    prepare_dagster_database(settings)
    url = dagster_url(settings).replace("postgresql+psycopg2://", "postgresql://", 1)
    new, kept = swap.names(url, now=now)
    with swap.create_sibling_database(url, new) as new_url:
        _restore_file(new_url, file)
        swap.swap(url, new=new, previous=kept)
    _keep(url, kept, is_empty=True, discard=True)


def _keep(url: str, kept: str, *, is_empty: bool, discard: bool) -> str | None:
    """Delete the state before where nobody misses it, else say its name."""
    if not is_empty and not discard:
        return kept
    with swap.maintenance(url) as server:
        swap.drop(server, kept)
    return None


def drop_kept(url: str, name: str) -> None:
    """Delete a state that an earlier restore kept, and nothing else.

    Raises:
        ConfigError: It is no such database.
    """
    base = swap.names(url, now=datetime.min.replace(tzinfo=UTC))[1].rpartition("_before_")[0]
    with swap.maintenance(url) as server:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
        there = server.texts(query, f"{base}_before_")
        if name not in there:
            raise ConfigError(
                f"A restore kept no database {name!r}.",
                data="Nothing was deleted.",
                step=f"There are: {', '.join(there) or 'none'}.",
            )
        swap.drop(server, name)


def shown(report: RestoreReport) -> str:
    """Return a report as lines to read."""
    lines = [
        f"Restored: the account {report.account or '(nothing synced yet)'} as it was"
        f" {report.made_at:%Y-%m-%d %H:%M} UTC, {report.rows:,} rows, schema {report.version}.",
    ]
    if report.held_mails:
        lines.append(
            f"{report.held_mails} mails waited in the backup and are not sent again; a mail lists"
            " them."
        )
    if report.roles:
        lines.append(f"Created without a log-in, for their rights: {', '.join(report.roles)}.")
    if report.kept:
        lines.append(
            f"The state before is kept as the database {report.kept}; delete it when you are sure:"
            f" finale db drop {report.kept}"
        )
    lines.append(
        "Next: restart the services if they run, then: finale sync full"
        " (until then no orders are drafted)"
    )
    return "\n".join(lines)
