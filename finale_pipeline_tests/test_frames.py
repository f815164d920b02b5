"""Frames for analysts: types that hold, also of nothing; values bound; nothing written."""

import inspect
from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest

from finale_pipeline.errors import ConfigError, SchemaMismatch
from finale_pipeline.frames import Mart
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.notify.warehouse import mail_settings
from finale_pipeline_tests.planning.warehouse import AS_OF
from finale_pipeline_tests.warehouse.purchases import Purchases

DAYS = {"since": date(2026, 1, 1), "until": date(2026, 12, 31), "day": AS_OF}


@pytest.fixture
def mart(url: str) -> Iterator[Mart]:
    with Mart.open(mail_settings(url)) as opened:
        yield opened


def frames(mart: Mart) -> dict[str, pd.DataFrame]:
    """Call every read function."""
    found = {}
    for name, method in inspect.getmembers(mart, inspect.ismethod):
        if not name.startswith("_") and name not in {"ask", "open"}:
            wanted = inspect.signature(method).parameters
            found[name] = method(**{key: DAYS[key] for key in wanted if key in DAYS})
    return found


def test_types_are_those_of_the_query_with_rows_and_without(
    mart: Mart, connection: Connection
) -> None:
    empty = frames(mart)
    shop = Purchases(connection)
    product = shop.product("a", available=5)
    shop.sales(product, [1, 2], until=AS_OF)
    shop.stock_then(product, {AS_OF: 5})
    shop.receive(shop.buy("1", "acme", AS_OF, AS_OF, [(product, 3, "2.5")]), AS_OF, product, 3)
    shop.settle()
    filled = frames(mart)

    for name, frame in filled.items():
        assert frame.dtypes.to_dict() == empty[name].dtypes.to_dict(), name
    with_rows = {name for name, frame in filled.items() if len(frame)}
    assert with_rows >= {
        "stock_now", "stock_as_of", "stock_daily", "sales_daily", "vendor_scorecard",
        "purchase_order_line", "freshness",
    }  # fmt: skip


def test_each_kind_of_column_has_the_type_that_is_documented(mart: Mart) -> None:
    frame = mart.ask(
        "SELECT 1.5::numeric AS units, 2 AS count, NULL::bigint AS missing, true AS yes,"
        " '2026-03-09'::date AS day, '2026-03-09 12:00+02'::timestamptz AS at, 'é' AS text,"
        " '{a,b}'::text[] AS list, 'NaN'::numeric AS odd"
    )
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "units": "float64", "count": "Int64", "missing": "Int64", "yes": "boolean",
        "day": "datetime64[us]", "at": "datetime64[us, UTC]", "text": "str", "list": "object",
        "odd": "float64",
    }  # fmt: skip
    row = frame.iloc[0]
    assert row["units"] == 1.5
    assert row["missing"] is pd.NA
    assert row["day"] == pd.Timestamp("2026-03-09")
    assert row["at"] == pd.Timestamp("2026-03-09 10:00", tz="UTC")
    assert row["list"] == ["a", "b"]


def test_columns_of_one_name_are_both_kept(mart: Mart) -> None:
    assert mart.ask("SELECT 1 AS n, 2 AS n").to_numpy().tolist() == [[1, 2]]


def test_values_are_bound_and_never_part_of_the_text(mart: Mart) -> None:
    odd = "'; DROP VIEW mart.stock; -- %s"
    assert mart.ask("SELECT %(sku)s AS sku", sku=odd)["sku"].tolist() == [odd]
    assert mart.sales_daily(AS_OF, AS_OF, sku=odd).empty
    assert mart.ask("SELECT 5 % 3 AS rest")["rest"].tolist() == [2]


def test_a_frame_cannot_write(mart: Mart) -> None:
    with pytest.raises(ConfigError, match="takes no writes"):
        mart.ask("DELETE FROM core.product")


def test_the_day_and_the_product_narrow_what_is_read(mart: Mart, connection: Connection) -> None:
    shop = Purchases(connection)
    for sku in ("a", "b"):
        shop.sales(shop.product(sku), [4, 2, 1], until=AS_OF)
    yesterday = date(2026, 3, 8)
    assert mart.sales_daily(yesterday, AS_OF, sku="a")["units"].tolist() == [1.0]
    assert mart.sales_daily(date(2026, 3, 7), AS_OF)["sku"].tolist() == ["a", "b", "a", "b"]
    assert mart.dead_stock(0).empty


def test_another_schema_is_refused(url: str, connection: Connection) -> None:
    connection.execute("UPDATE ops.schema_version SET version_num = '0001'")
    with pytest.raises(SchemaMismatch), Mart.open(mail_settings(url)):
        pass


def test_the_settings_of_the_environment_are_used(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    with Mart.open() as mart:
        assert mart.stock_now().empty
