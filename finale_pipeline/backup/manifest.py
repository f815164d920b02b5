"""What stands beside a backup: whose data they are, of which schema, how many rows, which bytes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.warehouse import accounts
from finale_pipeline.warehouse.connect import Connection, trusted

TABLES = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence = 'p'"
    " AND n.nspname IN ('core', 'plan', 'ops', 'mart') ORDER BY 1"
)
ROLES = (
    "SELECT DISTINCT r.rolname::text FROM (SELECT relacl AS acl FROM pg_class"
    " UNION ALL SELECT nspacl FROM pg_namespace UNION ALL SELECT defaclacl FROM pg_default_acl"
    " UNION ALL SELECT proacl FROM pg_proc) a CROSS JOIN LATERAL aclexplode(a.acl) x"
    " JOIN pg_roles r ON r.oid = x.grantee WHERE r.rolname NOT LIKE 'pg\\_%%'"
    " AND r.rolname <> current_user AND NOT r.rolsuper ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a backup.

    Attributes:
        made_at: UTC.
        account: Whose data; None = nothing was synced yet.
        version: Of the schema.
        server: Major version of the server.
        tables: Rows per table.
        roles: Roles that have rights on some of it.
        sha256: Of the file.
        dagster_sha256: Of the file with Dagster's own database; None = there is none.
    """

    made_at: datetime
    account: str | None
    version: str
    server: int
    tables: dict[str, int]
    roles: list[str]
    sha256: str
    dagster_sha256: str | None = None


def path_of(file: Path) -> Path:
    """Return where a backup's manifest is."""
    return file.with_name(f"{file.name}.json")


def dagster_file(file: Path) -> Path:
    """Return where Dagster's own database is, beside a backup."""
    return file.with_name(f"{file.name}.dagster")


def write(file: Path, manifest: Manifest) -> None:
    """Write a backup's manifest, whole or not at all."""
    text = json.dumps(asdict(manifest), default=datetime.isoformat, indent=1)
    write_whole(path_of(file), text + "\n")


def read(file: Path) -> Manifest:
    """Return a backup's manifest.

    Raises:
        ConfigError: The backup or its manifest is not there.
        LocalError: The manifest cannot be read, or the backup's bytes are not those it names.
    """
    import msgspec  # noqa: PLC0415 - only here

    for path in (file, path_of(file)):
        if not path.is_file():
            raise ConfigError(
                f"There is no {path}.",
                step="Name the .dump file of a backup; its .dump.json must lie beside it.",
            )
    try:
        manifest = msgspec.json.decode(path_of(file).read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise _damaged(path_of(file)) from error
    if sha256(file) != manifest.sha256:
        raise _damaged(file)
    return manifest


def _damaged(path: Path) -> LocalError:
    return LocalError(
        f"{path} is not as it was written: cut, changed, or of another backup.",
        data="Nothing was changed.",
        step="Copy both files again, or take another backup.",
    )


def sha256(file: Path) -> str:
    """Return the digest of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def rows(connection: Connection, tables: list[str]) -> dict[str, int]:
    """Count the rows of tables."""
    return {
        table: cast("tuple[int]", connection.execute(f"SELECT count(*) FROM {table}").fetchone())[0]  # noqa: S608 - of the catalogue
        for table in tables
    }


def named(connection: Connection, query: str) -> list[str]:
    """Return the first column of a query."""
    return [str(row[0]) for row in connection.execute(trusted(query)).fetchall()]


def account_of(connection: Connection) -> str | None:
    """Return whose data a warehouse holds; None while it holds nothing."""
    owner = accounts.owner(connection)
    return owner.account_name if owner else None


def server_of(connection: Connection) -> int:
    """Return the server's major version."""
    return connection.info.server_version // 10_000
