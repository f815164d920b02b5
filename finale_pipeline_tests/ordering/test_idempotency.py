"""Requests with a name: cut off, sent again, sent twice at once, and used for something else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from finale_pipeline.errors import ConfigError, InterruptedSync
from finale_pipeline.ordering.draft_request import DraftRequest, RequestedLine
from finale_pipeline.ordering.drafting import DraftResult, draft, preview
from finale_pipeline_tests.ordering.shelf import Shelf


def test_a_request_that_was_cut_off_gets_the_rest_and_nothing_twice(shelf: Shelf) -> None:
    shelf.plan(vendors=2)
    assert shelf.draft().is_good
    request = DraftRequest("buyer", again=True, accept_duplicates=True, key="k")

    def stopped_after_one() -> datetime:
        if shelf.states().count("created") > 2:
            raise InterruptedSync("Asked to stop.")
        return shelf.later()

    cut_off = draft(
        replace(shelf.context, clock=stopped_after_one), request, confirm=lambda _: False
    )
    assert isinstance(cut_off.error, InterruptedSync)
    assert sorted(shelf.states()) == ["created", "created", "created", "intended"]
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 96")
    rest, told = (draft(shelf.context, request, confirm=lambda _: False) for _ in range(2))
    assert [row.draft.sequence for row in rest.rows.values()] == [2, 2]
    assert told.rows == rest.rows
    shelf.assert_book_is_the_ledger(4)
    assert len(shelf.sandbox.posts) == 4


def test_the_same_request_twice_at_once_is_carried_out_once(shelf: Shelf) -> None:
    """The second looked before the first began, and gets its turn after the first has ended."""
    shelf.plan(vendors=1)
    shelf.draft()
    request = DraftRequest("buyer", again=True, key="k")

    def meanwhile(_: DraftResult) -> bool:
        draft(shelf.context, request, confirm=lambda _: True)
        return True

    done = draft(shelf.context, request, confirm=meanwhile)
    assert [row.draft.sequence for row in done.rows.values()] == [2]
    shelf.assert_book_is_the_ledger(2)


@pytest.mark.parametrize(
    "other",
    [
        lambda request, sku: replace(request, lines=(RequestedLine(sku, Decimal(7)),)),
        lambda request, _: replace(request, lines=(*request.lines, request.lines[0])),
        lambda request, _: replace(request, lines=()),
        lambda request, _: replace(request, vendor=None),
        lambda request, _: replace(request, again=True),
        lambda request, _: replace(request, place="Warehouse 1"),
    ],
)
def test_a_name_is_not_used_for_another_wish(
    shelf: Shelf, other: Callable[[DraftRequest, str], DraftRequest]
) -> None:
    (vendor,) = shelf.plan(vendors=1)
    query = "SELECT sku FROM mart.purchase_plan_line ORDER BY sku"
    one, two = (row[0] for row in shelf.rows(query))
    request = DraftRequest("buyer", vendor=vendor, lines=(RequestedLine(one, Decimal(7)),), key="k")
    first = draft(shelf.context, request, confirm=lambda _: False)
    assert first.is_good
    with pytest.raises(ConfigError, match="another wish"):
        draft(shelf.context, other(request, two), confirm=lambda _: True)
    assert draft(shelf.context, request, confirm=lambda _: False).rows.keys() == first.rows.keys()
    shelf.assert_book_is_the_ledger(1)


def test_repeated_products_of_a_named_request_are_the_same_when_sent_again(shelf: Shelf) -> None:
    (vendor,) = shelf.plan(vendors=1)
    (sku,) = shelf.rows("SELECT sku FROM mart.purchase_plan_line ORDER BY sku LIMIT 1")[0]
    lines = (RequestedLine(sku, Decimal(7)), RequestedLine(sku, Decimal("5.0")))
    first, second = (shelf.draft(vendor=vendor, lines=lines, key="k") for _ in range(2))
    assert first.is_good
    assert second.rows.keys() == first.rows.keys()
    shelf.assert_book_is_the_ledger(1)


def test_what_a_person_looked_at_is_sent_and_nothing_else(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    seen = preview(
        shelf.connection, shelf.settings, DraftRequest("buyer"), now=shelf.later()
    ).digest()
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 96")
    done = shelf.draft(seen=seen)
    assert (type(done.error), shelf.sandbox.posts) == (ConfigError, [])
