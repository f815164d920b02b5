"""Orders that were left open: how they ended, by a look into Finale or by a person's word."""

from finale_pipeline.errors import ConfigError
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.order_writes import OrderWrite, StateChange, move


def check(context: DraftingContext, actor: str) -> list[OrderWrite]:
    """Find out how orders ended that were left open; nothing is sent.

    Raises:
        SkippedError: Another process drafts just now.
    """
    with context.warehouse() as connection, order_writes.only_drafter(connection):
        rows = order_writes.open_rows(connection)
        if not rows:
            return []
        with context.submission(connection, actor) as submission:
            return [submission.resolve(row) for row in rows]


def abandon(
    context: DraftingContext, reference: str, *, actor: str, note: str | None
) -> OrderWrite:
    """Give an order up that was left open, after a person looked in Finale.

    Raises:
        ConfigError: There is no such order, or it is not open.
        SkippedError: Another process drafts just now.
    """
    with context.warehouse() as connection, order_writes.only_drafter(connection):
        row = order_writes.find(connection, reference)
        if row is None or row.state not in (*order_writes.OPEN, "refused"):
            state = "not known" if row is None else row.state
            raise ConfigError(
                f"Order {reference} is {state}.",
                data="Nothing was changed.",
                step="See: finale orders list",
            )
        change = StateChange("abandoned", actor, note or "given up by a person")
        return move(connection, row, change, now=context.clock())
