"""A backup knows nothing of what was drafted after it; nothing is ordered twice for that."""

from datetime import timedelta
from pathlib import Path

import pytest

from finale_pipeline.backup.create import backup
from finale_pipeline.backup.restore import restore
from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError, NeedsDecision, SkippedError
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import connect, database_url
from finale_pipeline_tests.ordering.shelf import TODAY, Shelf
from finale_pipeline_tests.sync.helpers import sync


def bring_back(shelf: Shelf, file: Path) -> None:
    restore(
        shelf.settings, file, replace=True, with_dagster=False, discard=True, now=utc_now()
    )  # fmt: skip


def test_after_a_restore_nothing_is_drafted_before_the_orders_were_read(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.plan(vendors=1)
    made = backup(
        shelf.settings, tmp_path / "one.dump", with_dagster=False, keep=None, now=shelf.later()
    )  # fmt: skip
    assert shelf.draft().is_good
    shelf.later(minutes=1)
    bring_back(shelf, made.file)
    with connect(database_url(shelf.settings), name="tests") as connection:
        shelf.connection = connection
        shelf.plan(vendors=1, on=TODAY - timedelta(days=1))
        for day in (TODAY - timedelta(days=1), TODAY):
            with pytest.raises(ConfigError, match="was restored at"):
                shelf.draft(on=day)
        assert shelf.states() == []
        shelf.later(minutes=5)
        connection.execute(
            "CREATE TEMP TABLE planned_before AS TABLE plan.purchase_order_draft_line"
        )
        sync(shelf.settings, "sales")
        # Which decided anew by what it read; this test is about the plan that was drafted.
        connection.execute("DELETE FROM plan.purchase_order_draft_line")
        connection.execute("INSERT INTO plan.purchase_order_draft_line TABLE planned_before")
        with pytest.raises(NeedsDecision, match="ORDER_CREATED"):
            shelf.draft(on=TODAY - timedelta(days=1))
        assert shelf.draft(on=TODAY).is_good  # the same plan: found in Finale, and adopted
        shelf.assert_book_is_the_ledger(1)
    assert len(shelf.sandbox.posts) == 1


def test_nothing_is_restored_while_somebody_drafts(shelf: Shelf, tmp_path: Path) -> None:
    made = backup(
        shelf.settings, tmp_path / "one.dump", with_dagster=False, keep=None, now=shelf.later()
    )  # fmt: skip
    drafting = pytest.raises(SkippedError, match="drafts or checks")
    with order_writes.only_drafter(shelf.connection), drafting:
        bring_back(shelf, made.file)
