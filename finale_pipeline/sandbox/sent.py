"""Reads what a client sent of an order, as Finale does: strict in little, silent in much."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from finale_pipeline.sandbox.sales import STAMP

MOST_ID, MOST_REFERENCE = 20, 60
TEXTS = tuple(
    (
        "referenceNumber publicNotes privateNotes saleSourceId fulfillmentId "
        "requestedShippingServiceId settlementTermId productPriceTypeId"
    ).split()
)
DATES = ("orderDate", "receiveDate", "shipDate", "dueDate")
LISTS = ("orderRoleList", "orderAdjustmentList", "contactMechList", "userFieldDataList")
LINE_TEXTS = ("normalizedPackingString", "itemDescription", "supplierProductId")
Find = Callable[[str, object], dict[str, Any] | None]
"""Returns the record of a collection that has a url, if there is one."""


class OrderRefused(Exception):
    """Finale does not do it.

    Args:
        why: The quirk that says in which form it is told, or `unreadable`.
    """

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


def body_of(raw: bytes) -> dict[str, Any]:
    """Return a request's JSON object, whatever its content type says."""
    try:
        sent = json.loads(raw, parse_constant=_no_number)
        json.dumps(sent, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, RecursionError) as error:
        raise OrderRefused("unreadable", "The body is not JSON.") from error
    if not isinstance(sent, dict):
        raise OrderRefused("unreadable", "The body is not a JSON object.")
    return sent


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def order_id(sent: dict[str, Any]) -> str | None:
    """Return the orderId that was asked for; None = Finale is to make one."""
    number = sent.get("orderId")
    if number is None or number == "":
        return None
    if not isinstance(number, str) or len(number) > MOST_ID or not number.isascii():
        raise OrderRefused("limit", f"orderId must be at most {MOST_ID} ASCII characters.")
    return number


def fields_of(sent: dict[str, Any], find: Find) -> dict[str, Any]:
    """Return the writable fields that were sent, without the lines; others are ignored."""
    fields: dict[str, Any] = {n: _text(n, sent[n]) for n in TEXTS if n in sent}
    fields |= {n: _date(n, sent[n]) for n in DATES if n in sent}
    fields |= {n: _objects(n, sent[n]) for n in LISTS if n in sent}
    if len(fields.get("referenceNumber") or "") > MOST_REFERENCE:
        raise OrderRefused("limit", f"referenceNumber must be at most {MOST_REFERENCE} characters.")
    if "destinationFacilityUrl" in sent:
        # What is no location is left out without a word, as products are.
        place = find("facility", sent["destinationFacilityUrl"])
        is_location = place is not None and place["parentFacilityUrl"] is None
        fields["destinationFacilityUrl"] = sent["destinationFacilityUrl"] if is_location else None
    return fields


def lines_of(sent: object, find: Find) -> list[dict[str, Any]]:
    """Return the lines that were sent; one whose productUrl is wrong has no product."""
    lines = []
    for entry in _objects("orderItemList", sent):
        product = find("product", entry.get("productUrl"))
        line = {
            "orderItemUrl": entry.get("orderItemUrl"),
            "productUrl": entry["productUrl"] if product else None,
            "productId": product["productId"] if product else None,
            "quantity": _number("quantity", entry.get("quantity")),
            "unitPrice": _number("unitPrice", entry.get("unitPrice")),
        }
        lines.append(line | {n: _text(n, entry[n]) for n in LINE_TEXTS if n in entry})
    return lines


def shipments_of(sent: dict[str, Any], find: Find) -> list[list[dict[str, Any]]]:
    """Return what each receiving shipment that is to be made with an order is to bring."""
    shipments = _objects("shipmentList", sent.get("shipmentList"))
    return [
        [line for line in lines_of(s.get("shipmentItemList"), find) if line["productUrl"]]
        for s in shipments
        if s.get("shipmentTypeId") == "PURCHASE_SHIPMENT"
    ]


def moment_of(name: str, value: object) -> datetime:
    """Return a time in UTC; without a zone it is UTC already."""
    try:
        moment = datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OrderRefused("value", f"{name} is no date.") from error


def _date(name: str, value: object) -> str | None:
    return None if value is None else moment_of(name, value).strftime(STAMP)


def _text(name: str, value: object) -> str | None:
    if isinstance(value, list | dict):
        raise OrderRefused("value", f"{name} must be text.")
    return None if value is None else str(value)


def _number(name: str, value: object) -> float | int:
    if value is None:
        return 0
    try:
        number = value if isinstance(value, int | float) else float(str(value))
    except ValueError as error:
        raise OrderRefused("value", f"{name} must be a number.") from error
    if isinstance(value, bool) or not abs(number) <= 1e12:  # infinite and NaN, too
        raise OrderRefused("value", f"{name} must be a number.")
    return number


def _objects(name: str, value: object) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise OrderRefused("value", f"{name} must be a list of objects.")
    return value
