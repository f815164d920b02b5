"""Full syncs: first, again, with changes; whole and by windows; always equal to the account."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from finale_pipeline.errors import CredentialsRefused, ImplausibleError, MalformedError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync import scan
from finale_pipeline.sync.catalog import PRODUCTS
from finale_pipeline.sync.session import open_sync
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.sync.helpers import (
    assert_ledger_is_closed,
    assert_mirrors,
    contents,
    sync,
)


@pytest.fixture(params=["whole", "windows"])
def by(request: pytest.FixtureRequest, url: str, sandbox: SandboxServer) -> Settings:
    """Settings of an account that is read in one request, and of one read by windows."""
    # A cap below the account's size: one request would be cut off.
    cap = {"whole": 120_000, "windows": 150}[request.param]
    sandbox.row_cap = cap
    return settings_for(url, sandbox, row_cap=cap)


def test_a_first_sync_equals_the_account(
    by: Settings, account: Account, connection: Connection
) -> None:
    run = sync(by)
    assert_mirrors(connection, account)
    assert_ledger_is_closed(connection)
    assert run.counts["core.product"].inserted == 400


def test_a_second_sync_writes_nothing(by: Settings, connection: Connection) -> None:
    sync(by)
    before = contents(connection)
    stamps = connection.execute("SELECT max(changed_at) FROM core.product").fetchall()
    again = sync(by)
    assert contents(connection) == before
    assert connection.execute("SELECT max(changed_at) FROM core.product").fetchall() == stamps
    written = {t: (c.inserted, c.updated, c.removed) for t, c in again.counts.items()}
    assert set(written.values()) == {(0, 0, 0)}
    assert again.counts["core.product"].unchanged >= 400


@pytest.mark.synced
def test_a_known_record_among_new_ones_is_updated(
    settings: Settings, account: Account, connection: Connection
) -> None:
    account.clock.advance(seconds=5000)
    account.create_products(4)
    [edited] = account.edit_products(1)
    account.create_products(4)
    with open_sync(settings, strategy="full", trigger="test", table_sets=("catalogue",)) as run:
        scan.backfill(run, PRODUCTS, NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    counts = run.counts["core.product"]
    assert (counts.read, counts.inserted, counts.updated) == (9, 8, 1)
    sent = next(r for r in account.records("product") if r["productUrl"] == edited)
    query = "SELECT cost FROM core.product WHERE product_url = %s"
    assert connection.execute(query, (edited,)).fetchone() == (Decimal(str(sent["cost"])),)


def test_exactly_the_edited_rows_are_written(
    by: Settings, account: Account, connection: Connection
) -> None:
    sync(by)
    account.clock.advance(seconds=5000)
    edited = account.edit_products(9)
    account.create_products(3)
    run = sync(by)
    counts = run.counts["core.product"]
    assert (counts.inserted, counts.updated, counts.removed) == (3, 9, 0)
    written = connection.execute(
        "SELECT product_url FROM core.product WHERE changed_at > first_seen_at"
    ).fetchall()
    assert {row[0] for row in written} == set(edited)
    assert_mirrors(connection, account)


def test_vanished_products_are_marked_removed_and_come_back(
    by: Settings, account: Account, connection: Connection
) -> None:
    sync(by)
    product = account.tables["product"]
    place = product.places()[200]
    cells = dict(product.record(place))
    url = product.key_of(place)
    product.drop(place)
    account.clock.advance(seconds=9000)
    assert sync(by).counts["core.product"].removed == 1
    removed = "SELECT product_url FROM core.product WHERE removed_at IS NOT NULL"
    assert connection.execute(removed).fetchall() == [(url,)]
    assert sync(by).counts["core.product"].removed == 0
    stamp = account.clock.now()
    cells["lastUpdatedDate"] = stamp.strftime('"%Y-%m-%dT%H:%M:%S"').encode()
    product.put(int(stamp.timestamp()), cells)
    sync(by)
    assert connection.execute(removed).fetchall() == []


def test_what_was_edited_last_is_not_decoded_again_by_each_sync(
    url: str, sandbox: SandboxServer, account: Account, connection: Connection
) -> None:
    """A checkpoint that is written anew is one whose answer was decoded."""
    sandbox.row_cap = 150
    by = settings_for(url, sandbox, row_cap=150)
    newest = (
        "SELECT window_from, committed_at FROM ops.catalogue_window"
        " WHERE table_name = 'core.product' ORDER BY 1 DESC LIMIT 1"
    )
    sync(by)
    account.clock.advance(seconds=5 * 3600)
    account.edit_products(9)
    sync(by)
    decoded = connection.execute(newest).fetchall()
    account.clock.advance(seconds=5 * 3600)
    assert sync(by).counts["core.product"].unchanged >= 400
    assert connection.execute(newest).fetchall() == decoded
    account.clock.advance(seconds=5 * 3600)
    account.edit_products(1)
    assert sync(by).counts["core.product"].updated == 1
    assert connection.execute(newest).fetchall() != decoded
    assert_mirrors(connection, account)


def test_what_came_between_two_full_syncs_and_went_is_removed(
    by: Settings, account: Account, connection: Connection
) -> None:
    """The newest answer is that of the last time, and yet the table shows more."""
    sync(by)
    account.clock.advance(seconds=5 * 3600)
    (url,) = account.create_products(1)
    sync(by, "active")
    assert sync(by, "active").counts["core.product"].removed == 0
    account.tables["product"].drop(account.tables["product"].places()[-1])
    account.clock.advance(seconds=5 * 3600)
    assert sync(by).counts["core.product"].removed == 1
    gone = "SELECT product_url FROM core.product WHERE removed_at IS NOT NULL"
    assert connection.execute(gone).fetchall() == [(url,)]
    assert_mirrors(connection, account)


@pytest.mark.synced
@pytest.mark.parametrize("percent", [9, 18])
def test_rows_that_one_answer_lost_are_not_taken_for_removed(
    settings: Settings, sandbox: SandboxServer, connection: Connection, percent: int
) -> None:
    for path in ("product", "partygroup", "facility"):
        sandbox.add_fault(f"missing-rows={percent}@{path}")
    run = sync(settings)
    removed = [run.counts[f"core.{table}"].removed for table in ("product", "vendor", "facility")]
    assert removed == [0, 0, 0]
    assert_mirrors(connection, sandbox.account)


def test_many_products_that_are_gone_go(
    by: Settings, account: Account, connection: Connection
) -> None:
    """So many that only some of them are asked for."""
    sync(by)
    for place in account.tables["product"].places()[::7]:
        account.tables["product"].drop(place)
    assert sync(by).counts["core.product"].removed == 58
    assert_mirrors(connection, account)


def test_half_a_catalogue_is_held_until_accepted(
    by: Settings, account: Account, connection: Connection
) -> None:
    sync(by)
    for place in account.tables["product"].places()[::2]:
        account.tables["product"].drop(place)
    live = "SELECT count(*) FROM core.product WHERE removed_at IS NULL"
    for _ in range(2):
        with pytest.raises(ImplausibleError, match="200 of 400 records vanished"):
            sync(by)
        assert connection.execute(live).fetchall() == [(400,)]
    assert_ledger_is_closed(connection)
    assert sync(by, accept=True).counts["core.product"].removed == 200
    assert connection.execute(live).fetchall() == [(200,)]


def test_a_product_edited_during_the_scan_is_neither_lost_nor_removed(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=150) as sandbox:
        settings = settings_for(url, sandbox, row_cap=150, lanes=1)
        sync(settings)
        account.clock.advance(seconds=50_000)
        with open_sync(
            settings, strategy="full", trigger="test", table_sets=["catalogue"],
            on_progress=lambda *_: account.edit_products(1),
        ) as run:  # fmt: skip
            from finale_pipeline.sync.catalog import PRODUCTS, sync_facilities  # noqa: PLC0415

            sync_facilities(run)
            scan.sync_catalogue(run, PRODUCTS)
        assert run.counts["core.product"].removed == 0
        removed = "SELECT count(*) FROM core.product WHERE removed_at IS NOT NULL"
        assert connection.execute(removed).fetchall() == [(0,)]
        sync(settings)
        assert_mirrors(connection, account)


def test_a_key_revoked_in_the_middle_keeps_what_was_read_and_goes_on_from_there(
    url: str, empty_url: str, sandbox: SandboxServer, account: Account, connection: Connection
) -> None:
    sandbox.row_cap = 150
    settings = settings_for(url, sandbox, row_cap=150, lanes=1)
    other = settings_for(empty_url, sandbox, row_cap=150, lanes=1)
    schema.upgrade(empty_url)
    sync(other)
    whole = sum("/product?" in path for path in sandbox.requests)
    sandbox.add_fault("revoke@product+4")
    with pytest.raises(CredentialsRefused):
        sync(settings)
    first = sum("/product?" in path for path in sandbox.requests)
    kept = "SELECT count(*) FROM ops.catalogue_window WHERE table_name = 'core.product'"
    assert connection.execute(kept).fetchall() != [(0,)]
    sandbox.clear_faults()
    sync(settings)
    assert_mirrors(connection, account)
    assert sum("/product?" in path for path in sandbox.requests) - first < whole


def test_a_scan_that_was_cut_off_counted_each_window_as_the_table_shows_it(
    url: str, sandbox: SandboxServer, account: Account, connection: Connection
) -> None:
    """Windows whose rows were all new, and such as had none, are not counted in the table."""
    sandbox.row_cap = 150
    settings = settings_for(url, sandbox, row_cap=150, lanes=1)
    miscounted = (
        "SELECT window_from FROM ops.catalogue_window w, LATERAL ("
        " SELECT count(*) AS rows, coalesce(bit_xor(row_hash), 0) AS mark FROM core.product"
        " WHERE removed_at IS NULL AND updated_at >= w.window_from AND updated_at < w.window_to) n"
        " WHERE w.table_name = 'core.product' AND (w.row_count, w.fingerprint) <> (n.rows, n.mark)"
    )
    counted = (
        "SELECT count(*) FROM ops.catalogue_window"
        " WHERE scan_id = (SELECT max(scan_id) FROM ops.scan)"
    )
    for _ in range(2):
        sandbox.add_fault("revoke@product+4")
        with pytest.raises(CredentialsRefused):
            sync(settings)
        sandbox.clear_faults()
        assert connection.execute(counted).fetchall() != [(0,)]
        assert connection.execute(miscounted).fetchall() == []
        sync(settings)
        account.clock.advance(seconds=5 * 3600)
        account.edit_products(40)


def test_a_mass_edit_above_the_cap_is_cut_into_halves(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=60) as sandbox:
        settings = settings_for(url, sandbox, row_cap=60)
        sync(settings)
        assert_mirrors(connection, account)


def test_more_records_in_one_second_than_the_cap_is_said_loudly(
    url: str, account: Account, connection: Connection
) -> None:
    account.edit_products(80)
    with SandboxServer(account, rate_limits=None, row_cap=60) as sandbox:
        settings = settings_for(url, sandbox, row_cap=60)
        with pytest.raises(MalformedError, match="in the same second, 2026-03-09 12:00:00 UTC"):
            sync(settings)
    assert_ledger_is_closed(connection)


def test_records_that_belong_to_no_table_count_towards_the_cap(
    url: str, account: Account, connection: Connection
) -> None:
    """Five vendors and a customer fill the cap, so a seventh party may have been cut off."""
    with (
        SandboxServer(account, rate_limits=None, row_cap=6) as sandbox,
        pytest.raises(MalformedError, match="6 or more partygroup records"),
    ):
        sync(settings_for(url, sandbox, row_cap=6), "vendors")
    assert connection.execute("SELECT count(*) FROM core.vendor").fetchall() == [(0,)]


@pytest.mark.synced
def test_a_backfill_reads_its_range_again_and_never_undoes_newer_rows(
    settings: Settings, account: Account, connection: Connection
) -> None:
    connection.execute(
        "UPDATE core.product SET name = 'by hand', row_hash = 0"
        " WHERE updated_at >= '2026-02-01' AND updated_at < '2026-02-10'"
    )
    connection.execute(
        "UPDATE core.product SET name = 'newer', row_hash = 1, updated_at = '2027-01-01'"
        " WHERE updated_at > '2026-02-20' AND updated_at < '2026-02-22'"
    )
    with open_sync(settings, strategy="products", trigger="test", table_sets=["catalogue"]) as run:
        from finale_pipeline.sync.catalog import PRODUCTS  # noqa: PLC0415

        scan.backfill(run, PRODUCTS, NOW.replace(month=2, day=1, hour=0), NOW)
    rows = connection.execute("SELECT name FROM core.product").fetchall()
    names = {row[0] for row in rows}
    assert "by hand" not in names
    assert "newer" in names
    assert run.counts["core.product"].removed == 0


def test_records_before_the_first_day_are_never_taken_for_removed(
    url: str, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.row_cap = 150
    sync(settings_for(url, sandbox, row_cap=150))
    sync(settings_for(url, sandbox, row_cap=150, since=date(2026, 1, 1)))
    removed = "SELECT count(*) FROM core.product WHERE removed_at IS NOT NULL"
    assert connection.execute(removed).fetchall() == [(0,)]


@pytest.mark.synced
def test_suppliers_rules_and_contacts_follow_their_record(
    settings: Settings, account: Account, connection: Connection
) -> None:
    def stored() -> set[Any]:
        rows = connection.execute(
            "SELECT product_url, vendor_url, price, is_main FROM core.product_supplier"
        ).fetchall()
        return {(a, b, float(str(c)), d) for a, b, c, d in rows}

    def sent() -> set[Any]:
        return {
            (r["productUrl"], s["supplierPartyUrl"], s["price"], "MAIN" in s["supplierPrefOrderId"])
            for r in account.records("product")
            for s in r.get("supplierList") or []
        }  # fmt: skip

    assert stored() == sent()
    table = account.tables["product"]
    place = next(p for p in table.places() if len(table.record(p)["supplierList"]) > 10)
    account.clock.advance(seconds=60)
    stamp = account.clock.now()
    table.put(
        int(stamp.timestamp()),
        {
            **table.record(place),
            "supplierList": b"[]",
            "lastUpdatedDate": stamp.strftime('"%Y-%m-%dT%H:%M:%S"').encode(),
        },
        place=place,
    )
    run = sync(settings)
    assert stored() == sent()
    assert run.counts["core.product_supplier"].removed >= 1
    vendors = connection.execute("SELECT count(*) FROM core.vendor").fetchall()
    parties = list(account.records("partygroup"))
    assert vendors == [(sum("SUPPLIER" in p["roleTypeIdList"] for p in parties),)]
    contacts = connection.execute("SELECT count(*) FROM core.vendor_contact").fetchall()
    assert contacts == [
        (sum(len(p["contactMechList"]) for p in parties if "SUPPLIER" in p["roleTypeIdList"]),)
    ]


def test_an_unreadable_price_is_named_as_often_as_its_window_is_read(
    by: Settings, account: Account, connection: Connection
) -> None:
    """Lists of unchanged records are not read again, unless one of them could not be read."""

    def edit(place: int, price: bytes) -> None:
        table = account.tables["product"]
        record = dict(table.record(place))
        record["supplierList"] = (
            b'[{"supplierPartyUrl":"/demo/api/partygroup/1","price":%s}]' % price
        )
        stamp = datetime.fromisoformat(json.loads(record["lastUpdatedDate"])).replace(tzinfo=UTC)
        table.put(int(stamp.timestamp()), record, place=place)

    def named() -> list[tuple[Any, ...]]:
        return connection.execute(
            "SELECT record_key, reason FROM ops.sync_reject WHERE table_name = 'core.product'"
            " AND run_id = (SELECT max(run_id) FROM ops.sync_run)"
        ).fetchall()

    def price_of(url: str) -> list[tuple[Any, ...]]:
        return connection.execute(
            "SELECT price FROM core.product_supplier WHERE product_url = %s", (url,)
        ).fetchall()

    sync(by)
    places = account.tables["product"].places()
    bad, other = places[200], places[201]
    keys = [account.tables["product"].key_of(place) for place in (bad, other)]
    edit(bad, b'"1,200"')
    sync(by)
    wanted = [(keys[0], "supplierList[1].price is no number")]
    assert named() == wanted
    assert price_of(keys[0]) == [(None,)]
    edit(other, b"7.125")
    sync(by)
    assert named() == wanted
    assert price_of(keys[1]) == [(Decimal("7.125"),)]
    assert price_of(keys[0]) == [(None,)]
