"""From plan to draft: what is sent, what is not, and what a person is asked before."""

import json
from decimal import Decimal

import pytest

from finale_pipeline.errors import ConfigError, NeedsDecision, WritesOff
from finale_pipeline.ordering.draft_request import DraftRequest, RequestedLine
from finale_pipeline.ordering.drafting import preview
from finale_pipeline_tests.conftest import NOW
from finale_pipeline_tests.ordering.shelf import PLACE, TODAY, Shelf


def test_a_plan_becomes_one_draft_per_vendor(shelf: Shelf) -> None:
    vendors = shelf.plan(vendors=2, lines=3)
    done = shelf.draft()
    assert done.is_good
    assert {row.state for row in done.rows.values()} == {"created"}
    assert {row.vendor_url for row in done.rows.values()} == set(vendors)
    shelf.assert_book_is_the_ledger(2)
    assert [p.target for p in shelf.sandbox.posts] == ["order", "order"]
    hashes = {row[0] for row in shelf.rows("SELECT body_hash FROM ops.purchase_order_write")}
    assert {post.body_sha256 for post in shelf.sandbox.posts} == hashes


def test_the_same_plan_twice_is_one_order(shelf: Shelf) -> None:
    shelf.plan()
    first = shelf.draft()
    second = shelf.draft()
    assert {p.verdict for p in second.proposals} == {"already"}
    assert second.rows.keys() == first.rows.keys()
    assert second.is_good
    shelf.assert_book_is_the_ledger(2)
    assert len(shelf.sandbox.posts) == 2


