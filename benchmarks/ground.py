"""Where contenders run: a PostgreSQL of their own, a simulated account, measured processes."""

import atexit
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.warehouse import embedded, schema

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent.parent
LAUNCH = Path(__file__).with_name("launch.py")
MEGABYTE = 1e6
HOME = Path(tempfile.mkdtemp(prefix="finale-bench"))
"""Where contenders write their mails; never the folder that `make run` uses."""
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
SPAN_DAYS = 365 * 3
"""Over so many days the sandbox spreads its products' stamps."""


class WrongResult(Exception):
    """A contender did something else than what was to be measured."""


def expect(is_true: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Stop the benchmark, with a message, unless something is true."""
    if not is_true:
        raise WrongResult(otherwise)


@dataclass(frozen=True)
class Measured:
    """One process that ended well.

    Attributes:
        seconds: From its start to its end, interpreter and imports included.
        cpu: Seconds of processor time, its own and the database server's.
        peak_mb: Its largest resident set, in 10^6 bytes.
        wal_mb: What the database server wrote to its log meanwhile, in 10^6 bytes.
        said: Last line of its output, when that is a JSON object.
    """

    seconds: float
    cpu: float
    peak_mb: float
    wal_mb: float
    said: dict[str, Any] = field(default_factory=dict)

    def written(self, table: str | None = None) -> int:
        """Return rows inserted, updated or removed, of one table or of all."""
        tables = self.said.get("tables", {})
        chosen = [tables[table]] if table else list(tables.values())
        return sum(c["inserted"] + c["updated"] + c["removed"] for c in chosen)


def cpu_with_children(first: int) -> float:
    """Return the seconds of processor time that a process and its children used so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = stat.read_text(encoding="utf-8").partition(" ")
            fields = rest.rpartition(")")[2].split()
            if int(pid) == first:
                ticks += sum(map(int, fields[11:15]))  # with those of its ended children
            elif int(fields[1]) == first:
                ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Database:
    """A PostgreSQL server of its own in a folder.

    Autovacuum is off, since it would work inside whichever measurement comes next; `settle` does
    its work between measurements.
    """

    def __init__(self, folder: Path) -> None:
        self._data = folder / "pg"
        self._numbers = itertools.count()
        embedded.start(self._data)
        self._owner = str(embedded.running_url(self._data, "postgres"))
        self._administer("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
        self.template = self.new("template0")
        schema.upgrade(self.url(self.template))

    def close(self) -> None:
        """Stop the server."""
        embedded.stop(self._data)

    def _administer(self, *statements: str) -> None:
        """Do what the owner of the databases may not."""
        self._run(*statements, url=embedded.administrator_url(self._data, "postgres"))

    def _run(self, *statements: str, url: str = "") -> Any:
        with psycopg.connect(url or self._owner, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return self._owner.replace("/postgres?", f"/{name}?")

    def new(self, template: str | None = None) -> str:
        """Create a database, with our tables unless told otherwise; return its name."""
        name = f"bench_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template or self.template}")
        return name

    def drop(self, *names: str) -> None:
        """Remove databases."""
        for name in names:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def settle(self, *names: str) -> None:
        """Do what is due from earlier work, so that it is not done inside the next measurement."""
        for name in names:
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
        self._administer("CHECKPOINT")

    def cpu(self) -> float:
        """Return the seconds of processor time that the server's processes used so far."""
        first = (self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        return cpu_with_children(int(first))

    def wal(self) -> int:
        """Return how many bytes of log were written so far."""
        return int(self._run("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")[0])

    def rows(self, name: str, table: str) -> int:
        """Return how many rows a table has."""
        with psycopg.connect(self.url(name)) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        return int(row[0]) if row else 0

    def contents(self, name: str, table: str) -> tuple[Any, ...]:
        """Return a table's live rows and the sum of their content, times of writing left out."""
        ours = "ARRAY['first_seen_at', 'changed_at']"
        query = (
            f"SELECT count(*), sum(hashtextextended((to_jsonb(t) - {ours})::text, 0)::numeric)"
            f" FROM {table} t"
        )
        with psycopg.connect(self.url(name)) as connection:
            return connection.execute(query.encode()).fetchone() or ()


@contextmanager
def database() -> Iterator[Database]:
    """Start a server in a folder of its own, and leave nothing behind."""
    # A short path for its socket, readable for the user it runs as.
    folder = Path(tempfile.mkdtemp(prefix="finale"))
    folder.chmod(0o755)
    opened = None
    try:
        opened = Database(folder)
        yield opened
    finally:
        if opened is not None:
            opened.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Sandbox:
    """A simulated account in a process of its own."""

    base_url: str

    def ask(self, what: str, **values: object) -> Any:
        """Use one of its controls, such as `edit` with `products`; return its answer."""
        request = urllib.request.Request(  # noqa: S310 - our own, on loopback
            f"{self.base_url}/sandbox/{what}", data=json.dumps(values).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310
            return json.load(response)["answer"]


@contextmanager
def sandbox(products: int, *, seed: int = 7, flags: Sequence[str] = ()) -> Iterator[Sandbox]:
    """Serve an account of so many products until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(BIN / "finale"), "sandbox", "--products", str(products), "--seed", str(seed),
        "--port", str(port), *flags,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean()) as process:
        try:
            if process.stdout is None or "serves" not in process.stdout.readline():
                raise WrongResult("the sandbox did not start")
            yield Sandbox(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def clean() -> dict[str, str]:
    """Return the environment without our settings and without what slows Python down."""
    dropped = ("FINALE_", "PYTHONDONTWRITEBYTECODE")
    return {k: v for k, v in os.environ.items() if not k.startswith(dropped)}


def environment(account: Sandbox, url: str, **changes: object) -> dict[str, str]:
    """Return what makes a process sync an account into a database.

    The budgets are out of the way unless `changes` bring them back: what is measured is the work.
    """
    since = datetime.now(UTC).date() - timedelta(days=SPAN_DAYS + 1)
    values = {
        "base_url": account.base_url, "account": "demo", "api_key": KEY, "api_secret": SECRET,
        "database_url": url, "since": since, "get_per_minute": 100_000,
        "collections_per_hour": 100_000, "home": HOME,
    } | changes  # fmt: skip
    return clean() | {f"FINALE_{name.upper()}": str(value) for name, value in values.items()}


def measure(command: Sequence[str], env: Mapping[str, str], server: Database) -> Measured:
    """Run a command to its end.

    Raises:
        WrongResult: It failed; with what it said.
    """
    launch = [sys.executable, "-I", "-S", str(LAUNCH)]
    with tempfile.TemporaryFile("w+") as out, tempfile.NamedTemporaryFile("r") as told:
        wal, cpu = server.wal(), server.cpu()
        subprocess.run(
            [*launch, told.name, *command],
            env=env, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, check=True,
        )  # fmt: skip
        time.sleep(0.3)  # until the server has counted what the process's session used
        used = json.load(told)
        cpu = server.cpu() - cpu + used["cpu"]
        wal = server.wal() - wal
        out.seek(0)
        lines = out.read().splitlines()
    if used["code"]:
        raise WrongResult("\n".join([f"{command[:4]} failed:", *lines[-20:]]))
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    peak = used["peak"] / MEGABYTE
    return Measured(used["seconds"], cpu, peak, wal / MEGABYTE, said)
