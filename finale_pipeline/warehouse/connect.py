"""Connections: which database, with which time limits, and what its failures mean."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row, dict_row

from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.warehouse import embedded, environment, pooling

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings


T = TypeVar("T")
Row = dict[str, Any]
"""A row by the names of its columns."""


def trusted(statement: str) -> LiteralString:
    """Mark a statement that is built from our own names, and from nothing else, as safe to run.

    For psycopg's own methods; those of `Connection` take no others. Values are always bound.
    """
    return statement


def columns_of(kind: type[Any]) -> str:
    """Return what a class has fields of, as SQL lists columns."""
    return ", ".join(field.name for field in fields(kind))


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose rows are tuples as the statement has them, or what is asked for.

    Statements are as for `trusted`; `values` are bound to their `%s`, or `named` to `%(name)s`.

    Attributes:
        response_seconds: After which a server that says nothing is given up; None = never. A frozen
            one answers neither with a result nor with an error, whatever its own limits.
    """

    response_seconds: float | None = 16 * 60.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server; after `response_seconds` close, with an OperationalError."""
        limit = self.response_seconds if timeout is None else timeout
        started = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except psycopg.Error:
            if timeout is None and limit is not None and time.monotonic() - started >= limit:
                self.pgconn.finish()
                message = f"the server said nothing for {limit:.0f} s"
                raise psycopg.OperationalError(message) from None
            raise

    def execute(
        self, query: Any, params: Any = None, **options: Any
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Carry out a statement as psycopg does, which by its types wants a literal."""
        return super().execute(query, params, **options)

    def rows(self, query: str, *values: object, **named: object) -> list[Row]:
        """Return a statement's rows by column."""
        with self.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(trusted(query), named or values).fetchall()

    def row(self, query: str, *values: object, **named: object) -> Row | None:
        """Return a statement's first row by column; None where it has none."""
        return next(iter(self.rows(query, *values, **named)), None)

    def objects(self, kind: type[T], query: str, *values: object, **named: object) -> list[T]:
        """Return a statement's rows as objects of a class with fields of the columns' names."""
        with self.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(trusted(query), named or values).fetchall()

    def one(self, kind: type[T], query: str, *values: object, **named: object) -> T | None:
        """Return a statement's first row as `objects` does; None where it has none."""
        return next(iter(self.objects(kind, query, *values, **named)), None)

    def only_row(self, query: str, *values: object, **named: object) -> tuple[Any, ...]:
        """Return the row of a statement that always has one."""
        (row,) = self.execute(query, named or values).fetchall()
        return row

    def mapping(self, query: str, *values: object, **named: object) -> dict[Any, Any]:
        """Return the first column of a statement's rows → the second."""
        return dict(self.execute(query, named or values).fetchall())

    def texts(self, query: str, *values: object, **named: object) -> list[str]:
        """Return the first column of a statement's rows, as texts."""
        return [str(row[0]) for row in self.execute(query, named or values)]

    def scalar(self, kind: type[T], query: str, *values: object, **named: object) -> T | None:
        """Return the first column of the first row, of such a kind; None where null, or no row."""
        row = self.execute(query, named or values).fetchone()
        if row is None or row[0] is None:
            return None
        if not isinstance(row[0], kind):
            raise TypeError(f"{row[0]!r} is no {kind.__name__}: {query}")
        return row[0]

    def count(self, query: str, *values: object, **named: object) -> int:
        """Return what a statement counts."""
        return self.scalar(int, query, *values, **named) or 0

    def is_true(self, query: str, *values: object, **named: object) -> bool:
        """Return whether a statement's first value is true, or above 0."""
        row = self.execute(query, named or values).fetchone()
        return bool(row and row[0])


DAGSTER_SUFFIX = "_dagster"

SESSION = {
    # What our statements and their results rely on, whatever the role, the database or the
    # server are set to.
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "search_path": "public",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "transform_null_equals": "off",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    # How long is waited for whom.
    "statement_timeout": "15min",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "15min",
}


def data_folder(settings: "Settings") -> Path:
    """Return where the embedded server keeps its data."""
    return (settings.home / "postgres").resolve()


def database_url(settings: "Settings") -> str:
    """Return the warehouse's URL; starts the embedded server when none is configured.

    Raises:
        ConfigError: The configured URL is not a `postgresql://` one.
        LocalError: The embedded server did not start.
    """
    if settings.database_url is None:
        return embedded.start(data_folder(settings), port=settings.database_port)
    url = settings.database_url.get_secret_value()
    for scheme in ("postgres://", "postgresql+psycopg://"):
        url = url.replace(scheme, "postgresql://", 1)
    if not url.startswith("postgresql://"):
        raise ConfigError("FINALE_DATABASE_URL must begin with postgresql://.", step="Correct it.")
    return url


