"""Items cross their levels: what is recorded, and what is mailed."""

import csv
from datetime import timedelta
from decimal import Decimal

import pytest

from finale_pipeline.domain.alerts.critical import left_out, level_of, reorder_point
from finale_pipeline.notify.decisions import decide
from finale_pipeline.sync.health import write_digest
from finale_pipeline.warehouse.incidents import Choice
from finale_pipeline_tests.notify.warehouse import Warehouse, url_of

Rules = list[tuple[str | None, int | None]]


def begun(warehouse: Warehouse, *skus: str, **options: float | None) -> Warehouse:
    """Products at 100 units, evaluated for the first time."""
    warehouse.add(*skus, **options)  # type: ignore[arg-type]
    warehouse.evaluate()
    return warehouse


def test_each_crossing_is_one_event_and_one_mail(warehouse: Warehouse) -> None:
    begun(warehouse, "A", "B")
    warehouse.stock(A=19)
    warehouse.evaluate()
    warehouse.evaluate()
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.stock(A=90)
    warehouse.evaluate()
    warehouse.evaluate()
    assert [kind for kind, _ in warehouse.mails()] == ["reorder_needed", "out_of_stock"]
    warehouse.evaluate(minutes=24 * 60)
    warehouse.evaluate(minutes=24 * 60)
    assert warehouse.events("A") == ["opened", "worsened", "improved", "settled"]
    assert warehouse.mails() == [
        ("reorder_needed", "Reorder needed: 1 item (A · Product A)"),
        ("out_of_stock", "Out of stock: 1 item (A · Product A)"),
        ("back_in_stock", "Back in stock: 1 item (A · Product A)"),
    ]
    closed = warehouse.rows("SELECT state, closed_at IS NOT NULL, mailed FROM ops.incident")
    assert closed == [("resolved", True, "out")]


def test_all_crossings_of_one_sync_are_one_mail_per_kind(warehouse: Warehouse) -> None:
    begun(warehouse, "A", "B", "C")
    warehouse.stock(A=0, B=-2, C=5)
    warehouse.evaluate()
    assert [m for m in warehouse.mails() if m[0] == "out_of_stock"] == [
        ("out_of_stock", "Out of stock: 2 items")
    ]
    assert len(warehouse.mails()) == 2
    told = warehouse.rows(
        "SELECT count(*), count(DISTINCT message_id) FROM ops.incident_event WHERE kind = 'opened'"
    )
    assert told == [(3, 2)]


def test_a_mail_of_several_items_has_the_decision_of_each(warehouse: Warehouse) -> None:
    """Both sell ten a day and cost five; Acme takes seven days: an order is there on the 16th."""
    for sku in ("A", "B"):
        warehouse.add(sku, units=300)
        warehouse.supplier(sku, "Acme", "sales@acme.example")
        warehouse.sells(sku, 10)
    warehouse.evaluate()
    warehouse.plan()
    warehouse.evaluate()
    warehouse.stock(A=0, B=-2)
    warehouse.evaluate()
    ((text, html),) = warehouse.rows(
        "SELECT body_text, body_html FROM ops.outbox WHERE kind = 'out_of_stock'"
    )
    planned = warehouse.rows(
        "SELECT quantity_units, quantity_units * 5 FROM plan.decision ORDER BY product_url"
    )
    for units, cost in planned:
        wanted = f"(our plan), USD {cost:,.2f}, arrives by 2026-03-16: Acme (sales@acme.example)"
        assert units > 0
        for body in (text, html):
            assert f"Order {units.normalize():f} by" in body
            assert wanted in body


