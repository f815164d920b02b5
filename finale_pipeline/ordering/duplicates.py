"""What is ordered already: open orders in Finale, and drafts that nobody has committed yet."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from finale_pipeline.domain.orders.purchase_orders import Draft
from finale_pipeline.text import number
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import IN_FINALE, MAYBE
from finale_pipeline.warehouse.reads import ordering as ordering_reads

LONG_AGO = timedelta(hours=1)
"""Orders that colleagues made in Finale meanwhile are not known."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An order that has a product already.

    Attributes:
        order_id: The number people see; ours where Finale did not show it yet.
        status: Of it in Finale; of a draft of ours its state in the ledger.
        is_ours: Whether it is a draft of ours that nobody has committed.
    """

    product_url: str
    order_id: str | None
    order_url: str | None
    status: str
    due_on: date | None
    units: Decimal
    is_ours: bool

    def text(self) -> str:
        """Return it in words."""
        due = f", due {self.due_on}" if self.due_on else ""
        kind = "our draft" if self.is_ours else "order"
        return f"{number(self.units)} units on {kind} {self.order_id} ({self.status}{due})"


def duplicates(connection: Connection, draft: Draft) -> dict[str, list[Duplicate]]:
    """Return, by product, the orders other than this one that have it already."""
    values = {
        "products": [line.product_url for line in draft.lines],
        "own": draft.reference,
        "own_id": draft.order_id,
        "account": draft.account,
        "states": [*IN_FINALE, *MAYBE],
    }
    by_product: dict[str, list[Duplicate]] = defaultdict(list)
    for query in (ordering_reads.OPEN, ordering_reads.OURS):
        for duplicate in connection.objects(Duplicate, query, **values):
            by_product[duplicate.product_url].append(duplicate)
    return by_product


def unknown_since(connection: Connection, now: datetime) -> str | None:
    """Return in words that open orders were read long ago; None when they were read lately."""
    read_at = connection.scalar(datetime, ordering_reads.READ_AT)
    if read_at is not None and now - read_at <= LONG_AGO:
        return None
    when = "never" if read_at is None else f"{read_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"open orders were last read: {when}; what colleagues ordered in Finale since is not"
        " known here. To read them now: finale sync sales"
    )