def running_url(settings: "Settings") -> str:
    """Return the warehouse's URL, for who only looks: a look must not start the server.

    Raises:
        ConfigError: The configured URL is not a `postgresql://` one, or nothing was set up yet.
        LocalError: The embedded server does not run.
    """
    if settings.database_url is not None:
        return database_url(settings)
    data = data_folder(settings)
    url = embedded.running_url(data)
    if url is None and not (data / "PG_VERSION").exists():
        raise ConfigError(
            f"Nothing was set up here: {settings.home} has no database.",
            step="With a simulated account: finale dev; with your own: finale init",
        )
    if url is None:
        raise LocalError(
            "The embedded database is not running.",
            data="Its data are safe on disk.",
            step="`finale dev` starts it; as a service: systemctl start finale-database",
        )
    return url


@contextmanager
def running_server(settings: "Settings") -> Iterator[str]:
    """Yield the warehouse's URL; an embedded server that was started for it is stopped again."""
    data = data_folder(settings)
    is_ours = settings.database_url is None and embedded.running_url(data) is None
    try:
        yield database_url(settings)
    finally:
        if is_ours:
            embedded.stop(data)


def dagster_url(settings: "Settings") -> str:
    """Return the URL of Dagster's own database, for psycopg 2.

    With psycopg 3 Dagster's event log fails on NOTIFY, so the driver is named in the URL.
    """
    if settings.dagster_database_url is not None:
        url = settings.dagster_database_url.get_secret_value()
    else:
        parts = urlsplit(database_url(settings))
        url = urlunsplit(parts._replace(path=parts.path + DAGSTER_SUFFIX))
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def prepare_dagster_database(settings: "Settings") -> None:
    """Create Dagster's database where it is missing; a ConfigError has the command for who may."""
    if settings.dagster_database_url is not None or settings.database_url is None:
        return  # named by its owner; or created with the embedded server
    name = urlsplit(dagster_url(settings)).path.lstrip("/")
    with connect(database_url(settings), name="finale dev") as connection:
        existing = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        if existing.fetchone() is not None:  # a row without columns is false
            return
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"The database {name}, for Dagster's own records, is missing.",
                step=f'Run as an administrator: CREATE DATABASE "{name}"; or set'
                " FINALE_DAGSTER_DATABASE_URL.",
            ) from error


def shown_url(url: str) -> str:
    """Return a database's URL as it may be shown: user, host, port, name, and nothing else.

    >>> shown_url("postgresql://me:s3cret@db:5433/finale?password=x&sslpassword=y")
    'postgresql://me@db:5433/finale'
    >>> shown_url("postgresql:// not one")
    'postgresql://…'
    """
    try:
        parameters = conninfo_to_dict(url.replace("postgresql+psycopg2://", "postgresql://", 1))
    except psycopg.ProgrammingError:
        return "postgresql://…"
    user = f"{parameters['user']}@" if parameters.get("user") else ""
    port = f":{parameters['port']}" if parameters.get("port") else ""
    host = quote(str(parameters.get("host", "")), safe=",")
    return f"postgresql://{user}{host}{port}/{parameters.get('dbname', '')}"


