"""Builds an invented account of any size from a seed."""

import heapq
from datetime import timedelta

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.catalog import Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.purchases import purchased
from finale_pipeline.sandbox.sales import invented


def invented_account(
    *,
    products: int,
    seed: int = 7,
    clock: Clock | None = None,
    years: float = 3,
    sales_days: int = 60,
    odd: bool = True,
) -> Account:
    """Build an account.

    Args:
        seed: The same seed and clock give the same account.
        clock: Its time; the newest product was updated just before.
        years: Over how long the products' stamps are spread.
        odd: Whether it has what drills want and a healthy shop has not; see `Maker`.
    """
    clock = clock or Clock()
    now = clock.now().replace(microsecond=0)
    maker = Maker(products, seed=seed, now=now, span=timedelta(days=365 * years), odd=odd)
    first = now - timedelta(days=sales_days)
    events = heapq.merge(
        invented(maker.sold(), seed, first),
        purchased(maker.bought(), seed, first),
        key=lambda event: event.at,
    )
    return Account(maker, clock, events, seed)
