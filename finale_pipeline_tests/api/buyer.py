"""A buyer: reads the plan and changes lines of it."""

from typing import Any

import httpx

from finale_pipeline.planning.plan import plan_day
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

VENDOR = "/demo/api/partygroup/Acme"
LINES = "/api/purchase-plan/lines"


def terms_of_acme(stock: Warehouse) -> None:
    """A comes in dozens, at least two; Acme wants an order of 100,000 USD."""
    stock.connection.execute(
        "INSERT INTO plan.product_term (product_url, minimum_order_units, pack_units)"
        " VALUES (%s, 24, 12)",
        (url_of("A"),),
    )
    stock.connection.execute(
        "INSERT INTO plan.vendor_term (vendor_url, minimum_order_value) VALUES (%s, 100000)",
        (VENDOR,),
    )
    replan(stock)


def replan(stock: Warehouse) -> None:
    plan_day(stock.connection, stock.now.date(), stock.settings, now=stock.now)


def plan_of(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/api/purchase-plan").json()
    return found


def line_of(api: httpx.Client, sku: str) -> dict[str, Any]:
    plan = plan_of(api)
    lines = [line for order in plan["orders"] for line in order["order_lines"]] + plan["dropped"]
    (found,) = (line for line in lines if line["sku"] == sku)
    return dict(found)


def wanted(line: dict[str, Any], **changes: Any) -> dict[str, Any]:
    keys = ("snapshot_on", "vendor_url", "product_url", "version")
    return {key: line[key] for key in keys} | changes


def patch(api: httpx.Client, line: dict[str, Any], **changes: Any) -> httpx.Response:
    return api.patch(LINES, json=wanted(line, **changes))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
