"""A sandbox built from real order lines is that shop, and the warehouse's sums equal the file's."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.orders import AHEAD, account_from
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.sync.helpers import sync

SAMPLE = Path(__file__).parents[1] / "data" / "retail_order_lines_sample.parquet"


@dataclass
class Shop:
    """What the file says, added up line by line without the sandbox's code."""

    names: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    first_sold_at: dict[str, datetime] = field(default_factory=dict)
    most_to_come: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    to_come: dict[str, int] = field(default_factory=lambda: defaultdict(int))


FEES = {
    "POST",
    "DOT",
    "M",
    "D",
    "S",
    "B",
    "C2",
    "C3",
    "CRUK",
    "PADS",
    "SP1002",
    "AMAZONFEE",
    "BANK CHARGES",
}


def shop(file: Path, now: datetime) -> Shop:
    """Read the file as of a moment; its end is moved to whole weeks before `now` and AHEAD."""
    lines = pl.read_parquet(file).sort("invoice_at", "invoice_no", maintain_order=True)
    end = lines["invoice_at"].to_list()[-1].replace(tzinfo=UTC)
    moved = (now + AHEAD - end).days // 7 * timedelta(weeks=1)
    found = Shop()
    for line in lines.iter_rows(named=True):
        sku, at = line["sku"], line["invoice_at"].replace(tzinfo=UTC) + moved
        if sku in FEES or sku.startswith(("GIFT", "TEST", "ADJUST")):
            continue  # no products
        if line["description"] not in {None, "nan"}:  # the file writes some nulls as text
            called = found.names if line["unit_price_gbp"] > 0 else found.remarks
            called[sku] = line["description"]
        if line["unit_price_gbp"] > 0:
            found.prices[sku] = line["unit_price_gbp"]
        found.first_sold_at.setdefault(sku, min(at, now))
        if at > now:
            found.to_come[sku] += line["quantity"]
            found.most_to_come[sku] = max(found.most_to_come[sku], found.to_come[sku])
    return found


def stock(connection: Connection) -> dict[object, object]:
    rows = connection.execute("SELECT sku, on_hand_units FROM mart.stock").fetchall()
    return {row[0]: row[1] for row in rows}


def assert_warehouse_is_the_shop(file: Path, url: str, connection: Connection) -> None:
    """Sync the sandbox of a file, let its last weeks happen, and compare with the file."""
    clock = Clock(frozen_at=NOW)
    wanted = shop(file, NOW)
    with SandboxServer(account_from(file, clock), rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox)
        sync(settings)
        rows = connection.execute(
            "SELECT sku, name, updated_at, payload -> 'priceList' -> 0 ->> 'price',"
            " payload -> 'priceList' -> 0 ->> 'currencyUomId' FROM core.product"
        ).fetchall()
        assert len(rows) == len(wanted.first_sold_at)
        assert {row[0]: row[1] for row in rows} == {
            sku: wanted.names.get(sku, wanted.remarks.get(sku, sku)) for sku in wanted.first_sold_at
        }
        assert {row[0]: row[2] for row in rows} == wanted.first_sold_at
        prices = {sku: wanted.prices.get(sku, 0.0) for sku in wanted.first_sold_at}
        assert {row[0]: float(str(row[3])) for row in rows} == prices
        assert {row[4] for row in rows} == {"GBP"}
        before = {sku: Decimal(wanted.most_to_come[sku]) for sku in wanted.first_sold_at}
        assert stock(connection) == before
        clock.advance(seconds=AHEAD.total_seconds() + 1)
        # Shops sell out: that fewer products have stock than before is true here.
        sync(settings, "inventory", accept=True)
        after = {sku: units - wanted.to_come[sku] for sku, units in before.items()}
        assert stock(connection) == after
        assert min(after.values()) >= 0


def test_the_sandbox_of_real_order_lines_is_that_shop(url: str, connection: Connection) -> None:
    assert_warehouse_is_the_shop(SAMPLE, url, connection)
    assert connection.execute("SELECT count(*) FROM core.product").fetchall() == [(35,)]
