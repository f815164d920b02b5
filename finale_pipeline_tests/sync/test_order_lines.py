"""Order lines → sandbox → API → warehouse: the demand that comes out is the demand of the file."""

import os
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.orders import account_from
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.sync.demand import demand_of, stored_demand
from finale_pipeline_tests.sync.helpers import assert_mirrors, sync

Line = dict[str, Any]
Demand = dict[tuple[str, date], int]
SINCE = date(2024, 1, 1)


def invented_lines(seed: int) -> list[Line]:
    """Return lines of the same kinds as a real export has, and as dirty."""
    dice = random.Random(seed)  # noqa: S311 - repeatable
    lines: list[Line] = []
    start = datetime(2011, 1, 3, 9)  # noqa: DTZ001 - the file has local times
    for number in range(300):
        at = start + timedelta(hours=3 * number)
        buyer = dice.choice((1, 2, 3, None))
        kind = dice.choices(("sale", "undo", "back", "off"), (10, 4, 1, 1))[0]
        sold = [line for line in lines if line["quantity"] > 0 and line["customer_id"]]
        if kind == "undo" and sold:
            of = dice.choice(sold[-8:])
            chosen = [of] if dice.random() < 0.7 else [
                line for line in lines if line["invoice_no"] == of["invoice_no"]
            ]  # fmt: skip
            lines += [
                line | {"invoice_no": f"C{number}", "quantity": -line["quantity"], "invoice_at": at}
                for line in chosen
            ]
            continue
        sign = {"sale": 1, "undo": 1, "back": -1, "off": -1}[kind]
        lines += [
            {
                "invoice_no": f"{'C' if kind == 'back' else ''}{number}",
                "sku": dice.choice(("MUG", "SOAP", "TIN", "POST", "M")),
                "description": "a thing",
                "quantity": sign * dice.choice((1, 2, 2, 12)),
                "invoice_at": at,
                "unit_price_gbp": 0.0 if kind == "off" else dice.choice((0.0, 2.5, 2.5, 2.5)),
                "customer_id": buyer,
            }
            for _ in range(dice.randrange(1, 4))
        ]
    return lines


def plain_demand(lines: list[Line]) -> Demand:
    """Return units per SKU and day by the rule of the file's description, line by line."""
    good = [
        line for line in lines
        if line["quantity"] > 0 and line["unit_price_gbp"] > 0
        and not line["invoice_no"].startswith("C") and line["sku"] not in {"POST", "M"}
    ]  # fmt: skip
    undone: set[int] = set()
    for c in lines:
        if not c["invoice_no"].startswith("C") or c["customer_id"] is None:
            continue
        same = [
            line for line in good
            if (line["customer_id"], line["sku"], line["quantity"])
            == (c["customer_id"], c["sku"], -c["quantity"])
            and timedelta() <= c["invoice_at"] - line["invoice_at"] <= timedelta(days=3)
        ]  # fmt: skip
        if same:
            undone.add(id(same[-1]))
    found: Demand = {}
    for line in good:
        if id(line) not in undone:
            key = (line["sku"], line["invoice_at"].date())
            found[key] = found.get(key, 0) + line["quantity"]
    return found


def shifted(connection: Connection, last: date) -> Demand:
    """Return the stored demand with SKUs, its days moved back to the file's."""
    rows: list[Any] = connection.execute(
        "SELECT p.sku, d.sold_on, d.units FROM core.sales_daily d JOIN core.product p"
        " USING (product_url)"
    ).fetchall()
    newest: Any = connection.execute(
        "SELECT max((created_at AT TIME ZONE 'UTC')::date) FROM core.shipment"
    ).fetchone()
    by = timedelta(weeks=round((newest[0] - last).days / 7))
    return {(sku, sold_on - by): int(units) for sku, sold_on, units in rows}


@pytest.mark.parametrize("seed", range(3))
def test_the_demand_of_invented_lines_comes_out_as_the_rule_says(
    tmp_path: Path, url: str, connection: Connection, seed: int
) -> None:
    lines = invented_lines(seed)
    pl.DataFrame(lines, infer_schema_length=None).write_parquet(tmp_path / "lines.parquet")
    clock = Clock(frozen_at=NOW)
    account = account_from(tmp_path / "lines.parquet", clock, ahead=timedelta(weeks=2))
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox, since=SINCE)
        sync(settings)
        for _ in range(3):  # the rest happens while it is watched
            clock.advance(seconds=5 * 86_400)
            sync(settings, "sales")
        sync(settings, "inventory")
    assert_mirrors(connection, account)
    assert stored_demand(connection) == demand_of(account)
    assert shifted(connection, max(line["invoice_at"] for line in lines).date()) == (
        plain_demand(lines)
    )


@pytest.mark.slow
def test_the_demand_of_the_real_file_comes_out_whole(url: str, connection: Connection) -> None:
    """Set ORDER_LINES to the folder of retail_order_lines and retail_daily_demand."""
    folder = os.environ.get("ORDER_LINES")
    if not folder:
        pytest.skip("ORDER_LINES names no folder with the real order lines")
    lines = pl.read_parquet(Path(folder, "retail_order_lines.parquet"))
    last: Any = lines["invoice_at"].max()
    account = account_from(
        Path(folder, "retail_order_lines.parquet"), Clock(frozen_at=NOW), ahead=timedelta(days=-1)
    )
    with SandboxServer(account, rate_limits=None) as sandbox:
        sync(settings_for(url, sandbox, since=date(2023, 1, 1)), "full")
    wanted = pl.read_parquet(Path(folder, "retail_daily_demand.parquet"))
    rows = wanted.select("sku", "date", "units").iter_rows()
    assert shifted(connection, last.date()) == {(sku, on): units for sku, on, units in rows}
