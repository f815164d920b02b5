"""`finale alerts …`: what is open, what was decided, what would be mailed, whether mails arrive."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from finale_pipeline.errors import ConfigError
from finale_pipeline.notify import links
from finale_pipeline.sync.source import utc_now
from finale_pipeline.warehouse import incidents, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url, rows_of

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

Rows = list[dict[str, Any]]


NAMED = 3
"""Addresses of a mail that a decision by its link names."""


@contextmanager
def warehouse(settings: "Settings") -> Iterator[Connection]:
    """Open the warehouse of these settings, at this program's schema."""
    with connect(database_url(settings), name="finale alerts") as connection:
        schema.require_current(connection)
        yield connection


def product_of(connection: Connection, name: str) -> str:
    """Return the product_url of a SKU, or of itself.

    Raises:
        ConfigError: No product has it, or several share it.
    """
    rows = rows_of(
        connection, "SELECT product_url FROM core.product WHERE sku = %s OR product_url = %s",
        name, name,
    )  # fmt: skip
    if len(rows) == 1:
        return str(rows[0]["product_url"])
    found = ", ".join(str(row["product_url"]) for row in rows)
    raise ConfigError(
        f"{len(rows) or 'No'} products are called {name}{': ' + found if found else ''}.",
        step="Name one of them by its product_url."
        if rows
        else "See mart.product for what there is.",
    )


def decide(
    settings: "Settings", names: list[str], state: str, *, note: str | None = None,
    until: str | None = None, even_if_worse: bool = False, actor: str | None = None,
) -> Rows:  # fmt: skip
    """Write what a person decided about some products.

    Args:
        settings: Which warehouse.
        names: SKUs or product_urls.
        state: acknowledged, snoozed, ordered or open.
        note: Why, in their words.
        until: Date or time, in the account's zone, at which a snooze ends; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep.
        actor: Who decides; None = the user of this process.

    Raises:
        ConfigError: A product is not known, or has no open incident; nothing was written.
    """
    end = _moment(settings, until)
    if even_if_worse and end is None:
        raise ConfigError(
            "A snooze that sleeps through everything needs an end.", step="Add --until DATE."
        )
    choice = incidents.Choice(state, actor or getpass.getuser(), note, end, even_if_worse)
    done = []
    with warehouse(settings) as connection, connection.transaction():
        for name in names:
            product = product_of(connection, name)
            number = incidents.choose(connection, product, choice, now=utc_now())
            if number is None:
                raise ConfigError(
                    f"{name} has no open incident: it is neither out nor low.",
                    data="Nothing was written.",
                    step=f"Ask why: finale explain {name}",
                )
            done.append({"sku": name, "incident_id": number, "state": state, "until": end})
    return done


def items_by_link(settings: "Settings", token: str) -> Rows:
    """Return the items of the mail that a signed link came with; changes nothing.

    Raises:
        ConfigError: The link is forged, or its time is over.
    """
    message_id = links.read(links.key_of(settings.home), token, now=utc_now())
    with warehouse(settings) as connection:
        return rows_of(
            connection,
            "SELECT DISTINCT p.sku, p.name, e.subject AS product_url, i.level,"
            " coalesce(i.state, 'resolved') AS state FROM ops.incident_event e"
            " JOIN ops.outbox o USING (message_id)"
            " JOIN core.product p ON p.product_url = e.subject"
            " LEFT JOIN ops.incident i ON i.subject = e.subject AND i.closed_at IS NULL"
            " WHERE %s IN (o.message_id, o.merged_into) ORDER BY p.sku",
            message_id,
        )


def decide_by_link(
    settings: "Settings", token: str, products: list[str], state: str, *, until: str | None = None
) -> Rows:
    """Decide about items of the mail that a signed link came with, and about no others.

    Raises:
        ConfigError: The link is not valid, or an item is not of its mail, or it is well again.
    """
    mine = {str(row["product_url"]) for row in items_by_link(settings, token)}
    others = sorted(set(products) - mine)
    if others:
        raise ConfigError(
            f"{others[0]} is not of this mail.",
            data="Nothing was changed.",
            step="Reload the page.",
        )
    return decide(
        settings, products, state, until=until, note="by the link of a mail",
        actor=_reader_of(settings, token),
    )  # fmt: skip


def _reader_of(settings: "Settings", token: str) -> str:
    """Return who may have used a mail's link: it went to all its recipients alike."""
    message_id = links.read(links.key_of(settings.home), token, now=utc_now())
    with warehouse(settings) as connection:
        rows = rows_of(
            connection, "SELECT recipients FROM ops.outbox WHERE message_id = %s", message_id
        )
    addresses = [str(address) for row in rows for address in row["recipients"]]
    more = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
    return f"mail link to {' or '.join(addresses[:NAMED]) or 'a file'}{more}"


def _moment(settings: "Settings", text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        local = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        try:
            local = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(
                f"{text!r} is no date.", step="Write it as 2026-04-01 or 2026-04-01T08:00."
            ) from error
    return local if local.tzinfo else local.replace(tzinfo=settings.zone)
