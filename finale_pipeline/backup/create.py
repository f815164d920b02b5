"""`finale backup`: the warehouse as one file, checked, with a manifest; old ones are deleted."""

import fcntl
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from finale_pipeline.backup import manifest
from finale_pipeline.backup.manifest import Manifest
from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import clients, schema
from finale_pipeline.warehouse.connect import (
    connect,
    dagster_url,
    database_errors,
    prepare_dagster_database,
    running_server,
)

log = logging.getLogger(__name__)

FOLDER = "backups"
NAMED = "finale_*.dump"
LAST = "last_backup"
"""File in HOME with the time of the last backup, for the doctor."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was backed up."""

    file: Path
    bytes: int
    manifest: Manifest
    deleted: list[Path]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "file": str(self.file),
            "bytes": self.bytes,
            "account": self.manifest.account,
            "schema": self.manifest.version,
            "made_at": self.manifest.made_at.isoformat(),
            "rows": sum(self.manifest.tables.values()),
            "with_dagster": self.manifest.dagster_sha256 is not None,
            "deleted": [str(path) for path in self.deleted],
        }


def backup(
    settings: Settings,
    target: Path | None,
    *,
    with_dagster: bool,
    keep: int | None,
    now: datetime,
) -> BackupReport:
    """Write a backup; the file appears when it is whole and was read again.

    Args:
        target: File or folder; None = `backups` in HOME.
        with_dagster: Dagster's own database too, beside it.
        keep: So many backups stay in the folder; None = all.

    Raises:
        ConfigError: There is nothing to back up, or the target does not fit.
        LocalError: The disk or the database failed; no file was left.
    """
    file = _file(settings, target, keep, now)
    _sweep(file.parent)
    with running_server(settings) as url:
        part = file.with_name(f".{file.name}.part")
        dagster_part = file.with_name(f".{file.name}.dagster.part")
        try:
            written = _dump(url, part, now)
            if with_dagster:
                prepare_dagster_database(settings)  # where Dagster never ran it is empty
                _dump_dagster(dagster_url(settings), dagster_part)
                written = replace(written, dagster_sha256=manifest.sha256(dagster_part))
                dagster_part.replace(manifest.dagster_file(file))
            manifest.write(file, written, _key(settings))
            part.replace(file)
            with suppress(OSError):  # a home that takes no files; the doctor then asks for one
                write_whole(settings.home / LAST, now.isoformat())
        finally:
            part.unlink(missing_ok=True)
            dagster_part.unlink(missing_ok=True)
    return BackupReport(file, file.stat().st_size, written, _delete_old(file.parent, keep))


def _key(settings: Settings) -> bytes | None:
    """Return the key that seals backups; None = this home takes no file, so none can be kept."""
    try:
        return manifest.key_of(settings.home)
    except OSError as error:
        log.warning("the backup is not sealed, its restore needs --trust-foreign: %s", error)
        return None


def _file(settings: Settings, target: Path | None, keep: int | None, now: datetime) -> Path:
    folder = settings.home / FOLDER if target is None else target
    is_file = target is not None and not target.is_dir() and target.suffix != ""
    if is_file and keep is not None:
        raise ConfigError(
            f"--keep needs a folder, and {target} is a file.",
            step="Name a folder: the file gets the time as its name.",
        )
    try:
        (folder.parent if is_file else folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(f"{folder} cannot be made", error) from error
    return folder if is_file else folder / f"finale_{now:%Y-%m-%d_%H%M%S}.dump"


def _unwritable(what: str, error: OSError) -> LocalError:
    return LocalError(
        f"{what}: {error.strerror}.",
        data="Nothing was written.",
        step="Choose another place: finale backup FOLDER",
    )


def _dump(url: str, part: Path, now: datetime) -> Manifest:
    """Dump what one moment shows, and count the rows of the same moment."""
    with connect(url, name="finale backup") as connection, database_errors("backing up"):
        version = schema.current_version(connection)
        if version is None:
            raise ConfigError("The database has no tables of ours yet.", step="finale db upgrade")
        server = manifest.server_of(connection)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.response_seconds = None
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            snapshot = connection.scalar(str, "SELECT pg_export_snapshot()")
            tables = manifest.rows(connection, connection.texts(manifest.TABLES))
            roles = connection.texts(manifest.ROLES)
            account = manifest.account_of(connection)
            _run_dump(url, server, part, "--no-unlogged-table-data", f"--snapshot={snapshot}")
    listed = clients.listed(clients.tool("pg_restore", server=server), part)
    missing = [t for t in tables if f"TABLE DATA {t.replace('.', ' ')} " not in listed]
    if missing:
        raise LocalError(
            f"The backup lacks {', '.join(missing)}.",
            data="No file was left.",
            step="May the user in FINALE_DATABASE_URL read all tables? Then run again.",
        )
    return Manifest(now, account, version, server, tables, roles, manifest.sha256(part))


def _dump_dagster(url: str, part: Path) -> None:
    url = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    with connect(url, name="finale backup") as connection:
        server = manifest.server_of(connection)
    _run_dump(url, server, part)


def _run_dump(url: str, server: int, part: Path, *options: str) -> None:
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # shows that we live, however we die
    except OSError as error:
        raise _unwritable(f"{part.parent} takes no files", error) from error
    try:
        arguments = ["--format=custom", f"--file={part}", *options]
        program = clients.tool("pg_dump", server=server)
        clients.run(program, url, arguments, doing="to dump the data")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Delete what backups left behind that were killed: parts that no process holds any more."""
    for part in (*folder.glob(f".{NAMED}.part"), *folder.glob(f".{NAMED}.dagster.part")):
        with suppress(OSError), part.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)


def _delete_old(folder: Path, keep: int | None) -> list[Path]:
    """Delete all but the newest backups that carry a time as their name."""
    if keep is None:
        return []
    old = sorted(folder.glob(NAMED), reverse=True)[keep:]
    for file in old:
        for path in (file, manifest.dagster_file(file), manifest.path_of(file)):
            path.unlink(missing_ok=True)
    return old


def newest(settings: Settings) -> datetime | None:
    """Return when the last backup was made, UTC, wherever it lies; None = none ever was."""
    try:
        return datetime.fromisoformat((settings.home / LAST).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


def shown(report: BackupReport) -> str:
    """Return a report as lines to read."""
    written = report.manifest
    lines = [
        f"{report.file} ({report.bytes / 1e6:.1f} MB, readable by you only): the account"
        f" {written.account or '(nothing synced yet)'}, {sum(written.tables.values()):,} rows in"
        f" {len(written.tables)} tables, schema {written.version}. It was read again and is whole.",
        *(f"deleted {path}" for path in report.deleted),
        f"Keep a copy on another machine, with {manifest.path_of(report.file).name} beside it."
        " Restore: finale restore FILE",
    ]
    return "\n".join(lines)
