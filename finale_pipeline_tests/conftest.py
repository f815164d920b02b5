"""A real PostgreSQL for the tests: one server, a database of its own for each test."""

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import hypothesis
import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.listening import HttpService
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse import embedded, schema
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.processes import environment


def _in_memory() -> str | None:
    """A folder in memory, where there is room: a database has 700 files, and each test gets one."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    has_room = shared.is_dir() and shutil.disk_usage(shared).free > 8 * 10**9
    return str(shared) if has_room and os.access(shared, os.W_OK) else None


NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
HOME = Path(tempfile.mkdtemp(prefix="finale-tests", dir=_in_memory()))
"""Where tests write; never the folder that `make run` uses."""
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# The accounts of most tests live in March 2026, whenever the tests run.
os.environ["FINALE_PARTITIONS_SINCE"] = "2025-10-01"
_numbers = itertools.count()
# A busy machine is no failure: what must be fast is measured by benchmarks.
hypothesis.settings.register_profile("finale", deadline=None)
hypothesis.settings.load_profile("finale")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have the tests in a folder of this run: under root every other run closes pytest's own."""
    if not config.option.basetemp:
        config.option.basetemp = str(HOME / "run")


@pytest.fixture(autouse=True)
def _umask_stays() -> Iterator[None]:
    """Commands close what they make to others, for the rest of their process: here the tests'."""
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture(scope="session", autouse=True)
def passable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the user that PostgreSQL runs as, under root, come to the tests' folders."""
    folder = tmp_path_factory.getbasetemp()
    shared = {HOME.parent, Path(tempfile.gettempdir()), Path("/")}
    while os.geteuid() == 0 and folder not in shared:
        folder.chmod(folder.stat().st_mode | 0o011)
        folder = folder.parent


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Pytest's, which the user that PostgreSQL runs as, under root, may pass."""
    tmp_path.chmod(tmp_path.stat().st_mode | 0o011)
    return tmp_path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of the tests' server, at its maintenance database."""
    # Not pytest's own folder: the server's socket wants a short path, and its user a readable one.
    folder = Path(tempfile.mkdtemp(prefix="finale", dir=_in_memory()))
    folder.chmod(0o755)
    embedded.start(folder / "pg")
    url = str(embedded.running_url(folder / "pg", "postgres"))
    administrator = embedded.administrator_url(folder / "pg", "postgres")
    with connect(administrator, name="tests") as connection:
        # Its data need not outlive the machine. A database of its own for each test is then a
        # matter of milliseconds, and what a killed server loses is the same: nothing. No test lasts
        # until its tables want a vacuum; with hundreds of databases the launcher would start a
        # process several times a second to find that out.
        for name in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield url
    finally:
        embedded.stop(folder / "pg")
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str, *, template: str) -> str:
    """Create a database and return its URL."""
    name = f"test_{next(_numbers)}"
    with connect(server, name="tests") as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return server.replace("/postgres?", f"/{name}?")


def name_of(url: str) -> str:
    """Return the name of the database that a URL names."""
    return url.partition("?")[0].rpartition("/")[2]


def drop_database(server: str, url: str) -> None:
    """Drop a test's database, whoever is still connected to it."""
    name = name_of(url)
    with connect(server, name="tests") as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    """URL of a database with nothing in it."""
    url = new_database(server, template="template0")
    yield url
    drop_database(server, url)


@pytest.fixture(scope="session")
def upgraded(server: str) -> str:
    """Name of a database at the newest schema, to copy from."""
    url = new_database(server, template="template0")
    schema.upgrade(url)
    name = name_of(url)
    data = Path(parse_qs(urlsplit(url).query)["host"][0])
    embedded.close_to_readers(data, name)  # as `start` does with the databases that it makes
    return name


@pytest.fixture(scope="session")
def synced(server: str, upgraded: str) -> str:
    """Name of a database as `finale sync full` of the small account leaves it, to copy from."""
    url = new_database(server, template=upgraded)
    with SandboxServer(small_account(), rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox)
        with open_sync(
            settings, strategy="full", trigger="test", table_sets=TABLE_SETS["full"]
        ) as run:
            carry_out(run)
            plan_today(run)
    return name_of(url)


@pytest.fixture
def url(request: pytest.FixtureRequest, server: str) -> Iterator[str]:
    """URL of a database at the newest schema, of this test alone; `synced` ones have data."""
    is_synced = request.node.get_closest_marker("synced")
    template = request.getfixturevalue("synced" if is_synced else "upgraded")
    url = new_database(server, template=template)
    yield url
    drop_database(server, url)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A connection to that database."""
    with connect(url, name="tests") as opened:
        yield opened


def small_account() -> Account:
    """Return a small account whose clock stands still until it is moved; always the same."""
    return invented_account(products=400, clock=Clock(frozen_at=NOW), years=0.4)


@pytest.fixture
def account() -> Account:
    """The small account."""
    return small_account()


@pytest.fixture
def sandbox(account: Account) -> Iterator[SandboxServer]:
    """That account over HTTP, without request limits."""
    with SandboxServer(account, rate_limits=None) as server:
        yield server


@pytest.fixture
def settings(url: str, sandbox: SandboxServer) -> Settings:
    """Settings that sync the small account into this test's database."""
    return settings_for(url, sandbox)


def settings_for(url: str, sandbox: HttpService, **changes: object) -> Settings:
    """Return settings for a database and a sandbox."""
    values = {
        "base_url": sandbox.base_url,
        "account": "demo",
        "api_key": "sandbox-key",
        "api_secret": "sandbox-secret",
        "database_url": url,
        "since": date(2025, 10, 1),
        "get_per_minute": 100_000,
        "collections_per_hour": 100_000,
        "home": HOME,
    }
    return Settings.model_validate(values | changes)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of Dagster that forgets."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `finale dev` gives to the processes that run assets."""
    for name, value in environment(settings).items():
        if name.startswith("FINALE_"):
            monkeypatch.setenv(name, value)
