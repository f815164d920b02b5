"""Syncs that fail, are held, get stuck, are deferred, and work again; the morning digest."""

import re
from datetime import timedelta

import pytest

from finale_pipeline.sync.health import watch_syncs, write_digest
from finale_pipeline_tests.notify.warehouse import BEGIN, Warehouse, url_of


def ran(
    warehouse: Warehouse, strategy: str, status: str, *, kind: str | None = None,
    minutes: float = 15, trigger: str = "schedule",
) -> list[str]:  # fmt: skip
    """Let a run end so, and look."""
    warehouse.now += timedelta(minutes=minutes)
    now = warehouse.now
    warehouse.connection.execute(
        "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
        " finished_at, error_kind, error, locks) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '{}')",
        (
            strategy, trigger, status, now, now, None if status == "running" else now, kind,
            "It broke. The data stay. Look there." if kind else None,
        ),
    )  # fmt: skip
    return watch_syncs(warehouse.connection, warehouse.settings, now=now)


def test_a_failure_is_mailed_once_and_its_end_once(warehouse: Warehouse) -> None:
    assert ran(warehouse, "inventory", "done") == []
    assert ran(warehouse, "inventory", "failed", kind="TRANSIENT") == ["sync_failed"]
    assert ran(warehouse, "inventory", "failed", kind="TRANSIENT") == []
    assert ran(warehouse, "inventory", "done") == ["sync_recovered"]
    assert ran(warehouse, "inventory", "done") == []
    assert ran(warehouse, "inventory", "failed", kind="LOCAL") == ["sync_failed"]
    (text,) = warehouse.rows("SELECT body_text FROM ops.outbox ORDER BY outbox_id LIMIT 1")
    for said in ("It broke. The data stay. Look there.", "TRANSIENT", "/runbooks/sync_failed"):
        assert said in text[0]


def test_no_recovery_is_told_without_a_failure_that_was(warehouse: Warehouse) -> None:
    """M15: two strategies with one cause are one mail, and one end."""
    assert ran(warehouse, "critical", "failed", kind="CONFIG") == ["sync_failed"]
    assert ran(warehouse, "full", "failed", kind="CONFIG") == []
    assert ran(warehouse, "full", "done") == ["sync_recovered"]
    closed = warehouse.rows("SELECT subject, mailed FROM ops.incident ORDER BY 1")
    assert closed == [("sync:critical", "CONFIG"), ("sync:full", None)]


@pytest.mark.parametrize(
    ("bad", "good", "mails"),
    [("critical", "inventory", ["sync_recovered"]), ("inventory", "critical", []),
     ("full", "vendors", []), ("vendors", "full", ["sync_recovered"])],
)  # fmt: skip
def test_the_larger_strategy_shows_that_the_smaller_works(
    warehouse: Warehouse, bad: str, good: str, mails: list[str]
) -> None:
    ran(warehouse, bad, "failed", kind="TRANSIENT")
    assert ran(warehouse, good, "done") == mails


def test_held_data_are_told_once(warehouse: Warehouse) -> None:
    """D13: one mail to the operator, none about stock."""
    assert ran(warehouse, "inventory", "held", kind="IMPLAUSIBLE") == ["data_held"]
    assert ran(warehouse, "inventory", "held", kind="IMPLAUSIBLE") == []
    assert ran(warehouse, "inventory", "done") == ["sync_recovered"]


def test_three_deferrals_are_one_mail(warehouse: Warehouse) -> None:
    assert ran(warehouse, "critical", "throttled", kind="THROTTLED") == []
    assert ran(warehouse, "critical", "throttled", kind="THROTTLED") == []
    assert ran(warehouse, "critical", "throttled", kind="THROTTLED") == ["sync_deferred"]
    assert ran(warehouse, "critical", "throttled", kind="THROTTLED") == []