def connection_options(name: str, **session: str) -> dict[str, Any]:
    """Return how our connections are made: with time limits, and committing by themselves."""
    environment.forget()
    options = SESSION | session
    return {
        "autocommit": True,
        "connect_timeout": 10,
        "client_encoding": "UTF8",
        "application_name": name,
        "options": " ".join(f"-c {key}={_escaped(value)}" for key, value in options.items()),
        # A frozen server or a dead network ends the wait within a minute: without these a
        # query waits for ever, whatever the statement's own limit is.
        "keepalives_idle": 20,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace(" ", r"\ ")


def connect(url: str, *, name: str, autocommit: bool = True, **session: str) -> Connection:
    """Open a connection with our settings and time limits.

    A server that starts, stops, or has no connection left is asked again for some seconds.

    Args:
        session: Settings of the session, before ours.

    Raises:
        ConfigError: The server refuses the user, or the database does not exist; or a pooler
            stands between, and does not keep a session together.
        LocalError: The server does not answer, or has no connection left.
    """
    options = connection_options(name, **session) | {"autocommit": autocommit}
    gives_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection = Connection.connect(url, **options)
            break
        except psycopg.OperationalError as error:
            is_passing = any(text in str(error) for text in PASSING)
            if not is_passing or time.monotonic() > gives_up_at:
                raise _connection_error(error, url) from error
            time.sleep(0.5)
        except (psycopg.ProgrammingError, ValueError) as error:
            raise ConfigError("FINALE_DATABASE_URL cannot be read.", step="Correct it.") from error
    another = partial(Connection.connect, url, **options)
    pooling.require_session(connection, another, SESSION | session, shown_url(url))
    return connection


BUSY_SECONDS = 10.0
"""So long a server that cannot take a connection just now is asked again."""
FULL = ("too many clients", "remaining connection slots", "too many connections for")
PASSING = (*FULL, "is starting up", "is shutting down", "in recovery mode")
REFUSED = (
    "authentication failed", "does not exist", "no pg_hba.conf", "permission denied",
    "no password supplied", "certificate", "SSL", "is not permitted to log in", "invalid ",
)  # fmt: skip
CUT = ("unexpected eof", "SSL SYSCALL error", "SSL connection has been closed")
"""A handshake that ends so says nothing of trust; libpq has only texts to tell it by."""


def _connection_error(error: psycopg.OperationalError, url: str) -> ConfigError | LocalError:
    message = " ".join(str(error).split())
    if "startup parameter" in message:
        return pooling.refused(shown_url(url))
    is_cut = any(text in message for text in CUT)
    if not is_cut and any(text in message for text in REFUSED):
        return ConfigError(
            f"The database {shown_url(url)} refuses us: {message}.",
            step="Correct FINALE_DATABASE_URL, or create what it names.",
        )
    if any(text in message for text in FULL):
        return LocalError(
            f"The database {shown_url(url)} has no connection left: {message}.",
            data="Nothing was read and nothing was changed.",
            step="Close some, or raise max_connections (or the user's CONNECTION LIMIT); then run"
            " again.",
        )
    return LocalError(
        f"The database {shown_url(url)} does not answer: {message}.",
        data="Nothing was read and nothing was changed.",
        step="Does it run, and is its address right? Then run again.",
    )


@contextmanager
def database_errors(doing: str) -> Iterator[None]:
    """Turn the driver's errors into ours, with the cause named.

    Args:
        doing: What was under way, such as `writing core.product`.

    Raises:
        LocalError: The disk is full, the connection was lost, a limit was passed.
        ConfigError: A right is missing, or the database takes no writes.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _named(error, doing) from error


def _named(error: psycopg.Error, doing: str) -> ConfigError | LocalError:
    message = " ".join(str(error).split())
    state = error.sqlstate or ""
    if state == "42501":
        return ConfigError(
            f"The database refuses {doing}: {message}.",
            data="The open transaction was rolled back.",
            step="Grant that right to the user in FINALE_DATABASE_URL.",
        )
    if state == "25006":
        return ConfigError(
            f"The database takes no writes while {doing}: {message}.",
            data="The open transaction was rolled back.",
            step="Point FINALE_DATABASE_URL at the primary server, or turn off"
            " default_transaction_read_only of the user and the database.",
        )
    failure, step = _local_cause(state)
    return LocalError(f"{failure} while {doing}: {message}.", step=step)


def _local_cause(state: str) -> tuple[str, str]:
    again = "Run again; it goes on from the checkpoint."
    causes = {
        "53100": ("The database's disk is full", "Free space there, then run again."),
        "53200": ("The database is out of memory", again),
        "53300": ("The database has no connection left", "Close some, then run again."),
        "55P03": ("Another session holds a lock", again),
        "57014": ("A statement took longer than its limit, or was cancelled", again),
        "40P01": ("The database broke a deadlock", again),
        "22023": ("The database refuses a value", "Report it, with this message."),
    }
    if state in causes:
        return causes[state]
    if state.startswith(("08", "57P")) or not state:
        return ("The connection to the database was lost", again)
    return (f"The database failed ({state})", "Look at the message, then run again.")


def in_any_case(text: str) -> str:
    r"""Return a regular expression that finds a text in whatever case, by any locale's server.

    >>> in_any_case("É.")
    '(É|é)(\\.)'
    """
    cases = (sorted({c, c.lower()[:1], c.upper()[:1]}) for c in text)
    return "".join(f"({'|'.join(re.escape(case) for case in same)})" for same in cases)