def test_another_quantity_is_refused_and_again_makes_a_second_order(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    (reference,) = shelf.draft().rows
    shelf.connection.execute("UPDATE plan.purchase_order_draft_line SET quantity_units = 60")
    conflict = shelf.draft()
    assert [p.verdict for p in conflict.proposals] == ["conflict"]
    assert "--again makes one more" in conflict.proposals[0].says
    assert not conflict.is_good
    with pytest.raises(NeedsDecision, match="our draft FP"):
        shelf.draft(again=True)
    second = shelf.draft(again=True, accept_duplicates=True)
    assert list(second.rows) == [f"{reference}-2"]
    shelf.assert_book_is_the_ledger(2)
    assert [p.verdict for p in shelf.draft().proposals] == ["already"]
    assert len(shelf.sandbox.posts) == 2


def test_without_permission_nothing_is_sent_and_a_dry_run_shows_the_text(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.settings = shelf.settings.model_copy(update={"allow_writes": False})
    with pytest.raises(WritesOff, match="FINALE_ALLOW_WRITES"):
        shelf.draft()
    made = preview(shelf.connection, shelf.settings, DraftRequest("buyer"), now=NOW)
    ((reference, text),) = made.bodies.items()
    sent = json.loads(text)
    assert (sent["statusId"], sent["referenceNumber"]) == ("ORDER_CREATED", reference)
    assert sent["destinationFacilityUrl"] == PLACE
    assert sent["orderDate"] == "2026-03-09T12:00:00"
    assert sent["receiveDate"] == "2026-03-23T12:00:00"
    assert shelf.sandbox.posts == []
    assert shelf.states() == []


def test_how_old_our_knowledge_of_other_orders_is_stands_before_the_button(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    read = "UPDATE ops.sync_run SET finished_at = %s::timestamptz - %s * interval '1 minute'"
    for minutes, warned in ((59, False), (61, True)):
        shelf.connection.execute(read.encode(), (NOW, minutes))
        (proposal,) = preview(
            shelf.connection, shelf.settings, DraftRequest("buyer"), now=NOW
        ).proposals
        assert any("finale sync sales" in text for text in proposal.warnings) is warned
    assert shelf.draft().is_good
    assert "finale sync sales" in str(shelf.rows("SELECT warnings FROM ops.purchase_order_write"))


def test_what_a_draft_of_ours_has_is_held_back_from_the_next_plan(shelf: Shelf) -> None:
    shelf.plan(vendors=1, lines=2)
    shelf.draft()
    shelf.later(days=1)
    tomorrow = shelf.account.clock.now().date()
    shelf.plan(vendors=1, lines=3, on=tomorrow)
    made = shelf.draft()
    (proposal,) = made.proposals
    assert [why.partition(";")[0][-9:] for _, why in proposal.excluded_lines] == ["(created)"] * 2
    assert proposal.draft is not None
    assert len(proposal.draft.lines) == 1
    shelf.assert_book_is_the_ledger(2)


def test_an_open_order_for_the_same_product_is_shown_before_anything_is_sent(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    product = shelf.rows("SELECT min(product_url) FROM plan.purchase_order_draft_line")[0][0]
    shelf.connection.execute(
        "INSERT INTO core.purchase_order (order_url, order_id, status, is_open, updated_at,"
        " payload, first_seen_at, changed_at, row_hash)"
        " VALUES ('/o/1', 'PO-1', 'ORDER_LOCKED', true, now(), '{}', now(), now(), 0)"
    )
    shelf.connection.execute(
        "INSERT INTO core.purchase_order_line (order_url, position, product_url, quantity_units,"
        " open_units, changed_at, row_hash) VALUES ('/o/1', 1, %s, 9, 7, now(), 0)",
        (product,),
    )
    shown: list[object] = []

    def disagree(made: object) -> bool:
        shown.append(made)
        return False

    with pytest.raises(NeedsDecision, match=r"7 units on order PO-1 \(ORDER_LOCKED\)") as refused:
        shelf.draft(confirm=disagree)
    assert len(shown) == 1
    assert refused.value.duplicates[0]["order_id"] == "PO-1"
    assert shelf.sandbox.posts == []
    assert shelf.draft(confirm=lambda _: True).is_good
    assert "PO-1" in str(shelf.rows("SELECT warnings FROM ops.purchase_order_write"))


def test_lines_that_somebody_gives_are_an_order_too(shelf: Shelf) -> None:
    shelf.plan(vendors=1, lines=2)
    sku, vendor = shelf.rows(
        "SELECT l.sku, v.name FROM plan.purchase_order_draft_line l JOIN core.vendor v"
        " USING (vendor_url) ORDER BY l.sku LIMIT 1"
    )[0]
    shelf.connection.execute("DELETE FROM plan.purchase_order_draft_line")
    line = RequestedLine(sku, Decimal("2.5"), Decimal("1.000001"))
    request = {"lines": (line,), "vendor": vendor, "place": "10001", "key": "abc"}
    done = shelf.draft(**request)
    assert done.is_good, done
    assert shelf.draft(**request).rows.keys() == done.rows.keys()
    shelf.assert_book_is_the_ledger(1)
    with pytest.raises(ConfigError, match="Idempotency-Key was used"):
        shelf.draft(**request | {"lines": (RequestedLine(sku, Decimal(9)),)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE core.facility SET status = 'FACILITY_INACTIVE'", "of 0 active locations"),
        ("UPDATE core.vendor SET status = 'PARTY_DISABLED'", "PARTY_DISABLED in Finale"),
        ("UPDATE core.vendor SET vendor_id = NULL", "id of its vendor is not known"),
        ("UPDATE core.product SET status = 'PRODUCT_INACTIVE'", "not active in Finale any more"),
        ("UPDATE core.product SET removed_at = now()", "no product of Finale any more"),
        ("UPDATE plan.purchase_order_draft_line SET quantity_units = -1", "not above zero"),
    ],
)
def test_what_cannot_be_ordered_says_why(shelf: Shelf, change: str, said: str) -> None:
    shelf.plan(vendors=1)
    shelf.connection.execute(change.encode())
    (proposal,) = shelf.draft().proposals
    assert proposal.verdict == "nothing"
    assert said in proposal.says
    assert shelf.sandbox.posts == []


def test_the_place_is_the_settings_else_that_of_the_last_order(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    now = preview(shelf.connection, shelf.settings, DraftRequest("buyer"), now=NOW)
    assert now.proposals[0].request.place == PLACE
    other = shelf.rows(
        "SELECT facility_url, name FROM core.facility WHERE parent_url IS NULL"
        " AND facility_url <> %s LIMIT 1", PLACE,
    )  # fmt: skip
    if other:
        there = shelf.settings.model_copy(update={"order_facility": other[0][1]})
        made = preview(shelf.connection, there, DraftRequest("buyer"), now=NOW)
        assert made.proposals[0].request.place == other[0][0]
    with pytest.raises(ConfigError, match="no location of the account"):
        preview(shelf.connection, shelf.settings, DraftRequest("buyer", place="Atlantis"), now=NOW)


def test_an_old_plan_and_another_accounts_data_are_not_ordered_from(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.later(days=20)
    with pytest.raises(ConfigError, match=f"plan of {TODAY} is not one to order by"):
        shelf.draft()
    shelf.connection.execute("UPDATE ops.account SET base_url = 'https://app.finaleinventory.com'")
    with pytest.raises(ConfigError, match="were read from"):
        shelf.draft()


def test_a_drafted_product_counts_as_ordered_for_alerts(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    product = shelf.rows("SELECT min(product_url) FROM plan.purchase_order_draft_line")[0][0]
    shelf.connection.execute(
        "INSERT INTO ops.incident (subject, state, level, opened_at) VALUES (%s, 'open', 'out',"
        " now()) ON CONFLICT DO NOTHING", (product,),
    )  # fmt: skip
    (reference,) = shelf.draft().rows
    query = "SELECT state, note, decided_by FROM ops.incident WHERE subject = %s"
    assert shelf.rows(query, product) == [("ordered", f"drafted in Finale as {reference}", "buyer")]


def test_a_newer_plan_that_orders_nothing_leaves_the_older_one_alone(shelf: Shelf) -> None:
    shelf.plan(vendors=1)
    shelf.later(days=1)
    shelf.plan(vendors=0, on=shelf.account.clock.now().date())
    assert shelf.draft().proposals == []
    assert shelf.sandbox.posts == []