@pytest.mark.parametrize(("prices", "shown"), [(("USD", "USD"), "USD "), (("USD", "EUR"), "")])
def test_money_at_risk_is_mailed_with_the_accounts_currency_where_that_is_known(
    warehouse: Warehouse, prices: tuple[str, str], shown: str
) -> None:
    """It is at Finale's costs, so it adds up; prices in several currencies leave theirs open."""
    for sku, currency in zip(("A", "B"), prices, strict=True):
        warehouse.add(sku, units=0)
        warehouse.supplier(sku, "Acme")
        warehouse.sells(sku, 10)
        warehouse.connection.execute(
            "UPDATE core.product_supplier SET currency = %s WHERE product_url = %s",
            (currency, url_of(sku)),
        )
    warehouse.plan()
    warehouse.evaluate()
    ((each,),) = warehouse.rows("SELECT DISTINCT money_at_risk FROM plan.critical_item")
    bodies = [*warehouse.rows("SELECT body_text FROM ops.outbox WHERE kind = 'summary'")]
    assert write_digest(warehouse.connection, warehouse.settings, now=warehouse.now)
    bodies += warehouse.rows("SELECT body_text FROM ops.outbox WHERE kind = 'digest'")
    for (body,) in bodies:
        assert body.count(f"days left · {shown}{each:,.2f} at risk") == 2
    assert f"Acme: 2 out, 0 low, {shown}{2 * each:,.2f} at risk" in bodies[1][0]
    ((attached,),) = warehouse.rows("SELECT attachment FROM ops.outbox WHERE kind = 'digest'")
    rows = list(csv.DictReader(bytes(attached).decode("utf-8-sig").splitlines()))
    assert {row["account_currency"] for row in rows} == {shown.strip()}


def test_the_first_evaluation_records_in_silence_and_sends_one_summary(
    warehouse: Warehouse,
) -> None:
    warehouse.add("A", "B", units=0)
    warehouse.add("C", units=12, point=None)
    warehouse.evaluate()
    assert warehouse.mails(baseline=True) == []  # before a plan, nobody knows what to order
    warehouse.plan()
    warehouse.evaluate()
    warehouse.evaluate()
    assert warehouse.mails(baseline=True) == [("summary", "Watching 3 products: 2 out, 0 low")]
    assert warehouse.events("A") == ["recorded"]
    warehouse.stock(A=100)
    warehouse.evaluate()
    warehouse.evaluate(minutes=24 * 60)
    assert warehouse.events("A") == ["recorded", "improved", "settled"]
    assert warehouse.mails() == []  # its shortage was not mailed, so its end is not


def test_an_item_that_flaps_at_its_border_is_told_once(warehouse: Warehouse) -> None:
    begun(warehouse, "A")
    for units in (19, 20, 19, 21, 18, 20, 19):
        warehouse.stock(A=units)
        warehouse.evaluate()
    assert warehouse.events("A") == ["opened", *["improved", "flapping"] * 3]
    assert [kind for kind, _ in warehouse.mails()] == ["reorder_needed"]
    warehouse.stock(A=22)
    warehouse.evaluate()
    assert warehouse.events("A")[-1] == "closed"


def test_what_stays_just_above_the_border_for_a_day_is_well_again(warehouse: Warehouse) -> None:
    begun(warehouse, "A")
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.stock(A=1)
    warehouse.evaluate()
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock"]
    warehouse.evaluate(minutes=24 * 60)
    assert warehouse.events("A") == ["opened", "improved", "settled"]
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock", "back_in_stock"]


def test_wild_swings_are_mailed_once_each_way_and_recorded_always(warehouse: Warehouse) -> None:
    begun(warehouse, "A")
    for _ in range(12):
        warehouse.stock(A=0)
        warehouse.evaluate()
        warehouse.stock(A=500)
        warehouse.evaluate()
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock"]
    assert warehouse.events("A").count("flapping") == 11
    for _ in range(3):
        warehouse.evaluate(minutes=24 * 60)
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock", "back_in_stock"]


