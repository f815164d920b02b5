"""The account of the settings, and a client of it within the shared budgets."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from finale_pipeline.clock import Clock, utc_now
from finale_pipeline.errors import ConfigError
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.client import FinaleClient
from finale_pipeline.finale.source_time import NEAR
from finale_pipeline.finale.transport import Source
from finale_pipeline.warehouse.requests import OTHERS, Limits, SharedLedger

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings


def source_of(settings: "Settings") -> Source:
    """Return the account to read.

    Raises:
        ConfigError: None is configured.
    """
    if settings.account is None or settings.api_key is None or settings.api_secret is None:
        raise ConfigError(
            "No account is configured.",
            step="Set FINALE_ACCOUNT, FINALE_API_KEY and FINALE_API_SECRET; or `finale dev`,"
            " which brings a sandbox.",
        )
    return Source(
        base_url=settings.base_url,
        account=settings.account,
        key=settings.api_key.get_secret_value(),
        secret=settings.api_secret.get_secret_value(),
    )


def second_read_seconds(settings: "Settings") -> float:
    """Return how long to wait before a doubtful answer is asked for again.

    After half a minute a stock that was half written is whole; a simulated one never is half.
    """
    return 0 if settings.reads_sandbox else 30


@contextmanager
def open_client(
    settings: "Settings",
    url: str,
    *,
    share: float = OTHERS,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    **options: Any,
) -> Iterator[FinaleClient]:
    """Open a client of the account, within the budgets that all processes share.

    Args:
        url: The warehouse, where the requests are counted.
        share: How much of each budget it may use up.
        options: As `Transport` takes them; the clock of a simulated account may be moved, and is
            believed unless they say otherwise.
    """
    limits = Limits(
        settings.get_per_minute, settings.post_per_minute, settings.collections_per_hour
    )
    ledger = SharedLedger(url, limits, share=share)
    budget = Budget(ledger, clock=clock, sleep=sleep)
    near = None if settings.reads_sandbox else NEAR
    try:
        with FinaleClient(
            source_of(settings),
            budget=budget,
            clock=clock,
            sleep=sleep,
            **{"near": near, **options},
        ) as client:
            yield client
    finally:
        ledger.close()
