"""What people decide about incidents: by command, over the API, on pages, by a mail's link."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse import incidents, outbox
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.incidents import Choice
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import products as products_reads

Rows = list[dict[str, Any]]

log = logging.getLogger(__name__)

NAMED = 3
"""Addresses of a mail that a decision by its link names."""


def product_of(connection: Connection, name: str) -> str:
    """Return the product_url of a SKU, or of itself.

    Raises:
        ConfigError: No product has it, or several share it.
    """
    rows = connection.rows(products_reads.CALLED, name, name)
    if len(rows) == 1:
        return str(rows[0]["product_url"])
    products = ", ".join(str(row["product_url"]) for row in rows)
    step = "Name one of them by its product_url." if rows else "See mart.product for what there is."
    which = f": {products}" if rows else ""
    raise ConfigError(f"{len(rows) or 'No'} products are called {name}{which}.", step=step)


def decide(connection: Connection, names: Sequence[str], choice: Choice, *, now: datetime) -> Rows:
    """Write what a person decided about some products: about all of them or none.

    Args:
        names: SKUs or product_urls.

    Raises:
        ConfigError: A product is not known, or has no open incident; nothing was written.
    """
    if choice.even_if_worse and choice.until is None:
        raise ConfigError(
            "A snooze that sleeps through everything needs an end.", step="Add --until DATE."
        )
    with connection.transaction():
        urls = {name: product_of(connection, name) for name in names}
        chosen = incidents.choose(connection, list(urls.values()), choice, now=now)
        for name, url in urls.items():
            if url not in chosen.incidents:
                raise ConfigError(
                    f"{name} has no open incident: it is neither out nor low.",
                    data="Nothing was written.",
                    step=f"Ask why: finale explain {name}",
                )
    log.info("decision by %s: %s, %s", choice.actor, choice.state, ", ".join(names))
    return [
        {
            "sku": name,
            "incident_id": chosen.incidents[url],
            "state": choice.state,
            "until": choice.until,
        }
        for name, url in urls.items()
    ]


def items_of_mail(connection: Connection, message_id: str) -> Rows:
    """Return the items that a mail is about, as they are now."""
    return connection.rows(incidents_reads.ITEMS_OF_MAIL, message_id)


def decide_by_link(
    connection: Connection,
    message_id: str,
    products: Sequence[str],
    *,
    state: str,
    until: datetime | None,
    now: datetime,
) -> Rows:
    """Decide about items of the mail whose link was used, and about no others.

    Raises:
        ConfigError: An item is not of that mail, or it is well again; nothing was written.
    """
    items = {str(row["product_url"]) for row in items_of_mail(connection, message_id)}
    others = sorted(set(products) - items)
    if others:
        raise ConfigError(
            f"{others[0]} is not of this mail.",
            data="Nothing was changed.",
            step="Reload the page.",
        )
    addresses = outbox.recipients_of(connection, message_id)  # all of them may have used it
    more = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
    actor = f"mail link to {' or '.join(addresses[:NAMED]) or 'a file'}{more}"
    choice = Choice(state, actor, "by the link of a mail", until)
    return decide(connection, products, choice, now=now)
