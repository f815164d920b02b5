"""`finale orders …` as a person types it."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finale_pipeline import cli
from finale_pipeline.health.doctor import examine
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import new_database, settings_for
from finale_pipeline_tests.ordering.conftest import STARTED, present_account
from finale_pipeline_tests.ordering.shelf import Shelf
from finale_pipeline_tests.processes import environment

Said = tuple[int, str, str]


@pytest.fixture
def url(server: str, synced_today: str) -> str:
    return new_database(server, template=synced_today)


@pytest.fixture
def shelf(url: str, connection: Connection) -> Iterator[Shelf]:
    account = present_account()
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox, allow_writes=True, post_per_minute=100_000)
        shelf = Shelf(connection, account, sandbox, settings)
        shelf.plan(vendors=1, on=STARTED.date())
        yield shelf


@pytest.fixture
def finale(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs the command; gives its exit code, what it said, what it complained of."""

    def run(*arguments: str, **changes: str) -> Said:
        with monkeypatch.context() as patch:
            for name, value in environment(shelf.settings, **changes).items():
                patch.setenv(name, value)
            patch.setattr("time.sleep", lambda _: None)
            code = cli.main([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_dry_run_needs_no_permission_and_sends_nothing(
    finale: Callable[..., Said], shelf: Shelf
) -> None:
    code, out, _ = finale("orders", "draft", "--dry-run", FINALE_ALLOW_WRITES="false")
    assert code == 0
    assert '"statusId": "ORDER_CREATED"' in out
    code, _, err = finale("orders", "draft", FINALE_ALLOW_WRITES="false")
    assert code == 4
    assert "FINALE_ALLOW_WRITES=true" in err
    assert shelf.sandbox.posts == []


def test_a_file_named_by_a_vendors_id_stays_in_its_folder(
    finale: Callable[..., Said], shelf: Shelf, tmp_path: Path
) -> None:
    shelf.connection.execute("UPDATE core.vendor SET vendor_id = '/../../../x'")
    (tmp_path / "home").mkdir()
    arguments = ("orders", "draft", "--dry-run", "--format", "csv")
    assert finale(*arguments, FINALE_HOME=str(tmp_path / "home"))[0] == 0
    (written,) = tmp_path.rglob("*x-10001.csv")
    assert written.parent == tmp_path / "home" / "orders"


def test_orders_are_drafted_listed_and_written_into_files(
    finale: Callable[..., Said], shelf: Shelf, tmp_path: Path
) -> None:
    shelf.connection.execute(
        "UPDATE core.product SET name = '=HYPERLINK(1)' WHERE product_url IN"
        " (SELECT product_url FROM plan.purchase_order_draft_line)"
    )
    file = tmp_path / "orders.csv"
    code, out, err = finale("orders", "draft", "--format", "csv", "--out", str(file))
    assert (code, str(file) in out) == (0, True), err
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert [row["quantity_units"] for row in rows] == ["12", "24"]
    assert {row["name"] for row in rows} == {"'=HYPERLINK(1)"}
    book = tmp_path / "orders.xlsx"
    assert finale("orders", "draft", "--format", "xlsx", "--out", str(book))[0] == 0
    with zipfile.ZipFile(book) as parts:
        formulas = re.findall(rb"<f>([^<]*)</f>", parts.read("xl/worksheets/sheet1.xml"))
    assert all(found.startswith(b"SUBTOTAL(9,") for found in formulas)  # ours alone
    code, out, _ = finale("orders", "list", "--json")
    (order,) = json.loads(out)
    # A file of one vendor's order does not replace that of another's.
    assert f"orders/{order['reference']}.csv" in finale("orders", "draft", "--format", "csv")[1]
    assert (order["state"], order["differences"]) == ("created", [])
    assert finale("orders", "check") == (0, "No order was left open.\n", "")
    code, out, _ = finale("orders", "draft", "--json")
    assert [p["verdict"] for p in json.loads(out)["proposals"]] == ["already"]
    shelf.assert_book_is_the_ledger(1)


def test_an_order_left_open_is_shown_checked_and_given_up(
    finale: Callable[..., Said], shelf: Shelf
) -> None:
    shelf.sandbox.add_fault("post-cut@order*1")
    code, out, _ = finale("orders", "draft")
    assert (code, "unknown" in out) == (7, True)
    (reference,) = shelf.rows("SELECT reference FROM ops.purchase_order_write")[0]
    assert f"{reference} is unknown" in finale("status")[1]
    (found,) = (f for f in examine(shelf.settings) if f.what == "orders")
    assert (found.state, reference in found.says) == ("warning", True)
    assert "finale orders check" in found.step
    assert finale("orders", "check")[0] == 7
    assert finale("orders", "abandon", reference, "--note", "not there")[0] == 0
    assert not any(f.what == "orders" for f in examine(shelf.settings))
    code, _, err = finale("orders", "abandon", reference)
    assert (code, "is abandoned" in err) == (4, True)
    code, out, _ = finale("orders", "draft")
    assert (code, "--again makes one more" in out) == (7, True)
    assert len(shelf.sandbox.posts) == 1


def test_what_was_made_otherwise_ends_the_command_with_an_error(
    finale: Callable[..., Said], shelf: Shelf
) -> None:
    shelf.sandbox.add_fault("post-garbage=unlinked@order*1")
    code, out, _ = finale("orders", "draft")
    assert (code, "linked to no product" in out) == (7, True)
    assert any("not what was meant" in f.says for f in examine(shelf.settings))
    shelf.account.book.act(shelf.book()[0]["orderUrl"], "cancel")
    assert finale("sync", "sales")[0] == 0
    assert not any("not what was meant" in f.says for f in examine(shelf.settings))


def test_nobody_sits_there_to_agree_to_duplicates(
    finale: Callable[..., Said], shelf: Shelf
) -> None:
    finale("orders", "draft")
    code, _, err = finale("orders", "draft", "--again")
    assert (code, "--accept-duplicates" in err) == (7, True)
    assert finale("orders", "draft", "--again", "--accept-duplicates")[0] == 0
    shelf.assert_book_is_the_ledger(2)
