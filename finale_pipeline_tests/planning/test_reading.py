"""What the plan reads of demand is what the warehouse has of it, day by day."""

from collections import defaultdict
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finale_pipeline.domain.forecast.history import day_number
from finale_pipeline.planning.reading import read_demand
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.sales_months import pack
from finale_pipeline_tests.planning.warehouse import AS_OF, Warehouse

SKUS = ("a", "b", "c", "ü'{}%")
units = st.integers(1, 40_000).map(lambda quarters: quarters / 4)
days = st.integers(0, 800).map(lambda back: AS_OF - timedelta(days=back))
products = st.sampled_from(SKUS)
sales = st.dictionaries(st.tuples(products, days), st.tuples(units, st.integers(0, 100)))
used = st.dictionaries(st.tuples(products, days), units, max_size=20)
packed = st.none() | st.tuples(days, st.integers(0, 12))
promotions = st.lists(st.tuples(products, days, st.integers(0, 40)), max_size=3)

Sales = dict[tuple[str, date], tuple[float, int]]
Packed = tuple[date, int] | None
"""The day before whose month all are packed, once so many sales are written."""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(sales, packed), used, promotions, st.sampled_from([None, *SKUS[:2]]))
def test_demand_is_the_sum_of_net_sales_and_use_on_the_days_that_teach_something(
    connection: Connection,
    sold: tuple[Sales, Packed],
    used: dict[tuple[str, date], float],
    promotions: list[tuple[str, date, int]],
    predecessor: str | None,
) -> None:
    warehouse = _filled(connection)
    due = _sell(connection, *sold)
    for (sku, day), taken in used.items():
        warehouse.connection.execute(
            "INSERT INTO core.component_demand (product_url, used_on, kit_units) VALUES (%s, %s,"
            " %s)", (f"/p/{sku}", day, taken),
        )  # fmt: skip
        due[sku, day] += taken
    if predecessor is not None:
        _adjust(connection, "c", kind="successor", predecessor_url=f"/p/{predecessor}")
        for (sku, day), came in list(due.items()):
            if sku == predecessor:
                due["c", day] += came
    for sku, first, length in promotions:
        until = first + timedelta(days=length)
        _adjust(connection, sku, kind="times", from_on=first, until_on=until)
        for past in range(length + 1):
            due.pop((sku, first + timedelta(days=past)), None)
    history, _ = read_demand(connection, AS_OF)
    read = {
        (sorted(SKUS)[history.keys[owner]], day): came
        for owner, day, came in zip(
            history.sold.owners().tolist(),
            history.sold.days.tolist(),
            history.units.tolist(),
            strict=True,
        )
    }
    assert read == {(sku, day_number(day)): came for (sku, day), came in due.items() if came}


def _sell(connection: Connection, sales: Sales, packed: Packed) -> dict[tuple[str, date], float]:
    """Write sales, of which parts in a hundred came back; return what did not."""
    due: dict[tuple[str, date], float] = defaultdict(float)
    for written, ((sku, day), (asked, percent)) in enumerate(sales.items()):
        if packed is not None and written == packed[1]:
            pack(connection, packed[0])
        back = round(asked * percent / 100 * 4) / 4
        connection.execute(
            "INSERT INTO core.sales_daily (product_url, sold_on, units, returned_units, orders,"
            " dated_by, units_by_ship_date, changed_at) VALUES (%s, %s, %s, %s, 1, 'order', 0,"
            " now())",
            (f"/p/{sku}", day, asked, back),
        )
        due[sku, day] += asked - back
    return due


def _filled(connection: Connection) -> Warehouse:
    """Four products with stock, in a warehouse that has nothing else."""
    for table in ("core.sales_daily", "core.component_demand", "plan.demand_adjustment",
                  "core.product", "core.stock_level", "core.stock_day"):  # fmt: skip
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    warehouse = Warehouse(connection)
    for sku in SKUS:
        warehouse.product(sku, available=5, vendor=None)
    return warehouse


def _adjust(connection: Connection, sku: str, **said: object) -> None:
    row = {"kind": None, "from_on": None, "until_on": None, "predecessor_url": None} | said
    connection.execute(
        "INSERT INTO plan.demand_adjustment (scope, scope_key, kind, value, from_on, until_on,"
        " predecessor_url, made_by, made_at) VALUES ('product', %(key)s, %(kind)s, 2, %(from_on)s,"
        " %(until_on)s, %(predecessor_url)s, 'me', now())",
        row | {"key": f"/p/{sku}"},
    )
