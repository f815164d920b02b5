"""Demand, receipts and open orders reckoned plainly from what the account holds, for comparison."""

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from finale_pipeline.sandbox.account import Account
from finale_pipeline.warehouse.connect import Connection

Days = dict[tuple[str, date], Decimal]


def day(text: str, zone: str) -> date:
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return moment.astimezone(ZoneInfo(zone)).date()


def demand_of(account: Account, zone: str = "UTC") -> Days:
    """Return units per product and day, one shipment after the other."""
    orders = {o["orderUrl"]: o for o in account.records("order")}
    asked: dict[tuple[str, date, str], Decimal] = defaultdict(Decimal)
    for s in account.records("shipment"):
        order = orders.get(s.get("primaryOrderUrl") or "")
        when = order["orderDate"] if order else s.get("shipDate") or s["createdDate"]
        if not _counts(s, order):
            continue
        for line in s["shipmentItemList"]:
            document = s.get("primaryOrderUrl") or s["shipmentUrl"]
            key = (line["productUrl"], day(when, zone), document)
            asked[key] += Decimal(str(line["quantity"]))
    days: Days = defaultdict(Decimal)
    for (product, sold_on, _), units in asked.items():
        if units > 0:
            days[product, sold_on] += units
    return dict(days)


def _counts(shipment: dict[str, Any], order: dict[str, Any] | None) -> bool:
    if shipment["shipmentTypeId"] != "SALES_SHIPMENT" or shipment.get("primaryReturnUrl"):
        return False
    status = order["statusId"] if order else None
    if shipment["statusId"] == "SHIPMENT_CANCELLED" or status == "ORDER_CANCELLED":
        return False
    is_committed = status in {"ORDER_LOCKED", "ORDER_COMPLETED"}
    return bool(shipment["statusId"] == "SHIPMENT_SHIPPED" or is_committed)


def stored_demand(connection: Connection) -> Days:
    rows: list[Any] = connection.execute(
        "SELECT product_url, sold_on, units FROM core.sales_daily"
    ).fetchall()
    return {(product, sold_on): units for product, sold_on, units in rows}


def on_order(account: Account) -> dict[str, Decimal]:
    """Return units to come per product, as the account's stock shows them."""
    sums = {url: s[1] for url, s in account.stock_sums().items()}
    return {url: units for url, units in sums.items() if units}


def stored_on_order(connection: Connection) -> dict[str, Decimal]:
    rows: list[Any] = connection.execute(
        "SELECT product_url, sum(open_units) FROM core.purchase_order_line"
        " WHERE open_units <> 0 GROUP BY 1"
    ).fetchall()
    return dict(rows)
