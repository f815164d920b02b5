"""Whatever the answer is or is not: one order at most, and a ledger that says what is known."""

import pytest

from finale_pipeline.errors import PipelineError, ThrottledError
from finale_pipeline.ordering.resolving import abandon, check
from finale_pipeline_tests.ordering.shelf import Shelf
from finale_pipeline_tests.sync.helpers import sync

ENDS = [
    # fault of the creation, orders in the book, state, word of the ledger
    ("post-lost", 1, "created", ""),
    ("post-truncate", 1, "created", ""),
    ("post-status-after", 1, "created", ""),
    ("post-status-after=503", 1, "created", ""),
    ("post-html-after", 1, "created", ""),
    ("post-empty-after", 1, "created", ""),
    ("post-slow=0.2", 1, "created", ""),
    ("post-cut", 0, "unknown", "not found at"),
    ("post-status", 0, "unknown", "500"),
    ("post-status=408", 0, "unknown", "408"),
    ("post-html", 0, "unknown", "HTML"),
    ("post-empty", 0, "unknown", "empty"),
    ("post-error", 0, "refused", "internal error"),
    ("post-throttle=1", 0, "refused", "429"),
    ("post-readonly", 0, "refused", "permission denied"),
    ("post-revoke", 0, "refused", "401"),
]


@pytest.mark.parametrize("end", ENDS, ids=[row[0] for row in ENDS])
def test_every_end_of_a_creation_is_told_as_it_is_and_mended_by_the_next_run(
    shelf: Shelf, end: tuple[str, int, str, str]
) -> None:
    fault, orders, state, said = end
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault(f"{fault}@order*1")
    (row,) = shelf.draft().rows.values()
    assert (row.state, said in (row.error or "")) == (state, True), row
    assert len(shelf.book()) == orders
    assert len(shelf.sandbox.posts) == 1  # nothing is sent twice in one run
    if state == "unknown":
        assert [r.state for r in shelf.draft().rows.values()] == ["unknown"]
        assert len(shelf.sandbox.posts) == 1  # too early to know
        shelf.later(minutes=20)
    assert [r.state for r in shelf.draft().rows.values()] == ["created"]
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 2 - orders


@pytest.mark.parametrize("form", ["200", "400", "403", "500"])
def test_a_lost_order_that_shows_late_is_never_made_twice(shelf: Shelf, form: str) -> None:
    """Finale's collections lag by an hour here: only the clash of the number tells."""
    shelf.plan(vendors=1)
    quirks = shelf.account.quirks
    quirks.clash, quirks.shown_after_seconds = form, 3600
    shelf.sandbox.add_fault("post-lost@order*1")
    assert [r.state for r in shelf.draft().rows.values()] == ["unknown"]
    shelf.later(minutes=20)
    (row,) = shelf.draft().rows.values()
    assert (row.state, row.attempts) == ("unknown", 2)
    assert len(shelf.book()) == 1
    shelf.later(minutes=60)
    assert [r.state for r in check(shelf.context, "buyer")] == ["created"]
    shelf.assert_book_is_the_ledger(1)


