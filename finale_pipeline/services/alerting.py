"""`finale alerts …`: what is open, what was decided, what would be mailed, whether mails arrive."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError
from finale_pipeline.notify import decisions
from finale_pipeline.notify.decisions import Rows
from finale_pipeline.warehouse import incidents, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings


@contextmanager
def warehouse(settings: "Settings") -> Iterator[Connection]:
    """Open the warehouse of these settings, at this program's schema."""
    with connect(database_url(settings), name="finale alerts") as connection:
        schema.require_current(connection)
        yield connection


def decide(
    settings: "Settings",
    names: list[str],
    state: str,
    *,
    note: str | None = None,
    until: str | None = None,
    even_if_worse: bool = False,
) -> Rows:
    """Write what the user of this process decided about some products.

    Args:
        names: SKUs or product_urls.
        state: acknowledged, snoozed, ordered or open.
        until: Date or time, in the account's zone, at which a snooze ends; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep.

    Raises:
        ConfigError: A product is not known, or has no open incident; nothing was written.
    """
    end = _moment(settings, until)
    choice = incidents.Choice(state, getpass.getuser(), note, end, even_if_worse)
    with warehouse(settings) as connection:
        return decisions.decide(connection, names, choice, now=utc_now())


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
