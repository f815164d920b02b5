"""Stock: sums, explicit zeros, history, and every read that must not be believed."""

from datetime import date
from decimal import Decimal

import pytest

from finale_pipeline.errors import ImplausibleError, MalformedError, PipelineError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.sync.helpers import (
    assert_ledger_is_closed,
    assert_mirrors,
    contents,
    let_the_pause_pass,
    sync,
)


def urls(account: Account) -> list[str]:
    return sorted(r["productUrl"] for r in account.records("product"))


@pytest.mark.synced
def test_a_change_of_one_product_touches_only_its_rows(
    settings: Settings, account: Account, connection: Connection
) -> None:
    url = urls(account)[7]
    account.set_stock(url, 12.5)
    run = sync(settings, "inventory")
    assert_mirrors(connection, account)
    levels = run.counts["core.stock_level"]
    assert (levels.inserted, levels.updated) == (0, 1)
    row = connection.execute(
        "SELECT on_hand_units, available_units, position_units FROM core.stock_level"
        " WHERE product_url = %s",
        (url,),
    ).fetchone()
    assert row == (Decimal("12.5"),) * 3


@pytest.mark.synced
def test_a_product_without_a_row_becomes_an_explicit_zero(
    settings: Settings, account: Account, connection: Connection
) -> None:
    stock = account.tables["inventoryitem"]
    url = next(u for u, sums in account.stock_sums().items() if sums[0] > 0)
    for place in stock.places():
        if stock.key_of(place) == url:
            stock.drop(place)
    sync(settings, "inventory")
    query = "SELECT on_hand_units FROM core.stock_level WHERE product_url = %s"
    assert connection.execute(query, (url,)).fetchall() == [(0,)]
    assert_mirrors(connection, account)
    places = "SELECT count(*) FROM core.stock_level_by_location WHERE product_url = %s"
    assert connection.execute(places, (url,)).fetchall() == [(0,)]


@pytest.mark.synced
def test_locations_add_up_to_the_product(settings: Settings, connection: Connection) -> None:
    differing = connection.execute(
        "SELECT product_url FROM core.stock_level l LEFT JOIN (SELECT product_url,"
        " sum(on_hand_units) AS units FROM core.stock_level_by_location GROUP BY 1) s"
        " USING (product_url) WHERE l.on_hand_units <> coalesce(s.units, 0)"
    ).fetchall()
    assert differing == []
    parents = connection.execute(
        "SELECT count(*) FROM core.stock_level_by_location JOIN core.facility ON facility_url ="
        " location_url WHERE parent_url IS NOT NULL"
    ).fetchall()
    assert parents == [(0,)]


def test_history_holds_each_days_last_level(
    settings: Settings, account: Account, connection: Connection
) -> None:
    url = urls(account)[7]
    account.set_stock(url, 40)
    sync(settings)
    account.set_stock(url, 30)
    sync(settings, "inventory")
    account.clock.advance(seconds=2 * 86_400)
    account.set_stock(url, 9)
    sync(settings, "inventory")
    history = connection.execute(
        "SELECT snapshot_on, on_hand_units FROM mart.stock_daily WHERE product_url = %s ORDER BY 1",
        (url,),
    ).fetchall()
    assert history == [(date(2026, 3, 9), 30), (date(2026, 3, 11), 9)]


def test_the_business_day_is_the_accounts(
    url: str, sandbox: SandboxServer, connection: Connection
) -> None:
    sync(settings_for(url, sandbox, timezone="Pacific/Auckland"))
    days = connection.execute("SELECT snapshot_on FROM core.stock_day").fetchall()
    assert days == [(date(2026, 3, 10),)]


UNBELIEVED: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("empty-object", ImplausibleError, "no rows at all"),
    ("half", ImplausibleError, "more than 20 % fewer"),
    ("zero-stock", ImplausibleError, "no product has stock any more"),
    ("missing-place", ImplausibleError, "10001 has no stock any more"),
    ("drop-column=quantityOnHand", PipelineError, "has no quantityOnHand"),
    ("drop-column=productUrl", PipelineError, "has no productUrl"),
    ("drop-column=quantityOnOrder", ImplausibleError, "nothing is on order any more"),
    ("short-column=quantityOnHand", MalformedError, "only .* values of quantityOnHand"),
    ("duplicate-rows", MalformedError, "share their key"),
    ("bad-rows=10", MalformedError, "unreadable"),
    ("error-object", MalformedError, "looks like an error, success: false"),
    ("nan", MalformedError, "cannot be read"),
    ("truncate", PipelineError, "ended in the middle"),
    ("html", PipelineError, "page of HTML"),
    ("revoke", PipelineError, "401"),
    ("status=404", PipelineError, "knows no"),
    ("throttle-reset=3600", PipelineError, "Run again after"),
    ("status=503", PipelineError, "503"),
)
"""What is wrong with an answer, what it ends with, and what that says."""


