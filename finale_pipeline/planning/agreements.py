"""Buyers fix terms: they are kept with their history, and what follows is decided at once."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.decisions import decide_again
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import terms
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import decisions as decisions_reads
from finale_pipeline.warehouse.reads.stock import last_day

WORDS = {
    "vendor_url": "supplier",
    "is_never_ordered": "do not order",
    "reorder_point_units": "reorder point",
    "maximum_units": "maximum",
    "minimum_order_units": "least quantity",
    "pack_units": "pack",
    "minimum_order_value": "least value of an order",
    "lead_time_days": "agreed lead time (days)",
    "review_period_days": "days between orders",
    "cover_days": "days that an order lasts",
}
"""What each term is called on pages."""
MORE_THAN_NOTHING = ("pack_units", "review_period_days", "cover_days")


def agree(
    connection: Connection,
    settings: Settings,
    scope: str,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    actor: str,
    now: datetime,
) -> int:
    """Fix terms and decide again by them, in one transaction; return how many have other terms now.

    Args:
        changes: Terms by product_url or vendor_url; None = not fixed any more.

    Raises:
        ConfigError: A term cannot be; nothing was changed.
    """
    for values in changes.values():
        _refuse_impossible(values)
    with connection.transaction():
        moved = [
            key
            for key, values in changes.items()
            if terms.fix(connection, scope, key, values, actor=actor, now=now)
        ]
        stock_on = last_day(connection)
        if moved and stock_on is not None:
            decide_again(connection, settings, stock_on=stock_on, now=now)
    return len(moved)


def accept_points(
    connection: Connection,
    settings: Settings,
    whose: Literal["finale", "ours"],
    skus: Collection[str] | None,
    *,
    actor: str,
    now: datetime,
) -> dict[str, Decimal]:
    """Make Finale's or our reorder points the buyer's own, of some SKUs or all; return them."""
    points = {
        row["product_url"]: row["finale_point_units"]
        if whose == "finale"
        else row["our_point_units"].to_integral_value(ROUND_CEILING)
        for row in decisions_reads.point_comparison(connection)
        if skus is None or row["sku"] in skus
    }
    changes = {url: {"reorder_point_units": units} for url, units in points.items()}
    agree(connection, settings, "product", changes, actor=actor, now=now)
    return points


def vendor_url(connection: Connection, name: str) -> str:
    """Return the address of a vendor to order from; a ConfigError: not just one is called so."""
    vendors = terms.vendor_called(connection, name)
    if len(vendors) != 1:
        raise ConfigError(
            f"{len(vendors) or 'No'} vendors that can be ordered from are called {name!r}.",
            data="Nothing was changed.",
            step="Choose one of the list.",
        )
    return str(vendors[0]["vendor_url"])


def _refuse_impossible(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in MORE_THAN_NOTHING and value is not None and Decimal(value) <= 0:
            raise ConfigError(
                f"The {WORDS[name]} must be more than 0.",
                data="Nothing was changed.",
                step="Leave the field empty for what holds without it.",
            )
    least, most = values.get("minimum_order_units"), values.get("maximum_units")
    if least is not None and most is not None and least > most:
        raise ConfigError(
            "The least quantity is above the maximum.",
            data="Nothing was changed.",
            step="Lower the one or raise the other.",
        )