def test_an_order_under_a_plain_address_is_found_where_no_collection_shows_it(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.account.quirks.url_differs = False
    shelf.account.quirks.shown_after_seconds = 3600
    shelf.sandbox.add_fault("post-lost@order*1")
    assert [r.state for r in shelf.draft().rows.values()] == ["created"]
    shelf.assert_book_is_the_ledger(1)


def test_a_filter_that_finale_does_not_know_is_no_obstacle(shelf: Shelf) -> None:
    """Only the look at recent changes counts; here every filter by a field answers nothing."""
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault("post-lost@order*1")
    shelf.sandbox.add_fault("empty-object@order*2+3")  # both filters, after the POST
    assert [r.state for r in shelf.draft().rows.values()] == ["created"]
    shelf.assert_book_is_the_ledger(1)


GARBAGE = [
    ("quantity", "has the quantity 121, not 12"),
    ("price", "has the price"),
    ("product", "is on it and was not meant"),
    ("unlinked", "line 1 is linked to no product"),
    ("supplier", "the supplier is"),
    ("missing-line", "it has 1 lines, not 2"),
    ("extra-line", "it has 3 lines, not 2"),
    ("place", "destinationFacilityUrl is none"),
    ("reference", "referenceNumber is none"),
    ("status", "statusId is ORDER_LOCKED, not ORDER_CREATED"),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=[row[0] for row in GARBAGE])
def test_what_finale_made_otherwise_is_named(shelf: Shelf, garbage: tuple[str, str]) -> None:
    what, said = garbage
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault(f"post-garbage={what}@order*1")
    (row,) = shelf.draft().rows.values()
    assert row.state == "differs"
    assert said in "; ".join(row.differences)
    (again,) = shelf.draft().rows.values()
    assert again.state == "differs"
    assert len(shelf.book()) == len(shelf.sandbox.posts) == 1


@pytest.mark.parametrize(
    "fault", ["html", "truncate", "error-object", "empty", "status=503", "reset-mid", "reset"]
)
def test_an_order_that_cannot_be_read_back_waits_for_the_next_look(
    shelf: Shelf, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)  # the pauses between attempts
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault(f"{fault}@record")
    done = shelf.draft()
    (row,) = done.rows.values()
    assert (row.state, done.is_good) == ("unverified", False), done
    assert row.order_url == shelf.book()[0]["orderUrl"]
    assert "cannot be read back" in (row.error or "")
    shelf.sandbox.clear_faults()
    assert [r.state for r in check(shelf.context, "buyer")] == ["created"]
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


@pytest.mark.parametrize("fault", ["status=503@order", "html@order", "truncate@order", "revoke"])
def test_nothing_is_sent_while_finale_does_not_say_what_it_has(
    shelf: Shelf, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault(fault)
    done = shelf.draft()
    assert isinstance(done.error, PipelineError)
    assert (shelf.states(), shelf.sandbox.posts) == (["intended"], [])
    shelf.sandbox.clear_faults()
    assert shelf.draft().is_good
    shelf.assert_book_is_the_ledger(1)


def test_a_feed_that_is_cut_or_shows_nothing_proves_nothing(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault("post-cut@order*1")
    shelf.draft()
    shelf.later(minutes=30)
    shelf.sandbox.add_fault("empty-object@order")
    assert [r.state for r in shelf.draft().rows.values()] == ["unknown"]
    shelf.sandbox.clear_faults()
    shelf.settings = shelf.settings.model_copy(update={"row_cap": 2})
    assert [r.state for r in shelf.draft().rows.values()] == ["unknown"]
    assert len(shelf.sandbox.posts) == 1


def test_an_order_a_person_gave_up_is_not_sent_again(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.sandbox.add_fault("post-cut@order*1")
    (reference,) = shelf.draft().rows
    given_up = abandon(shelf.context, reference, actor="buyer", note="not there")
    assert given_up.state == "abandoned"
    shelf.later(minutes=30)
    assert [p.verdict for p in shelf.draft().proposals] == ["conflict"]
    assert len(shelf.sandbox.posts) == 1
    assert list(shelf.draft(again=True).rows) == [f"{reference}-2"]
    shelf.assert_book_is_the_ledger(1)
    events = shelf.rows(
        "SELECT from_state, state, actor FROM ops.purchase_order_write_event"
        " WHERE reference = %s ORDER BY event_id", reference,
    )  # fmt: skip
    assert events == [
        (None, "intended", "buyer"), ("intended", "sent", "buyer"), ("sent", "unknown", "buyer"),
        ("unknown", "abandoned", "buyer"),
    ]  # fmt: skip


def test_a_ledger_that_was_lost_finds_its_order_in_finale(shelf: Shelf) -> None:
    """A database put back from a backup has forgotten the order; its reference has not changed."""
    shelf.plan(vendors=1)
    shelf.draft()
    shelf.connection.execute(
        "TRUNCATE ops.purchase_order_write, ops.purchase_order_write_event CASCADE"
    )
    assert shelf.draft().is_good
    shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


def test_a_person_may_commit_the_order_and_only_then_it_is_on_order(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    product = shelf.rows("SELECT min(product_url) FROM plan.purchase_order_draft_line")[0][0]
    (row,) = shelf.draft().rows.values()
    query = "SELECT on_order_units FROM core.stock_level WHERE product_url = %s"
    before = shelf.rows(query, product)
    shelf.later(minutes=5)
    sync(shelf.settings, "sales")
    sync(shelf.settings, "inventory")
    status = "SELECT status, is_open FROM core.purchase_order WHERE order_url = %s"
    assert shelf.rows(status, row.order_url) == [("ORDER_CREATED", False)]
    lines = "SELECT sum(open_units) FROM core.purchase_order_line WHERE order_url = %s"
    assert shelf.rows(lines, row.order_url) == [(0,)]
    assert shelf.rows(query, product) == before
    assert row.order_url is not None
    shelf.account.book.act(row.order_url, "lock")
    shelf.later(minutes=5)
    sync(shelf.settings, "sales")
    sync(shelf.settings, "inventory")
    assert shelf.rows(status, row.order_url) == [("ORDER_LOCKED", True)]
    assert shelf.rows(query, product) == [(before[0][0] + 12,)]
    shown = shelf.rows("SELECT state, finale_status, is_open FROM mart.purchase_order_sent")
    assert shown == [("created", "ORDER_LOCKED", True)]


def test_a_used_up_budget_stops_before_anything_is_noted_as_sent(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.settings = shelf.settings.model_copy(update={"post_per_minute": 10})
    shelf.connection.execute(
        "INSERT INTO ops.request (sent_at, method, is_collection)"
        " SELECT %s::timestamptz + interval '30 s', 'POST', false FROM generate_series(1, 10)",
        (shelf.account.clock.now(),),
    )
    done = shelf.draft()
    assert isinstance(done.error, ThrottledError)
    assert (shelf.states(), shelf.sandbox.posts) == (["intended"], [])
    shelf.later(minutes=2)
    assert shelf.draft().is_good
    shelf.assert_book_is_the_ledger(1)
