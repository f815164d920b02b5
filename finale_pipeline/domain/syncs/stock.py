"""What a stock read says in sum, and whether it can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SMALL = 5
"""So many products may lose their stock at once without a question, in a small account."""
FEW = 4 * SMALL
"""So many products may be all that were reserved or on order, and none is any more."""


@dataclass(frozen=True, slots=True)
class StockSummary:
    """A read of stock, or the levels that are stored: how many products have units of each kind."""

    products_in_stock: int = 0
    products_in_stock_by_location: Mapping[str, int] = field(default_factory=dict)
    products_on_order: int = 0
    products_reserved: int = 0


def doubts(
    *,
    before: StockSummary,
    now: StockSummary,
    entries: int,
    products: int,
    limit: float,
    few: int = FEW,
) -> list[str]:
    """Return why a read of stock cannot be believed; empty when it can.

    A false zero is worse than an old number: whoever doubts keeps the old one.

    Args:
        limit: Share of products that may lose their stock in one read, 0 to 1.
        few: So many products may be all that had a quantity that nothing has any more.
    """
    if entries == 0 and (products > 0 or before.products_in_stock > 0):
        return [f"the answer has no rows at all, for {products} active products"]
    reasons = []
    lost = before.products_in_stock - now.products_in_stock
    if now.products_in_stock == 0 and before.products_in_stock > 0:
        reasons.append(f"no product has stock any more; {before.products_in_stock} had some")
    elif lost > max(SMALL, limit * before.products_in_stock):
        reasons.append(
            f"{now.products_in_stock} products have stock, {before.products_in_stock} had some"
            f" (more than {limit * 100:g} % fewer)"
        )
    reasons.extend(_places_gone(before, now))
    reasons.extend(_columns_gone(before, now, few))
    return reasons


def _places_gone(before: StockSummary, now: StockSummary) -> list[str]:
    return [
        f"{location} has no stock any more; it held {count} products"
        for location, count in sorted(before.products_in_stock_by_location.items())
        if count > SMALL and not now.products_in_stock_by_location.get(location)
    ]


def _columns_gone(before: StockSummary, now: StockSummary, few: int) -> list[str]:
    """Quantities that vanish all together look like a column that was left out."""
    sums = {
        "on order": (before.products_on_order, now.products_on_order),
        "reserved": (before.products_reserved, now.products_reserved),
    }
    return [
        f"nothing is {name} any more; {had} products were"
        for name, (had, has) in sums.items()
        if had > few and has == 0
    ]
