"""What stands beside a backup: whose data they are, of which schema, how many rows, which bytes."""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
from psycopg import sql

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.settings import keys
from finale_pipeline.warehouse import accounts
from finale_pipeline.warehouse.connect import Connection

KEY_FILE = "backup.key"
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
        server: Major version of the server.
        tables: Rows per table.
        roles: Roles that have rights on some of it.
        dagster_sha256: Of the file with Dagster's own database; None = there is none.
        seal: Of all the others, made with this installation's key; empty = none was made.
    """

    made_at: datetime
    account: str | None
    version: str
    server: int
    tables: dict[str, int]
    roles: list[str]
    sha256: str
    dagster_sha256: str | None = None
    seal: str = ""

    def sealed(self, key: bytes) -> "Manifest":
        """Return it with its seal."""
        return replace(self, seal=self._seal(key))

    def is_ours(self, key: bytes) -> bool:
        """Whether whoever has the key wrote it, and nobody changed it since."""
        return hmac.compare_digest(self._seal(key), self.seal)

    def _seal(self, key: bytes) -> str:
        values = asdict(replace(self, seal=""))
        text = json.dumps(values, default=datetime.isoformat, sort_keys=True)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def key_of(home: Path) -> bytes:
    """Return the key with which backups of this installation are sealed.

    Raises:
        ConfigError: The file holds no key.
    """
    step = f"Delete {home / KEY_FILE}: older backups then need --trust-foreign."
    return keys.key_of(home / KEY_FILE, step=step)


def path_of(file: Path) -> Path:
    """Return where a backup's manifest is."""
    return file.with_name(f"{file.name}.json")


def dagster_file(file: Path) -> Path:
    """Return where Dagster's own database is, beside a backup."""
    return file.with_name(f"{file.name}.dagster")


def write(file: Path, manifest: Manifest, key: bytes | None) -> None:
    """Write a backup's manifest, whole or not at all."""
    text = json.dumps(
        asdict(manifest.sealed(key) if key else manifest), default=datetime.isoformat, indent=1
    )
    write_whole(path_of(file), text + "\n")


def read(file: Path, key: bytes, *, trust_foreign: bool) -> Manifest:
    """Return a backup's manifest.

    Args:
        trust_foreign: Whether one that was not sealed with that key is taken.

    Raises:
        ConfigError: The backup or its manifest is not there, or is not of this installation.
        LocalError: The manifest cannot be read, or the backup's bytes are not those it names.
    """
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
    if not manifest.is_ours(key) and not trust_foreign:
        raise ConfigError(
            f"{file} was not written by this installation, or was changed since. A backup is code:"
            " what it holds runs in your database, with all rights of its user.",
            data="Nothing was changed.",
            step="If you know who wrote it and how it came here: add --trust-foreign. To prove it"
            f" instead, copy {KEY_FILE} from the FINALE_HOME that wrote it.",
        )
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
    """Count the rows of tables; their names are of the database's own catalogue."""
    counts = {}
    for table in tables:
        name = sql.Identifier(*table.split(".", 1))
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
        counts[table] = int(row[0]) if row else 0
    return counts


def account_of(connection: Connection) -> str | None:
    """Return whose data a warehouse holds; None while it holds nothing."""
    owner = accounts.owner(connection)
    return owner.account_name if owner else None


def server_of(connection: Connection) -> int:
    """Return the server's major version."""
    return connection.info.server_version // 10_000