def test_back_in_stock_is_told_only_of_a_shortage_that_was_mailed(warehouse: Warehouse) -> None:
    """Out and told, back and told, low; then out while asleep, which nobody is told."""
    begun(warehouse, "A")
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.stock(A=15)
    warehouse.evaluate()
    warehouse.evaluate(minutes=24 * 60)
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock", "back_in_stock"]
    decide(
        warehouse.connection, ["A"],
        Choice("snoozed", "ana", until=warehouse.now + timedelta(days=9), even_if_worse=True),
        now=warehouse.now,
    )  # fmt: skip
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.stock(A=500)
    warehouse.evaluate()
    warehouse.evaluate(minutes=24 * 60)
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock", "back_in_stock"]


def test_a_crossing_by_an_edited_point_is_told_in_the_digest_only(warehouse: Warehouse) -> None:
    """D29: the stock did not move."""
    skus = [f"S{n}" for n in range(40)]
    begun(warehouse, *skus)
    for sku in skus:
        warehouse.rule(sku, 150)
    warehouse.evaluate()
    assert warehouse.mails() == []
    causes = warehouse.rows("SELECT DISTINCT kind, cause, no_mail FROM ops.incident_event")
    assert causes == [
        ("opened", "settings", "its reorder point moved, not its stock; it is in the digest")
    ]


def test_a_crossing_by_a_changed_default_is_so_too(warehouse: Warehouse) -> None:
    begun(warehouse, "A", "B", units=15, point=None)
    warehouse.settings = warehouse.settings.model_copy(update={"low_stock_default_units": 16})
    warehouse.evaluate()
    assert warehouse.mails() == []
    assert warehouse.events("A") == ["opened"]


def test_a_mass_of_crossings_is_one_mail_to_the_operator(warehouse: Warehouse) -> None:
    """M14: and every crossing is recorded all the same."""
    skus = [f"S{n}" for n in range(30)]
    begun(warehouse, *skus)
    warehouse.stock(**dict.fromkeys(skus, 0))
    warehouse.evaluate()
    assert warehouse.mails() == [("breaker", "Held back: 30 of 30 items worsened at once")]
    assert {tuple(warehouse.events(sku)) for sku in skus} == {("held_back",)}
    warehouse.stock(**dict.fromkeys(skus, 100))
    warehouse.evaluate()
    assert len(warehouse.mails()) == 1  # no mail told of a shortage, so none of its end


def test_negative_stock_is_out_and_named_a_fault_of_the_data(warehouse: Warehouse) -> None:
    """D12."""
    begun(warehouse, "A")
    warehouse.stock(A=-3)
    warehouse.evaluate()
    (row,) = warehouse.rows("SELECT level, why FROM plan.critical_item")
    assert row[0] == "out"
    assert "negative" in row[1]


def test_an_item_without_vendor_is_grouped_not_dropped(warehouse: Warehouse) -> None:
    """D18."""
    warehouse.add("A", "B", "C")
    warehouse.supplier("A", "Olive Works", "orders@olive.example")
    warehouse.supplier("B", "Tin Ltd")
    warehouse.evaluate()
    warehouse.stock(A=5, B=5, C=5)
    warehouse.evaluate()
    (text,) = warehouse.rows("SELECT body_text FROM ops.outbox WHERE kind = 'reorder_needed'")
    for said in ("Olive Works (orders@olive.example)", "Tin Ltd, no contact", "No vendor in Fin"):
        assert said in text[0]
    assert "Order 120 (Finale's reorder quantity)" in text[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "PRODUCT_INACTIVE"}, "inactive"),
        ({"product_type": "SERVICE"}, "not_stocked"),
        ({"removed_at": "2026-03-09"}, "removed"),
    ],
)
def test_what_is_not_watched_is_left_out_by_a_visible_rule(
    warehouse: Warehouse, change: dict[str, object], why: str
) -> None:
    """D30: and what was known of it is still known when it comes back."""
    begun(warehouse, "A", "B")
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.product("A", **change)
    warehouse.evaluate()
    assert warehouse.events("A") == ["opened", "left_out"]
    cause = warehouse.rows("SELECT cause FROM ops.incident_event WHERE kind = 'left_out'")
    assert cause == [(why,)]
    assert warehouse.rows("SELECT count(*) FROM plan.critical_item") == [(0,)]
    warehouse.product("A", status="PRODUCT_ACTIVE", product_type="GOOD", removed_at=None)
    warehouse.evaluate()
    assert warehouse.events("A") == ["opened", "left_out", "recorded"]
    assert [kind for kind, _ in warehouse.mails()] == ["out_of_stock"]


