"""What is to be ordered: the lines of a plan, as buyers left them, or lines that somebody gives."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from finale_pipeline.domain.orders.purchase_orders import PurchaseLine
from finale_pipeline.errors import ConfigError
from finale_pipeline.ordering import places
from finale_pipeline.ordering.draft_request import DraftRequest, RequestedLine
from finale_pipeline.ordering.proposals import OrderRequest
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import ordering as ordering_reads
from finale_pipeline.warehouse.reads import plan as plan_reads


def newest_day(connection: Connection) -> date:
    """Return the newest day that was planned, whether it orders something or not.

    Raises:
        ConfigError: There is none.
    """
    day = plan_reads.newest_day(connection)
    if day is None:
        raise ConfigError(
            "There is no purchase plan yet.",
            data="Nothing was sent.",
            step="Run: finale sync active, or finale forecast plan",
        )
    return day


def of_plan(
    connection: Connection, plan_on: date, *, vendors: Sequence[str], place: str | None
) -> list[OrderRequest]:
    """Return what a day's plan wants, by vendor.

    Args:
        vendors: Only these, each by name, partyId or address; empty = all.

    Raises:
        ConfigError: None of the vendors is in the plan, or the place is none.
    """
    urls = {str(v["vendor_url"]) for name in vendors for v in _vendors(connection, name)}
    orders = connection.rows(ordering_reads.PLAN, plan_on)
    chosen = [o for o in orders if not vendors or o["vendor_url"] in urls]
    if not chosen and vendors:
        there = ", ".join(str(order["vendor"]) for order in orders) or "nobody"
        raise ConfigError(
            f"The plan of {plan_on} orders nothing from {' or '.join(map(repr, vendors))};"
            f" it orders from: {there}.",
            data="Nothing was sent.",
            step="Name one of these vendors.",
        )
    locations = places.locations(connection)
    requests = []
    for order in chosen:
        lines = connection.rows(ordering_reads.PLAN_LINES, plan_on, order["vendor_url"])
        # Nothing is ordered of a quantity of 0.
        planned = tuple(_planned_line(line) for line in lines if line["quantity_units"])
        request = _order_request(connection, order["vendor_url"], order["vendor"], planned)
        request = replace(request, minimum_order_value=order["minimum_order_value"])
        requests.append(_placed(connection, request, locations, place, plan_on))
    return requests


def _planned_line(row: dict[str, Any]) -> PurchaseLine:
    names = ("product_url", "sku", "quantity_units", "unit_cost", "currency", "arrival_on")
    return PurchaseLine(*(row[name] for name in names))


def of_lines(
    connection: Connection, draft_request: DraftRequest, *, place: str | None, plan_on: date
) -> OrderRequest:
    """Return lines that somebody gives as a request.

    Raises:
        ConfigError: Vendor, place or a product are not known, or not one.
    """
    name = draft_request.vendor or ""
    vendor = _one(_vendors(connection, name), "vendor", name)
    url = str(vendor["vendor_url"])
    lines = tuple(_given_line(connection, line, url) for line in draft_request.lines)
    request = _order_request(connection, url, str(vendor["name"]), lines)
    minimum = connection.scalar(Decimal, ordering_reads.MINIMUM, url)
    request = replace(request, minimum_order_value=minimum)
    return _placed(connection, request, places.locations(connection), place, plan_on)


def _given_line(connection: Connection, line: RequestedLine, vendor_url: str) -> PurchaseLine:
    rows = connection.rows(ordering_reads.PRODUCTS, name=line.product)
    product = _one(rows, "product", line.product)
    url, sku = product["product_url"], product["sku"]
    if line.unit_price is not None:
        return PurchaseLine(url, sku, line.quantity_units, line.unit_price)
    costs = connection.rows(ordering_reads.COST, url, vendor_url)
    cost = costs[0] if costs else {"price": None, "currency": None}
    return PurchaseLine(url, sku, line.quantity_units, cost["price"], cost["currency"])


def _vendors(connection: Connection, name: str) -> list[dict[str, Any]]:
    return connection.rows(ordering_reads.VENDORS, name=name)


def _one(rows: list[dict[str, Any]], what: str, name: str) -> dict[str, Any]:
    if len(rows) != 1:
        raise ConfigError(
            f"{len(rows) or 'No'} {what}s are called {name!r}.",
            data="Nothing was sent.",
            step=f"Name the {what} by its {what}_url." if rows else f"See mart.{what}.",
        )
    return rows[0]


def _order_request(
    connection: Connection, vendor_url: str, name: str, lines: tuple[PurchaseLine, ...]
) -> OrderRequest:
    matches = [v for v in _vendors(connection, vendor_url) if v["vendor_url"] == vendor_url]
    if not vendor_url or not matches:
        step = "Name a main supplier of its products in Finale, then sync."
        return OrderRequest(vendor_url, name, None, lines, problem=f"No supplier is known. {step}")
    vendor, problem = matches[0], None
    if vendor["status"] not in {"PARTY_ENABLED", None}:
        problem = f"The vendor is {vendor['status']} in Finale."
        problem += " Enable it there, or order elsewhere."
    return OrderRequest(
        vendor_url, str(vendor["name"]), vendor["vendor_id"], lines, problem=problem
    )


def _placed(
    connection: Connection,
    request: OrderRequest,
    locations: list[places.Place],
    name: str | None,
    plan_on: date,
) -> OrderRequest:
    """Return a request with the place of that name, else the usual one, or why there is none."""
    place: places.Place | str
    if name is not None:
        place = places.named(locations, name)
    else:
        url = request.vendor_url
        place = places.usual(connection, locations, vendor_url=url, plan_on=plan_on)
    if isinstance(place, str):
        return replace(request, problem=request.problem or place[0].upper() + place[1:])
    return replace(request, place=place.facility_url, place_name=place.name)
