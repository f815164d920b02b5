"""Packed months are what core.sales_daily has of them, after whatever is written."""

import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.sales_months import pack
from finale_pipeline_tests.warehouse.months import assert_packed_as_daily

FIRST = date(2025, 12, 20)
AFTER = date(2026, 4, 1)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s"

days = st.integers(0, 100).map(lambda later: FIRST + timedelta(days=later))
products = st.sampled_from(("/p/a", "/p/b", "/p/ü'{}%"))
units = st.decimals(0, 9999, places=3)
sales = st.lists(st.tuples(products, days, units, units), max_size=8)
writes = st.one_of(
    st.tuples(st.just("write"), sales),
    st.tuples(st.just("return"), products, units),
    st.tuples(st.just("move"), products, days, days),
    st.tuples(st.just("delete"), days),
    st.tuples(st.just("pack"), days),
    st.tuples(st.just("truncate")),
)

WRITE = """
INSERT INTO core.sales_daily (product_url, sold_on, units, returned_units, orders, dated_by,
                              units_by_ship_date, changed_at)
VALUES (%s, %s, %s, %s, 1, 'order', 0, now())
ON CONFLICT (product_url, sold_on) DO UPDATE
SET units = excluded.units, returned_units = excluded.returned_units
"""
MOVE = """
UPDATE core.sales_daily d SET sold_on = %(to)s WHERE product_url = %(product)s
AND sold_on = %(day)s AND NOT EXISTS (SELECT FROM core.sales_daily o
    WHERE o.product_url = d.product_url AND o.sold_on = %(to)s)
"""


def sell(connection: Connection, product: str, day: date, count: float, back: float = 0) -> None:
    connection.execute(WRITE, (product, day, count, back))


def apply(connection: Connection, write: Any) -> None:
    kind, *values = write
    if kind == "write":
        with connection.cursor() as cursor:
            cursor.executemany(WRITE, values[0])
    elif kind == "return":
        product, back = values
        connection.execute(
            "UPDATE core.sales_daily SET returned_units = least(%s, units) WHERE product_url = %s",
            (back, product),
        )
    elif kind == "move":
        product, day, to = values
        connection.execute(MOVE, {"product": product, "day": day, "to": to})
    elif kind == "delete":
        connection.execute("DELETE FROM core.sales_daily WHERE sold_on >= %s", (values[0],))
    elif kind == "pack":
        pack(connection, values[0])
    else:
        connection.execute("TRUNCATE core.sales_daily")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(writes, max_size=12))
def test_packed_months_are_the_days_after_whatever_is_written(
    connection: Connection, history: list[Any]
) -> None:
    connection.execute("TRUNCATE core.sales_daily")
    for write in history:
        apply(connection, write)
        assert_packed_as_daily(connection)
    pack(connection, AFTER)
    assert_packed_as_daily(connection)
    assert connection.count("SELECT count(*) FROM core.sales_month WHERE sold IS NULL") == 0


def test_what_is_undone_leaves_the_months_as_they_were(connection: Connection) -> None:
    sell(connection, "/p/a", date(2026, 1, 5), 3)
    pack(connection, AFTER)
    with connection.transaction(force_rollback=True):
        sell(connection, "/p/a", date(2026, 1, 6), 4)
        sell(connection, "/p/b", date(2026, 1, 6), 4)
    assert months(connection) == {"/p/a": [(date(2026, 1, 5), 3.0)]}


def test_the_present_month_is_left_alone(connection: Connection) -> None:
    sell(connection, "/p/a", date(2026, 2, 28), 3)
    sell(connection, "/p/a", date(2026, 3, 1), 4)
    assert pack(connection, date(2026, 3, 31)) == 1
    assert months(connection) == {"/p/a": [(date(2026, 2, 28), 3.0)]}
    assert pack(connection, date(2026, 3, 31)) == 0


def test_what_a_sync_is_writing_is_packed_once_it_is_done(url: str, connection: Connection) -> None:
    sell(connection, "/p/a", date(2026, 1, 5), 3)
    sell(connection, "/p/b", date(2026, 1, 5), 5)
    with connect(url, name="sync") as other:
        with other.transaction():
            sell(other, "/p/a", date(2026, 1, 6), 4)
            assert pack(connection, AFTER) == 1
            assert months(connection) == {"/p/b": [(date(2026, 1, 5), 5.0)]}
        assert pack(connection, AFTER) == 1
    assert_packed_as_daily(connection)
    assert months(connection)["/p/a"] == [(date(2026, 1, 5), 3.0), (date(2026, 1, 6), 4.0)]


def test_a_sync_that_writes_while_a_month_is_packed_empties_it_again(
    url: str, connection: Connection
) -> None:
    sell(connection, "/p/a", date(2026, 1, 5), 3)
    with connect(url, name="sync") as other, ThreadPoolExecutor(1) as thread:
        with connection.transaction():
            assert pack(connection, AFTER) == 1
            writing = thread.submit(sell, other, "/p/a", date(2026, 1, 6), 4)
            while not connection.count(WAITING, other.info.backend_pid):
                assert not writing.done()
        writing.result()
    assert months(connection) == {}
    pack(connection, AFTER)
    assert_packed_as_daily(connection)


def test_units_that_are_no_whole_numbers_are_the_same_to_the_last_bit(
    connection: Connection,
) -> None:
    connection.execute(WRITE, ("/p/a", date(2026, 1, 5), Decimal("0.3"), Decimal("0.1")))
    pack(connection, AFTER)
    row = connection.row("SELECT (units - returned_units)::float8 AS net FROM core.sales_daily")
    assert row is not None
    assert months(connection) == {"/p/a": [(date(2026, 1, 5), row["net"])]}


def months(connection: Connection) -> dict[str, list[tuple[date, float]]]:
    """Return what is packed, by product."""
    packed: dict[str, list[tuple[date, float]]] = {}
    for row in connection.rows(
        "SELECT product_url, sold FROM core.sales_month WHERE sold IS NOT NULL ORDER BY begins_on"
    ):
        sold = [
            (date(1970, 1, 1) + timedelta(days=day), count)
            for day, count in struct.iter_unpack(">id", row["sold"])
        ]
        packed.setdefault(row["product_url"], []).extend(sold)
    return packed
