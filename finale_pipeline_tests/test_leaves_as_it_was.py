"""Whatever goes wrong: the warehouse stays as it was, and the command says why.

Each case syncs once, breaks one thing, runs the command again, and compares every row. Then the
thing is mended and the next sync is good.
"""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from finale_pipeline import cli
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.session import open_sync
from finale_pipeline.warehouse import embedded
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.conftest import new_database
from finale_pipeline_tests.processes import environment
from finale_pipeline_tests.proxy import CutWire
from finale_pipeline_tests.sync.helpers import (
    assert_ledger_is_closed,
    assert_mirrors,
    contents,
    let_the_pause_pass,
)

pytestmark = pytest.mark.synced

Broken = Iterator[dict[str, str]]
"""A thing that is broken while it is open; yields settings to break the command with."""


@dataclass
class Scene:
    """What a breaker may touch: the settings in use, and the database's own URL."""

    settings: Settings
    url: str


@pytest.fixture
def finale(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command; gives its exit code and what it complained of."""

    def run(strategy: str, **changes: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            for name, value in environment(settings, **changes).items():
                patch.setenv(name, value)
            patch.setattr("random.uniform", lambda *_: 0.0)  # the pauses between attempts
            code = cli.main(["sync", strategy])
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def scene(settings: Settings, url: str) -> Scene:
    """What this test's breaker may touch."""
    return Scene(settings, url)


FAULTS = [
    # what is broken, of which feed, exit code, what happened, what it means for the data
    ("wrong key", "revoke", "inventory", 4, "401", "Nothing of it was used"),
    ("path without slash", "no-slash@inventoryitem", "inventory", 4, "knows no", "Nothing"),
    ("429 for an hour", "throttle-reset=3600", "full", 5, "Run again after", "stays"),
    ("truncated body", "truncate@inventoryitem", "inventory", 6, "in the middle", "last good"),
    ("source down", "status=503@product", "full", 6, "503", "last good"),
    ("HTML with 200", "html@product", "full", 4, "page of HTML", "Nothing"),
    ("{} for stock", "empty-object@inventoryitem", "inventory", 7, "no rows at all", "as it was"),
    ("half of the stock", "half@inventoryitem", "inventory", 7, "20 % fewer", "as it was"),
    ("no place", "missing-place@inventoryitem", "inventory", 7, "10001 has no stock", "as it was"),
    ("all stock zero", "zero-stock@inventoryitem", "inventory", 7, "has stock any", "as it was"),
    ("column gone", "drop-column=statusId@product", "full", 7, "statusId", "last good data stay"),
    ("key gone", "drop-column=productUrl@inventoryitem", "inventory", 7, "productUrl", "last good"),
    ("short column", "short-column=productId@product", "full", 7, "only 200 values", "refused"),
    ("NaN", "nan=quantityOnHand@inventoryitem", "inventory", 7, "cannot be read", "refused"),
    ("NaN in a cost", "nan=cost@product", "full", 7, "cannot be read", "refused"),
    ("a key twice", "duplicate-rows@inventoryitem", "inventory", 7, "share their key", "refused"),
    ("a product twice", "duplicate-rows@product", "full", 7, "unreadable", "as it was before"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[row[0] for row in FAULTS])
def test_a_sick_source_leaves_the_warehouse_as_it_was(
    fault: tuple[str, str, str, int, str, str],
    finale: Callable[..., tuple[int, str]],
    sandbox: SandboxServer,
    account: Account,
    connection: Connection,
) -> None:
    _, kind, strategy, code, happened, meaning = fault
    before = contents(connection)
    account.clock.advance(seconds=60)
    account.edit_products(30)  # so that there is something to write
    sandbox.add_fault(kind)
    ended, complaint = finale(strategy)
    assert contents(connection) == before
    assert (ended, happened in complaint, meaning in complaint) == (code, True, True), complaint
    assert_ledger_is_closed(connection)
    sandbox.clear_faults()
    let_the_pause_pass(connection)
    assert finale("full") == (0, "")
    assert_mirrors(connection, account)


@contextmanager
def _another_account(_: Scene) -> Broken:
    yield {"FINALE_ACCOUNT": "other"}


@contextmanager
def _wrong_secret(_: Scene) -> Broken:
    yield {"FINALE_API_SECRET": "mistyped"}


@contextmanager
def _connection_cut(scene: Scene) -> Broken:
    with CutWire(scene.url, b"COPY stage_core_product ", after=50_000) as wire:
        yield {"FINALE_DATABASE_URL": wire.url}
        assert wire.cuts >= 1


@contextmanager
def _another_sync(scene: Scene) -> Broken:
    locks = ["catalogue", "stock"]
    with open_sync(scene.settings, strategy="full", trigger="test", table_sets=locks):
        yield {}


@contextmanager
def _full_disk(scene: Scene) -> Broken:
    """Put the products on a disk of one megabyte and fill what is left of it."""
    data = parse_qs(urlsplit(scene.url).query)["host"][0]
    disk = Path(data).parent / f"disk_{urlsplit(scene.url).path.lstrip('/')}"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0777", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("DISK FULL NOT TRIED: mounting a small tmpfs needs root and the right to mount")
    name = disk.name
    as_administrator = embedded.administrator_url(Path(data), urlsplit(scene.url).path.lstrip("/"))
    try:
        folder = disk / "tablespace"
        folder.mkdir()
        owner = pwd.getpwuid(Path(data).stat().st_uid)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        with connect(as_administrator, name="tests") as administrator:
            administrator.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
            administrator.execute(f"ALTER TABLE core.product SET TABLESPACE {name}")
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        (disk / "filler").write_bytes(b"x" * free)
        yield {}
        (disk / "filler").unlink()
        with connect(as_administrator, name="tests") as administrator:
            administrator.execute("ALTER TABLE core.product SET TABLESPACE pg_default")
            administrator.execute(f"DROP TABLESPACE {name}")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607 - the system's


LOCAL = [
    ("account unknown", _another_account, 4, "holds the account demo", "Nothing was read"),
    ("wrong secret", _wrong_secret, 4, "401", "Nothing of it was used"),
    ("connection lost mid-COPY", _connection_cut, 8, "connection to the database", "rolled back"),
    ("disk full", _full_disk, 8, "disk is full", "rolled back"),
    ("two syncs at once", _another_sync, 3, "full sync", "Nothing of it was used"),
]


@pytest.mark.parametrize("case", LOCAL, ids=[row[0] for row in LOCAL])
def test_a_fault_of_our_own_leaves_the_warehouse_as_it_was(
    case: tuple[str, Callable[[Scene], AbstractContextManager[dict[str, str]]], int, str, str],
    finale: Callable[..., tuple[int, str]],
    scene: Scene,
    account: Account,
    connection: Connection,
) -> None:
    _, broken, code, happened, meaning = case
    before = contents(connection)
    account.clock.advance(seconds=60)
    account.edit_products(300)
    with broken(scene) as changes:
        ended, complaint = finale("full", **changes)
        assert contents(connection) == before
        assert (ended, happened in complaint, meaning in complaint) == (code, True, True), complaint
    assert_ledger_is_closed(connection)
    assert finale("full") == (0, "")
    assert_mirrors(connection, account)


def test_an_account_that_finale_does_not_know_does_not_own_the_database(
    finale: Callable[..., tuple[int, str]], server: str, upgraded: str
) -> None:
    empty = new_database(server, template=upgraded)
    code, complaint = finale("full", FINALE_DATABASE_URL=empty, FINALE_ACCOUNT="demmo")
    assert code == 4
    assert "FINALE_ACCOUNT" in complaint
    assert finale("full", FINALE_DATABASE_URL=empty) == (0, "")
