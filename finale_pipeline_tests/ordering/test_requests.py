"""Requests with a name: cut off, sent again, sent twice at once, and used for something else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from finale_pipeline.errors import ConfigError, InterruptedSync
from finale_pipeline.ordering.drafting import Ask, Drafted, draft, look
from finale_pipeline.ordering.order_requests import GivenLine
from finale_pipeline_tests.ordering.shelf import Shelf


def test_a_request_that_was_cut_off_gets_the_rest_and_nothing_twice(shelf: Shelf) -> None:
    shelf.plan(vendors=2)
    assert shelf.draft().is_good
    ask = Ask("buyer", again=True, accept_duplicates=True, key="k")

    def stopped_after_one() -> datetime:
        if shelf.states().count("created") > 2:
            raise InterruptedSync("Asked to stop.")
        return shelf.later()

    cut_off = draft(replace(shelf.desk, clock=stopped_after_one), ask, confirm=lambda _: False)
    assert isinstance(cut_off.error, InterruptedSync)
    assert sorted(shelf.states()) == ["created", "created", "created", "intended"]
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 96")
    rest, told = (draft(shelf.desk, ask, confirm=lambda _: False) for _ in range(2))
    assert [row.draft.sequence for row in rest.rows.values()] == [2, 2]
    assert told.rows == rest.rows
    shelf.assert_book_is_the_ledger(4)
    assert len(shelf.sandbox.posts) == 4


def test_the_same_request_twice_at_once_is_carried_out_once(shelf: Shelf) -> None:
    """The second looked before the first began, and gets its turn after the first has ended."""
    shelf.plan(vendors=1)
    shelf.draft()
    ask = Ask("buyer", again=True, key="k")

    def meanwhile(_: Drafted) -> bool:
        draft(shelf.desk, ask, confirm=lambda _: True)
        return True

    done = draft(shelf.desk, ask, confirm=meanwhile)
    assert [row.draft.sequence for row in done.rows.values()] == [2]
    shelf.assert_book_is_the_ledger(2)


@pytest.mark.parametrize(
    "other",
    [
        lambda ask, sku: replace(ask, lines=(GivenLine(sku, Decimal(7)),)),
        lambda ask, _: replace(ask, lines=(*ask.lines, ask.lines[0])),
        lambda ask, _: replace(ask, lines=()),
        lambda ask, _: replace(ask, vendor=None),
        lambda ask, _: replace(ask, again=True),
        lambda ask, _: replace(ask, place="Warehouse 1"),
    ],
)
def test_a_name_is_not_used_for_another_wish(
    shelf: Shelf, other: Callable[[Ask, str], Ask]
) -> None:
    (vendor,) = shelf.plan(vendors=1)
    query = "SELECT sku FROM mart.purchase_plan_line ORDER BY sku"
    one, two = (row[0] for row in shelf.rows(query))
    ask = Ask("buyer", vendor=vendor, lines=(GivenLine(one, Decimal(7)),), key="k")
    first = draft(shelf.desk, ask, confirm=lambda _: False)
    assert first.is_good
    with pytest.raises(ConfigError, match="another wish"):
        draft(shelf.desk, other(ask, two), confirm=lambda _: True)
    assert draft(shelf.desk, ask, confirm=lambda _: False).rows.keys() == first.rows.keys()
    shelf.assert_book_is_the_ledger(1)


def test_repeated_products_of_a_named_request_are_the_same_when_sent_again(shelf: Shelf) -> None:
    (vendor,) = shelf.plan(vendors=1)
    (sku,) = shelf.rows("SELECT sku FROM mart.purchase_plan_line ORDER BY sku LIMIT 1")[0]
    lines = (GivenLine(sku, Decimal(7)), GivenLine(sku, Decimal("5.0")))
    first, second = (shelf.draft(vendor=vendor, lines=lines, key="k") for _ in range(2))
    assert first.is_good
    assert second.rows.keys() == first.rows.keys()
    shelf.assert_book_is_the_ledger(1)


def test_what_a_person_looked_at_is_sent_and_nothing_else(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    seen = look(shelf.connection, shelf.settings, Ask("buyer"), now=shelf.later()).digest()
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 96")
    done = shelf.draft(seen=seen)
    assert (type(done.error), shelf.sandbox.posts) == (ConfigError, [])
