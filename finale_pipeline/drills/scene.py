"""Where a drill is played: a database of its own, a simulated account, a clock that is moved."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from finale_pipeline.errors import PipelineError
from finale_pipeline.finale.source_time import NEAR
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import MAIL_SERVICE, Settings, setting_name
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import Connection, connect, trusted

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
"""When drills begin, by the account's clock and by ours."""
PRODUCTS = 120
COMMAND_SECONDS = 120
_numbers = itertools.count(1)


class NotSurvived(Exception):
    """What must hold does not."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a sync or a command ended: its exit code, what it complained of, what it printed."""

    code: int
    complaint: str
    out: str = ""

    @property
    def json(self) -> Any:
        """Its last line as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass
class Scene:
    """One drill's installation.

    Attributes:
        url: Its database, at the newest schema.
        sandbox: Serves the account; its faults are set here.
        now: Our own clock, which the account's clock does not follow.
        settings: Of everything that is started here.
    """

    home: Path
    url: str
    account: Account
    sandbox: SandboxServer
    now: datetime = NOW
    settings: Settings = field(init=False)
    _open: list[Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.set()

    def set(self, **changes: object) -> None:
        """Change settings, such as `timezone="Europe/Berlin"`."""
        values = {
            "base_url": self.sandbox.base_url,
            "account": "demo",
            "api_key": KEY,
            "api_secret": SECRET,
            "database_url": self.url,
            "home": self.home,
            "since": date(2025, 10, 1),
            "get_per_minute": 100_000,
            "collections_per_hour": 100_000,
        }
        before = self.settings.model_dump(exclude_unset=True) if hasattr(self, "settings") else {}
        self.settings = Settings.model_validate(values | before | changes)

    def clock(self) -> datetime:
        """Return our own time, UTC."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, for us and for the account; nobody waits for it."""
        self.pass_time(timedelta(seconds=seconds))

    def pass_time(self, span: timedelta) -> None:
        """Move both clocks."""
        self.now += span
        self.account.clock.advance(seconds=span.total_seconds())

    def run(self, strategy: str, **options: Any) -> AbstractContextManager[SyncRun]:
        """Open a sync in this installation; options are those of `open_sync`.

        The source's clock is believed while it is near our own, as a real account's is.
        """
        options |= {"clock": self.clock, "sleep": self.sleep, "near": NEAR}
        return open_sync(self.settings, strategy=strategy, trigger="drill", **options)

    def sync(self, strategy: str = "full", *, asked: bool = False, plans: bool = False) -> Result:
        """Carry out a sync as every door does; return what `finale sync` would end with.

        Args:
            asked: Whether it is needless when another one began after this moment.
            plans: Whether to plan the day, too.
        """
        asked_at = self.now if asked else None
        try:
            with self.run(strategy, table_sets=TABLE_SETS[strategy], asked_at=asked_at) as run:
                carry_out(run)
                if plans:
                    plan_today(run)
        except PipelineError as error:
            return Result(error.exit_code, f"{error.what} {error.data} {error.step}")
        return Result(0, "")

    def command(self, *arguments: str, **changes: str) -> Result:
        """Run `finale` as a process of its own, with these settings and further variables."""
        ran = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "finale_pipeline.cli", *arguments],
            env=self.environment() | changes,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Result(ran.returncode, ran.stderr, ran.stdout)

    def environment(self) -> dict[str, str]:
        """Return the variables that give a process these settings."""
        ours = ("FINALE_", *MAIL_SERVICE)
        variables = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        for name, value in self.settings.model_dump(exclude_unset=True).items():
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            variables[setting_name(name)] = ",".join(text) if isinstance(text, tuple) else str(text)
        return variables

    @property
    def connection(self) -> Connection:
        """A connection to the warehouse; it is closed when the drill ends."""
        if not self._open or self._open[-1].closed:
            self._open.append(connect(self.url, name="finale drill"))
        return self._open[-1]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        cursor = self.connection.execute(trusted(query), values)
        return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Return the one value that a query finds."""
        return self.rows(query, *values)[0][0]

    def close(self) -> None:
        """Close what was opened."""
        for connection in self._open:
            connection.close()


def expect(holds: object, what: str) -> None:
    """Raise `NotSurvived` unless something holds."""
    if not holds:
        raise NotSurvived(what)


def expect_end(result: Result, code: int = 0, *, what: str = "it") -> None:
    """Raise `NotSurvived` unless a sync or a command ended with an exit code."""
    expect(result.code == code, f"{what} ended with {result.code}: {result.complaint}")


@dataclass(frozen=True, slots=True)
class Stage:
    """A server of PostgreSQL on which scenes are set, each with a copy of an empty warehouse.

    Attributes:
        server: URL of the server, at its maintenance database.
        template: Name of a database at the newest schema.
    """

    home: Path
    server: str
    template: str

    @contextmanager
    def scene(self, products: int = PRODUCTS) -> Iterator[Scene]:
        """Set a scene with an account of so many products, and clear it away."""
        name = f"drill_{os.getpid()}_{next(_numbers)}"
        home = self.home / name
        home.mkdir(mode=0o700)
        with connect(self.server, name="finale drill") as connection:
            connection.execute(trusted(f"CREATE DATABASE {name} TEMPLATE {self.template}"))
        url = self.server.replace("/postgres?", f"/{name}?")
        account = invented_account(
            products=products, clock=Clock(frozen_at=NOW), years=0.4, sales_days=30
        )
        try:
            with (
                SandboxServer(account, rate_limits=None) as sandbox,
                closing(Scene(home, url, account, sandbox)) as scene,
            ):
                yield scene
        finally:
            with connect(self.server, name="finale drill") as connection:
                connection.execute(trusted(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@contextmanager
def scratch() -> Iterator[Stage]:
    """Start a server of our own in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="finale-drill") as name:
        home = Path(name)
        home.chmod(0o711)  # PostgreSQL may run as another user, and passes here
        data = home / "postgres"
        url = embedded.start(data)
        try:
            schema.upgrade(url)
            yield Stage(home, str(embedded.running_url(data, "postgres")), embedded.WAREHOUSE)
        finally:
            embedded.stop(data)
