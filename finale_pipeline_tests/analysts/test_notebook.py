"""The notebook runs without a browser, and its answers are those of other, plain SQL."""

import importlib.util
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import marimo
import pytest

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.analysts.conftest import Followed
from finale_pipeline_tests.conftest import new_database

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "six_questions.py"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("six_questions", NOTEBOOK)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def answers(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """Run all cells; return what they show as text, and their names."""
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    outputs, names = module().app.run()
    shown = "\n".join(output.text for output in outputs if isinstance(output, marimo.Html))
    return shown, dict(names)


@pytest.fixture(autouse=True)
def _plots_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    from matplotlib import pyplot  # noqa: PLC0415 - after the notebook chose its backend

    pyplot.close("all")


def one(connection: Connection, query: str, *values: object) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row
    return row


def _order_after(connection: Connection, event: int, days: int) -> None:
    """Place an order with the product of an alert, some days after it."""
    connection.execute(
        "WITH o AS (INSERT INTO core.purchase_order (order_url, order_id, status, ordered_on,"
        " updated_at, payload, first_seen_at, changed_at, row_hash) SELECT '/o/' || event_id,"
        " 'BY-HAND-' || event_id, 'ORDER_LOCKED', happened_at::date + %s, now(), '{}', now(),"
        " now(), 1 FROM ops.incident_event WHERE event_id = %s RETURNING order_url)"
        " INSERT INTO core.purchase_order_line (order_url, position, product_url, quantity_units,"
        " changed_at, row_hash) SELECT order_url, 1, e.subject, 5, now(), 1"
        " FROM o, ops.incident_event e WHERE e.event_id = %s",
        (days, event, event),
    )


WORSE = (
    "SELECT e.event_id FROM ops.incident_event e JOIN core.product p ON p.product_url = e.subject"
    " WHERE e.kind IN ('opened', 'worsened') AND e.happened_at::date <= %s - 7 ORDER BY 1"
)


def test_the_six_answers_are_right(
    url: str, connection: Connection, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [int(str(row[0])) for row in connection.execute(WORSE, (followed.last_on,)).fetchall()]
    for event, days in zip(alerts, (0, 7, 8), strict=False):
        _order_after(connection, event, days)
    connection.execute("UPDATE core.product SET cost = NULL WHERE product_url LIKE '%7'")

    shown, names = answers(url, monkeypatch)

    assert names["facts_1"] == pytest.approx(dict(zip(
        ("too_late", "lost_units", "median_days", "in_time"),
        one(connection,
            "SELECT count(*) FILTER (WHERE days_without_stock > 0),"
            " sum(lost_units) FILTER (WHERE days_without_stock > 0)::float8,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY days_without_stock)"
            " FILTER (WHERE days_without_stock > 0),"
            " count(*) FILTER (WHERE coalesce(days_without_stock, 0) = 0)"
            " FROM plan.forecast f WHERE snapshot_on = %s"
            " AND (order_now OR available_units < finale_reorder_point_units)", followed.last_on),
        strict=True)))  # fmt: skip
    _check_vendors(connection, names["facts_2"], followed)
    _check_dead_stock(connection, names["facts_3"], followed)
    _check_forecasts(connection, names["facts_4"], followed)
    _check_stock_on_a_day(connection, names["facts_5"], followed)
    facts = names["facts_6"]
    assert (facts["alerts"], len(alerts)) == (len(alerts), len(alerts))
    assert len(alerts) > 3
    assert facts["followed"] >= 2
    assert set(names["followed"]["order_id"].dropna()) >= {
        f"BY-HAND-{event}" for event in alerts[:2]
    }
    assert f"BY-HAND-{alerts[2]}" not in set(names["followed"]["order_id"].dropna())
    for number in range(1, 7):
        assert f"{number}. " in shown
    assert f"{facts['followed']} of {len(alerts)} alerts were followed" in shown


def _check_vendors(connection: Connection, facts: dict[str, Any], followed: Followed) -> None:
    """From receipts and due dates alone: every order of the sandbox is of this year."""
    rows = connection.execute(
        "SELECT vendor_url, avg((NOT is_open AND received_on <= due_on)::int)"
        " FROM core.purchase_order WHERE status IN ('ORDER_LOCKED', 'ORDER_COMPLETED')"
        " AND vendor_url IS NOT NULL AND due_on IS NOT NULL"
        " AND (received_on IS NOT NULL AND NOT is_open OR is_open AND due_on < %s) GROUP BY 1",
        (followed.last_on,),
    ).fetchall()
    (overdue,) = one(
        connection,
        "SELECT count(*) FROM core.purchase_order WHERE is_open AND due_on < %s"
        " AND vendor_url IS NOT NULL",
        followed.last_on,
    )
    late = sum(float(str(share)) < 0.8 for _, share in rows)
    assert facts == {"judged": len(rows), "late": late, "overdue_orders": overdue}
    assert late > 0


def _check_dead_stock(connection: Connection, facts: dict[str, Any], followed: Followed) -> None:
    """Nothing sold or came since a day, and it was made before it."""
    since = followed.last_on - timedelta(days=facts["threshold"])
    rows = connection.execute(
        "SELECT CASE WHEN p.cost IS NULL THEN s.currency END,"
        " l.on_hand_units * coalesce(p.cost, s.price)"
        " FROM core.stock_level l JOIN core.product p USING (product_url)"
        " LEFT JOIN core.product_supplier s ON s.product_url = p.product_url AND s.is_main"
        " WHERE on_hand_units > 0 AND p.created_at::date <= %(day)s AND NOT EXISTS ("
        "  SELECT FROM core.sales_daily d WHERE d.product_url = p.product_url"
        "  AND d.sold_on > %(day)s AND d.units > 0)"
        " AND NOT EXISTS (SELECT FROM core.shipment_line x JOIN core.shipment h USING"
        "  (shipment_url) WHERE x.product_url = p.product_url AND h.received_on > %(day)s"
        "  AND x.units > 0 AND h.status = 'SHIPMENT_DELIVERED' AND h.removed_at IS NULL"
        "  AND h.shipment_type = 'PURCHASE_SHIPMENT')",
        {"day": since},
    ).fetchall()
    sums: dict[str, float] = {}
    for currency, value in rows:
        if value is not None:
            name = str(currency or "in the account's currency")
            sums[name] = sums.get(name, 0) + float(str(value))
    assert facts["products"] == len(rows)
    assert {name: value for name, value in facts["value"].items() if value} == pytest.approx(sums)
    assert len(sums) == 2
    assert all(facts["of"][name] >= value for name, value in sums.items())


def _check_forecasts(connection: Connection, facts: dict[str, Any], followed: Followed) -> None:
    rows = connection.execute(
        "SELECT f.demand_units::float8, f.demand_service_units::float8, f.service_level::float8,"
        " coalesce(sum(s.units), 0)::float8 FROM plan.forecast f LEFT JOIN core.demand_daily s"
        " ON s.product_url = f.product_url AND s.sold_on >= f.snapshot_on"
        " AND s.sold_on < f.snapshot_on + f.protection_days::int"
        " WHERE f.snapshot_on = %s AND f.demand_units IS NOT NULL"
        " AND f.snapshot_on + f.protection_days::int <= (SELECT max(sold_on) FROM core.sales_daily)"
        " GROUP BY f.product_url, f.demand_units, f.demand_service_units, f.service_level",
        (followed.first_on,),
    ).fetchall()
    numbers = [[float(str(value)) for value in row] for row in rows]
    demanded = math.fsum(asked for *_, asked in numbers)
    assert facts == pytest.approx({
        "forecasts": len(rows),
        "held": sum(asked <= most for _, most, _, asked in numbers) / len(rows),
        "aimed": math.fsum(level for _, _, level, _ in numbers) / len(rows),
        "bias": math.fsum(said - asked for said, _, _, asked in numbers) / demanded,
        "wape": math.fsum(abs(said - asked) for said, _, _, asked in numbers) / demanded,
    })  # fmt: skip


def _check_stock_on_a_day(
    connection: Connection, facts: dict[str, Any], followed: Followed
) -> None:
    """Then from the history, now from the present levels."""
    (then,) = one(
        connection,
        "SELECT sum(on_hand_units)::float8 FROM (SELECT DISTINCT ON (product_url) *"
        " FROM core.stock_daily WHERE snapshot_on <= %s ORDER BY product_url, snapshot_on DESC) d",
        facts["day"],
    )
    (now,) = one(connection, "SELECT sum(on_hand_units)::float8 FROM core.stock_level")
    (sold,) = one(
        connection,
        "SELECT sum(units)::float8 FROM core.sales_daily WHERE sold_on > %s AND sold_on <= %s",
        facts["day"], followed.last_on,
    )  # fmt: skip
    assert (facts["then"], facts["now"], facts["sold"]) == pytest.approx((then, now, sold))
    assert facts["day"] == followed.last_on - timedelta(days=30)


def test_without_data_the_notebook_says_what_to_do(
    server: str, upgraded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, names = answers(new_database(server, template=upgraded), monkeypatch)
    assert "make run" in shown
    assert "today" not in names
    assert (names["facts_1"]["too_late"], names["facts_2"]["judged"]) == (0, 0)


def test_with_one_day_of_data_every_question_has_an_answer(
    url: str, connection: Connection, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the first day: no plan is old enough, nothing got worse, nothing was due."""
    connection.execute("DELETE FROM core.stock_day WHERE snapshot_on < %s", (followed.last_on,))
    connection.execute("TRUNCATE ops.incident_event, core.purchase_order, core.purchase_order_line")
    connection.execute("TRUNCATE core.sales_daily, plan.demand, plan.decision")
    shown, names = answers(url, monkeypatch)
    assert names["facts_4"]["forecasts"] == 0
    assert names["facts_3"] == names["facts_3"] | {"products": 0, "threshold": 0}
    assert "No forecast is old enough" in shown
    assert "nothing to follow yet" in shown