def test_a_silent_run_is_stuck_and_its_end_as_failed_is_no_second_mail(
    warehouse: Warehouse,
) -> None:
    assert ran(warehouse, "full", "running") == []
    late = warehouse.now + timedelta(minutes=31)
    assert watch_syncs(warehouse.connection, warehouse.settings, now=late) == ["sync_stuck"]
    warehouse.connection.execute("UPDATE ops.sync_run SET status = 'failed', finished_at = %s",
                                 (late,))  # fmt: skip
    assert watch_syncs(warehouse.connection, warehouse.settings, now=late) == []
    assert ran(warehouse, "full", "done", minutes=60) == ["sync_recovered"]


def test_what_a_person_asked_of_the_ui_that_cannot_be_is_their_own(warehouse: Warehouse) -> None:
    assert ran(warehouse, "inventory", "failed", kind="CONFIG", trigger="ui") == []
    assert ran(warehouse, "inventory", "failed", kind="LOCAL", trigger="ui") == ["sync_failed"]


def test_a_failure_of_long_ago_is_no_news(warehouse: Warehouse) -> None:
    ran(warehouse, "products", "failed", kind="CONFIG", trigger="cli")
    warehouse.connection.execute("DELETE FROM ops.outbox")
    warehouse.connection.execute("DELETE FROM ops.incident")
    later = warehouse.now + timedelta(days=2)
    assert watch_syncs(warehouse.connection, warehouse.settings, now=later) == []


def test_the_digest_ranks_by_days_left_and_money_and_groups_by_vendor(
    warehouse: Warehouse,
) -> None:
    warehouse.add("cheap", "dear", "soon", "gone", "quiet")
    warehouse.supplier("dear", "Olive Works", "orders@olive.example")
    warehouse.supplier("gone", "Tin Ltd", "tin@tin.example")
    warehouse.supplier("soon", "Tin Ltd")
    warehouse.product("dear", cost=90)
    warehouse.sells("soon", 4)
    warehouse.sells("dear", 0.2)
    warehouse.plan()
    warehouse.evaluate()
    warehouse.stock(cheap=19, dear=3, soon=6, gone=0, quiet=1)
    warehouse.evaluate()
    warehouse.connection.execute("UPDATE ops.incident SET state = 'ordered' WHERE subject = %s",
                                 (url_of("quiet"),))  # fmt: skip
    assert write_digest(warehouse.connection, warehouse.settings, now=warehouse.now)
    assert not write_digest(warehouse.connection, warehouse.settings, now=warehouse.now)
    ((subject, text),) = warehouse.rows(
        "SELECT subject, body_text FROM ops.outbox WHERE kind = 'digest'"
    )
    assert subject == "Stock this morning: 1 out, 3 low"
    places = [text.index(name) for name in ("Tin Ltd:", "Olive Works:", "No vendor")]
    assert places == sorted(places)
    ((units,),) = warehouse.rows(
        "SELECT quantity_units FROM plan.decision WHERE product_url = %s", url_of("soon")
    )
    assert f"Order {units:.0f} by 2026-" in text
    assert "1.5 days left · USD " in text
    assert re.search(r"Tin Ltd: 1 out, 1 low, USD [\d.,]+ at risk", text)
    assert "1 more are acknowledged, snoozed or ordered" in text
    assert "quiet" not in text.replace("snoozed", "")
    assert warehouse.now > BEGIN


def test_a_snooze_that_is_over_is_in_the_digest_again(warehouse: Warehouse) -> None:
    warehouse.add("late", "still")
    warehouse.evaluate()
    warehouse.stock(late=1, still=1)
    warehouse.evaluate()
    for sku, days in (("late", 0), ("still", 1)):
        warehouse.connection.execute(
            "UPDATE ops.incident SET state = 'snoozed', snoozed_until = %s WHERE subject = %s",
            (warehouse.now + timedelta(days=days), url_of(sku)),
        )
    assert write_digest(warehouse.connection, warehouse.settings, now=warehouse.now)
    ((subject, text),) = warehouse.rows(
        "SELECT subject, body_text FROM ops.outbox WHERE kind = 'digest'"
    )
    assert (subject, "late" in text) == ("Stock this morning: 0 out, 1 low", True)
    assert "1 more are acknowledged, snoozed or ordered" in text
