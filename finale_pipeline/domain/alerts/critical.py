"""Which level an item is at, and which products are watched at all."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

Level = Literal["ok", "low", "out"]
RANK: dict[str, int] = {"ok": 0, "low": 1, "out": 2}
"""The higher, the worse."""

DO_NOT_REORDER = "##doNotReorder"
ACTIVE = "PRODUCT_ACTIVE"
STOCKED = "GOOD"

LEFT_OUT = {
    "removed": "it is no longer in Finale",
    "inactive": "it is not active in Finale",
    "not_stocked": "its product type is not GOOD: it keeps no stock",
    "dropship": "its vendor ships it to customers: it never comes to stock",
    "kit": "it is put together of its components when it is sold: it keeps no stock",
    "do_not_reorder": "all its reorder rules say doNotReorder",
}
"""Why a product is not watched, by the code that tables show."""


def level_of(*, available_units: Decimal, threshold_units: Decimal) -> Level:
    """Return an item's level.

    Args:
        available_units: On hand less reserved; negative counts as out.
        threshold_units: Its reorder point, or the default where none is known.

    >>> level_of(available_units=Decimal(0), threshold_units=Decimal(10))
    'out'
    >>> level_of(available_units=Decimal(10), threshold_units=Decimal(10))
    'ok'
    >>> level_of(available_units=Decimal("9.99"), threshold_units=Decimal(10))
    'low'
    """
    if available_units <= 0:
        return "out"
    return "low" if available_units < threshold_units else "ok"


def reorder_point(rules: Iterable[tuple[str | None, Decimal | None]]) -> Decimal | None:
    """Return a product's reorder point: the sum over its places; None when no place has one.

    Args:
        rules: Method and point of each place.

    >>> reorder_point([(None, Decimal(4)), ("##salesVelocity", None), ("MANUAL", Decimal(3))])
    Decimal('7')
    >>> reorder_point([("##doNotReorder", Decimal(4))]) is None
    True
    """
    points = [p for method, p in rules if method != DO_NOT_REORDER and p is not None]
    return sum(points, Decimal(0)) if points else None


def left_out(
    *,
    is_removed: bool,
    status: str,
    product_type: str | None,
    methods: Iterable[str | None],
    is_dropship: bool = False,
    keeps_stock: bool = True,
) -> str | None:
    """Return why a product is not watched, as a key of LEFT_OUT; None when it is.

    >>> left_out(is_removed=False, status="PRODUCT_ACTIVE", product_type=None, methods=[])
    >>> left_out(is_removed=False, status="PRODUCT_ACTIVE", product_type="SERVICE", methods=[])
    'not_stocked'
    """
    rules = list(methods)
    reasons = {
        "removed": is_removed,
        "inactive": status != ACTIVE,
        "not_stocked": (product_type or STOCKED) != STOCKED,
        "dropship": is_dropship,
        "kit": not keeps_stock,
        "do_not_reorder": bool(rules) and all(method == DO_NOT_REORDER for method in rules),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
