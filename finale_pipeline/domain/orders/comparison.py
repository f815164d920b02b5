"""An order as Finale shows it against the draft that was meant: the differences, in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from finale_pipeline import text
from finale_pipeline.domain.orders.purchase_orders import (
    DRAFT,
    ORDER_TYPE,
    Draft,
    PurchaseLine,
)
from finale_pipeline.text import plain

ROUNDING = Decimal("0.01")
"""What Finale may round away of each line's total."""
LONGEST = 80

Record = Mapping[str, Any]


def differences(draft: Draft, record: Record) -> list[str]:
    """Compare an order that was read back with its draft; return a sentence per difference.

    Args:
        record: What Finale shows, with its own names; anything may be in it.
    """
    expected = {
        "orderTypeId": ORDER_TYPE,
        "statusId": DRAFT,
        "orderId": draft.order_id,
        "referenceNumber": draft.reference,
        "destinationFacilityUrl": draft.facility_url,
    }
    texts = [
        f"{name} is {_short(record.get(name))}, not {_short(value)}"
        for name, value in expected.items()
        if record.get(name) != value
    ]
    suppliers = _suppliers(record)
    if suppliers != [draft.vendor_id]:
        texts.append(
            f"the supplier is {_short(', '.join(suppliers) or None)}, not {_short(draft.vendor_id)}"
        )
    return texts + _line_differences(draft, record) + _total_difference(draft, record)


def _suppliers(record: Record) -> list[str]:
    roles = _list_of(record, "orderRoleList")
    return [str(role.get("partyId")) for role in roles if role.get("roleTypeId") == "SUPPLIER"]


def _line_differences(draft: Draft, record: Record) -> list[str]:
    if not isinstance(record.get("orderItemList"), Sequence):
        return ["it shows no lines"]
    items = _list_of(record, "orderItemList")
    texts = []
    if len(items) != len(draft.lines):
        texts.append(f"it has {len(items)} lines, not {len(draft.lines)}")
    by_product: dict[str, list[Record]] = defaultdict(list)
    for place, item in enumerate(items, 1):
        if not item.get("productUrl"):
            texts.append(f"line {place} is linked to no product")
        by_product[str(item.get("productUrl"))].append(item)
    for line in draft.lines:
        texts += _of_line(line, by_product.pop(line.product_url, []))
    strange = [url for url in by_product if url not in {"None", ""}]
    return texts + [f"{_short(url)} is on it and was not meant" for url in strange]


def _of_line(line: PurchaseLine, items: Sequence[Record]) -> list[str]:
    sku = _short(line.sku)
    if len(items) != 1:
        return [f"{sku} is on it {len(items)} times, not once"]
    (item,) = items
    texts = []
    if item.get("productId") and item["productId"] != line.sku:
        texts.append(f"{sku} is called {_short(item['productId'])}")
    if number(item.get("quantity")) != line.quantity_units:
        texts.append(
            f"{sku} has the quantity {_short(item.get('quantity'))},"
            f" not {text.number(line.quantity_units)}"
        )
    if line.unit_price is not None and number(item.get("unitPrice")) != line.unit_price:
        texts.append(
            f"{sku} has the price {_short(item.get('unitPrice'))},"
            f" not {text.number(line.unit_price)}"
        )
    return texts


def _total_difference(draft: Draft, record: Record) -> list[str]:
    """Compare the sums; with a line without a price Finale's own may be in it."""
    total = number(record.get("orderItemListTotal"))
    if total is None or any(line.unit_price is None for line in draft.lines):
        return []
    if abs(total - draft.total) <= ROUNDING * len(draft.lines):
        return []
    return [f"its total is {text.number(total)}, not {text.number(draft.total)}"]


def _list_of(record: Record, name: str) -> list[Record]:
    entries = record.get(name)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, Mapping)]


def number(value: object) -> Decimal | None:
    """Return a number that Finale sent as one or as text; None when it is neither.

    >>> number("144.0"), number(2.9), number(True), number("x")
    (Decimal('144.0'), Decimal('2.9'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        result = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return result if result.is_finite() else None


def _short(value: object) -> str:
    """Return a value from outside, short and without anything that cannot be seen."""
    if value is None:
        return "none"
    return plain(value, most=LONGEST)
