"""Which purchase orders' lines are stored as they are in Finale, and which are still to be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection

IS_OPEN = "status IN ('ORDER_CREATED', 'ORDER_LOCKED')"


@dataclass(frozen=True, slots=True)
class UnreadLines:
    """An order whose stored lines are not those of its present version.

    Attributes:
        items: Its lines as JSON, when the collection had them; then nothing need be asked.
        total: Sum of its lines as Finale has it.
    """

    order_url: str
    updated_at: datetime
    items: str | None
    total: float | None


def unread(connection: Connection) -> list[UnreadLines]:
    """Return them, the newest first: a throttled read should leave the oldest for later.

    Of orders that are neither drafts nor committed only those come, last, whose stored lines are
    of no version: an upgrade took back what was known of them.
    """
    return connection.objects(
        UnreadLines,
        "SELECT order_url, updated_at, payload ->> 'orderItemList' AS items,"
        " total::float8 AS total FROM core.purchase_order"
        " WHERE removed_at IS NULL AND lines_updated_at IS DISTINCT FROM updated_at"
        f" AND ({IS_OPEN} OR lines_updated_at IS NULL AND EXISTS (SELECT"
        " FROM core.purchase_order_line l WHERE l.order_url = purchase_order.order_url))"
        f" ORDER BY {IS_OPEN} DESC, updated_at DESC, order_url",
    )


def note_read(connection: Connection, staged: str) -> None:
    """Note of which version the stored lines are, by a table of order_url and updated_at."""
    connection.execute(
        "UPDATE core.purchase_order o SET lines_updated_at = s.updated_at"
        f" FROM {staged} s WHERE s.order_url = o.order_url"
    )


def note_not_shown(connection: Connection, orders: Sequence[str]) -> None:
    """Note of orders that Finale does not show any more that they need not be asked for again.

    Those that are open are: they hide what is on order, and may be back.
    """
    connection.execute(
        "UPDATE core.purchase_order SET lines_updated_at = updated_at"
        f" WHERE order_url = ANY (%s) AND NOT {IS_OPEN}",
        (list(orders),),
    )
