"""Requests that their sender named: the same name and the same wish bring the same orders."""

from collections.abc import Iterable
from datetime import datetime

from finale_pipeline.errors import ConfigError
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import Intent, OrderWrite


def noted_orders(connection: Connection, request: DraftRequest) -> list[OrderWrite]:
    """Return what the ledger has of a request of this name.

    Raises:
        ConfigError: The name was used for something else.
    """
    rows = order_writes.of_key(connection, request.key) if request.key else []
    for row in rows:
        if row.request_hash not in {None, request.fingerprint()}:
            raise ConfigError(
                f"This Idempotency-Key was used for order {row.reference}, and for another wish.",
                data="Nothing was sent.",
                step="Use a new key for another order.",
            )
    return rows


def noted(connection: Connection, intents: Iterable[Intent], *, now: datetime) -> list[Intent]:
    """Write down all that a named request wants before any of it is sent; return it.

    So whoever sends it again, after it was cut off, gets the rest and nothing else.
    """
    expected = list(intents)
    if len(expected) > 1:
        with connection.transaction():
            for intent in expected:
                if intent.key is not None:
                    order_writes.intend(connection, intent, now=now)
    return expected