def test_what_ran_out_while_it_was_not_watched_is_told_when_it_is(warehouse: Warehouse) -> None:
    begun(warehouse, "A", "B")
    warehouse.product("A", status="PRODUCT_INACTIVE")
    warehouse.stock(A=0)
    warehouse.evaluate()
    warehouse.product("A", status="PRODUCT_ACTIVE")
    warehouse.evaluate()
    assert warehouse.events("A") == ["opened"]
    assert len(warehouse.mails()) == 1


def test_do_not_reorder_everywhere_leaves_a_product_out(warehouse: Warehouse) -> None:
    warehouse.add("A", units=0)
    warehouse.add("B", units=8, point=10)
    warehouse.rule("A", 10, method="##doNotReorder")
    warehouse.rule("B", 50, method="##doNotReorder", place="2")
    warehouse.evaluate()
    rows = warehouse.rows("SELECT product_url, threshold_units FROM plan.critical_item")
    assert rows == [(url_of("B"), 10)]


def test_a_reorder_point_of_zero_is_a_rule_and_none_is_not(warehouse: Warehouse) -> None:
    """D17: with 0 an item is ok down to its last unit; without a rule the default counts."""
    warehouse.add("zero", units=1, point=0)
    warehouse.add("none", units=1, point=None)
    warehouse.evaluate()
    rows = warehouse.rows("SELECT product_url, threshold_source FROM plan.critical_item")
    assert rows == [(url_of("none"), "default")]


def test_the_statement_and_the_pure_rules_agree(warehouse: Warehouse) -> None:
    """Every combination of units, rules, status and type."""
    cases: dict[str, tuple[float, Rules, str, str]] = {}
    rules: dict[str, Rules] = {
        "none": [], "point": [("MANUAL", 8)], "two": [("MANUAL", 3), (None, 4)],
        "never": [("##doNotReorder", 8)], "mixed": [("##doNotReorder", 90), ("MANUAL", 5)],
        "speed": [("##salesVelocity", None)],
    }  # fmt: skip
    for units in (-1, 0, 0.5, 4.9, 5, 7, 8, 9.99, 10):
        for name, places in rules.items():
            for status, kind in (("PRODUCT_ACTIVE", ""), ("PRODUCT_ACTIVE", "SERVICE"), ("X", "")):
                sku = f"{name}{units}{status}{kind}"
                cases[sku] = (units, places, status, kind)
                warehouse.add(sku, units=units, point=None)
                warehouse.connection.execute(
                    "DELETE FROM core.reorder_rule WHERE product_url = %s", (url_of(sku),)
                )
                for place, (method, point) in enumerate(places):
                    warehouse.rule(sku, point, place=str(place), method=method)
                warehouse.product(sku, status=status, product_type=kind)
    warehouse.evaluate()
    found = dict(warehouse.rows("SELECT product_url, level FROM plan.critical_item"))
    for sku, (units, places, status, kind) in cases.items():
        rules_ = [(m, None if p is None else Decimal(p)) for m, p in places]
        why = left_out(
            is_removed=False, status=status, product_type=kind, methods=[m for m, _ in rules_]
        )
        border = reorder_point(rules_)
        level = level_of(
            available_units=Decimal(str(units)),
            threshold_units=Decimal(10) if border is None else border,
        )
        assert found.get(url_of(sku)) == (None if why or level == "ok" else level), sku
