"""Drafting reads the plan once: what is asked of the database does not grow with each look."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Cursor

from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.drafting import draft
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.ordering.shelf import Shelf


class CountingContext(DraftingContext):
    """A context that keeps the statements which go through its connections."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf.settings, shelf.account.clock.now, shelf.wait)
        object.__setattr__(self, "statements", [])

    statements: list[str]

    @contextmanager
    def warehouse(self) -> Iterator[Connection]:
        statements = self.statements

        class CountingCursor(Cursor[Any]):
            def execute(self, query: Any, *values: Any, **options: Any) -> Any:
                statements.append(query if isinstance(query, str) else bytes(query).decode())
                return super().execute(query, *values, **options)

        with super().warehouse() as connection:
            connection.cursor_factory = CountingCursor
            yield connection


def test_the_plan_is_read_once_however_many_orders_it_makes(shelf: Shelf) -> None:
    shelf.plan(vendors=3)
    context = CountingContext(shelf)
    drafted = draft(context, DraftRequest("buyer"), confirm=lambda _: False)
    assert [row.state for row in drafted.rows.values()] == ["created"] * 3
    plans = [s for s in context.statements if "FROM mart.purchase_plan WHERE" in s]
    lines = [s for s in context.statements if "FROM mart.purchase_plan_line" in s]
    assert (len(plans), len(lines)) == (1, 3)
    assert len(context.statements) <= 110
    shelf.assert_book_is_the_ledger(3)
