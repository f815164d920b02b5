"""Runs a strategy as the commands do, and reads what it left."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from finale_pipeline.clock import utc_now
from finale_pipeline.sandbox.account import Account
from finale_pipeline.settings import Settings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out
from finale_pipeline.warehouse.connect import Connection

TABLES = (
    "core.product", "core.product_supplier", "core.reorder_rule", "core.vendor",
    "core.vendor_contact", "core.facility", "core.stock_entry", "core.stock_level",
    "core.stock_level_by_location", "core.stock_daily", "core.sales_order", "core.shipment",
    "core.shipment_line", "core.sales_daily", "core.purchase_order", "core.purchase_order_line",
)  # fmt: skip


def sync(
    settings: Settings,
    strategy: str = "full",
    *,
    accept: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> SyncRun:
    """Run a strategy; its error comes through."""
    with open_sync(
        settings,
        strategy=strategy,
        trigger="test",
        table_sets=TABLE_SETS[strategy],
        accept_implausible=accept,
        clock=clock,
        sleep=lambda _: None,
    ) as run:
        carry_out(run)
    return run


def let_the_pause_pass(connection: Connection) -> None:
    """Let the time be over until which the source wanted no requests of any process."""
    connection.execute("DELETE FROM ops.request_block")


def contents(connection: Connection) -> dict[str, list[Any]]:
    """Return every row of every core table, without the times of writing."""
    found = {}
    for table in TABLES:
        query = f"SELECT to_jsonb(t) FROM {table} t"  # noqa: S608 - one of ours
        rows: list[Any] = connection.execute(query).fetchall()
        found[table] = sorted(
            (
                {k: v for k, v in row[0].items() if k not in {"changed_at", "first_seen_at"}}
                for row in rows
            ),
            key=str,
        )
    return found


def assert_mirrors(connection: Connection, account: Account) -> None:
    """Compare products and stock levels with the account, without our decoding."""
    sent = {r["productUrl"]: r for r in account.records("product")}
    rows = connection.execute(
        "SELECT product_url, sku, name, status, cost, to_char(updated_at,"
        " 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM core.product WHERE removed_at IS NULL"
    ).fetchall()
    assert {str(r[0]) for r in rows} == set(sent)
    for url, sku, name, status, cost, updated in rows:
        record = sent[str(url)]
        assert (sku, name, status, updated) == (
            record["productId"], record["internalName"], record["statusId"],
            record["lastUpdatedDate"],
        )  # fmt: skip
        wanted = record.get("cost")
        assert cost == (None if wanted is None else Decimal(str(wanted)))
    levels = connection.execute(
        "SELECT product_url, on_hand_units, on_order_units, reserved_units FROM core.stock_level"
    ).fetchall()
    sums = account.stock_sums()
    none = (Decimal(0),) * 3
    assert {str(r[0]) for r in levels} >= set(sent)
    assert {str(r[0]): r[1:] for r in levels if r[1:] != none} == {
        url: units for url, units in sums.items() if units != none
    }


def assert_ledger_is_closed(connection: Connection) -> None:
    """No run is left running, and every count adds up."""
    rows = connection.execute("SELECT status, counts, finished_at FROM ops.sync_run").fetchall()
    for status, counts, finished in rows:
        assert status != "running"
        assert finished is not None
        assert isinstance(counts, dict)
        for c in counts.values():
            assert c["read"] == c["inserted"] + c["updated"] + c["unchanged"] + c["rejected"]