@pytest.mark.synced
def test_a_read_that_cannot_be_believed_changes_nothing(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    before = contents(connection)
    for fault, error, why in UNBELIEVED:
        sandbox.add_fault(f"{fault}@inventoryitem")
        with pytest.raises(error, match=why):
            sync(settings, "inventory")
        sandbox.clear_faults()
        let_the_pause_pass(connection)
        assert contents(connection) == before, fault
    assert_ledger_is_closed(connection)
    sync(settings, "inventory")
    assert contents(connection) == before


@pytest.mark.synced
def test_one_odd_read_is_read_again_and_believed_then(
    settings: Settings, account: Account, sandbox: SandboxServer, connection: Connection
) -> None:
    account.set_stock(urls(account)[3], 5)
    sandbox.add_fault("half@inventoryitem*1")
    sync(settings, "inventory")
    assert_mirrors(connection, account)


@pytest.mark.synced
def test_a_held_read_is_written_when_a_person_accepts_it(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("zero-stock@inventoryitem")
    sync(settings, "inventory", accept=True)
    stocked = "SELECT count(*) FROM core.stock_level WHERE on_hand_units > 0"
    assert connection.execute(stocked).fetchall() == [(0,)]


def test_stock_of_exactly_the_cap_is_taken_for_cut(
    url: str, account: Account, connection: Connection
) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=500, cuts_stock=True) as sandbox:
        with pytest.raises(MalformedError, match="answered 500 rows; at 500 Finale cuts"):
            sync(settings_for(url, sandbox, row_cap=500))
        rows = connection.execute("SELECT count(*) FROM core.stock_level").fetchall()
        assert rows == [(0,)]


@pytest.mark.synced
def test_one_unreadable_quantity_keeps_the_old_entry_and_is_reported(
    settings: Settings, account: Account, sandbox: SandboxServer, connection: Connection
) -> None:
    before = contents(connection)
    account.set_stock(urls(account)[9], 77)
    sandbox.add_fault("huge@inventoryitem")
    run = sync(settings, "inventory")
    assert run.counts["core.stock_entry"].rejected == 1
    rejects = connection.execute("SELECT table_name, record_key FROM ops.sync_reject").fetchall()
    assert [r[0] for r in rejects] == ["core.stock_entry"]
    broken = rejects[0][1]

    def level(rows: list[dict[str, object]]) -> list[object]:
        return [r["on_hand_units"] for r in rows if r["product_url"] == broken]

    after = contents(connection)
    assert level(after["core.stock_level"]) == level(before["core.stock_level"])
    sandbox.clear_faults()
    sync(settings, "inventory")
    assert_mirrors(connection, account)


def test_a_new_column_and_numbers_as_text_are_no_fault(
    settings: Settings, account: Account, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("new-column@inventoryitem")
    sandbox.add_fault("as-text=cost@product")
    sync(settings)
    assert_mirrors(connection, account)


@pytest.mark.synced
def test_levels_that_were_changed_by_hand_stay_until_a_read_replaces_them(
    settings: Settings, sandbox: SandboxServer, account: Account, connection: Connection
) -> None:
    before = contents(connection)
    connection.execute(
        "DELETE FROM core.stock_entry WHERE product_url IN (SELECT product_url FROM"
        " core.stock_level WHERE on_hand_units > 0 ORDER BY product_url LIMIT 3)"
    )
    connection.execute(
        "UPDATE core.stock_entry SET on_hand_units = on_hand_units + 1 WHERE product_url ="
        " (SELECT max(product_url) FROM core.stock_entry)"
    )
    sandbox.add_fault("zero-stock@inventoryitem")
    with pytest.raises(ImplausibleError):
        sync(settings)
    assert contents(connection)["core.stock_level"] == before["core.stock_level"]
    sandbox.clear_faults()
    sync(settings)
    assert_mirrors(connection, account)
    assert contents(connection)["core.stock_entry"] == before["core.stock_entry"]
