"""The user that people's tools log in as: reads the promised views, and nothing else."""

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse.connect import connect

USER = "finale_analyst"
ROLE = "finale_reader"
LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "10min",
}
"""What holds for whoever logs in; a role's own settings are not inherited."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a tool logs in.

    Attributes:
        host: Where the server is; a path where it has only a socket.
        password: Shown this once; the server keeps only its hash. None = not known.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = None

    @property
    def has_port(self) -> bool:
        """Whether tools that know no sockets can connect."""
        return not self.host.startswith("/")

    @property
    def url(self) -> str:
        """The address, without the password."""
        if self.has_port:
            return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"
        host = quote(self.host, safe="")
        return f"postgresql://{self.user}@/{self.database}?host={host}&port={self.port}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"url": self.url}


def reader_of(url: str, *, loopback_port: int | None) -> Reader:
    """Return how the reader logs in, without a password."""
    parameters = conninfo_to_dict(url)
    host, port = str(parameters.get("host") or "localhost"), int(parameters.get("port") or 5432)
    if loopback_port is not None and host.startswith("/"):
        host, port = "127.0.0.1", loopback_port
    return Reader(host, port, str(parameters["dbname"]), USER)


def create_reader(url: str, *, loopback_port: int | None) -> Reader:
    """Create the reader, or give it a new password; a ConfigError has what who may is to run."""
    password = secrets.token_urlsafe(24)
    user, role = sql.Identifier(USER), sql.Identifier(ROLE)
    with connect(url, name="finale db reader") as connection:
        existing = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (USER,)).fetchone()
        verb = sql.SQL("CREATE" if existing is None else "ALTER")
        try:
            with connection.transaction():
                statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(verb, user, sql.Literal(password)))
                connection.execute(sql.SQL("GRANT {} TO {}").format(role, user))
                setting = sql.SQL("ALTER ROLE {} SET {} = {}")
                for name, value in LIMITS.items():
                    connection.execute(
                        setting.format(user, sql.Identifier(name), sql.Literal(value))
                    )
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"The database's user may not make the user {USER}.",
                step=f"Run as an administrator: CREATE ROLE {USER} LOGIN PASSWORD '…'"
                f" IN ROLE {ROLE};",
            ) from error
    reader = reader_of(url, loopback_port=loopback_port)
    return replace(reader, password=password)
