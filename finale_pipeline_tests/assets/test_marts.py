"""Views in Dagster's graph: what each column is made of, held against PostgreSQL's own records."""

from collections import defaultdict
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.assets import marts
from finale_pipeline.assets.entries import BY_NAME
from finale_pipeline.warehouse import lineage, table_columns
from finale_pipeline.warehouse.connect import Connection

USED = """
SELECT DISTINCT r.ev_class::regclass::text, d.refobjid::regclass::text, a.attname::text
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid <> r.ev_class
"""
Columns = set[tuple[str, str]]


def used(connection: Connection) -> dict[str, Columns]:
    """What each view looks at, by PostgreSQL; views of other schemas looked through."""
    direct: dict[str, Columns] = defaultdict(set)
    rows: list[Any] = connection.execute(USED).fetchall()
    for view, table, column in rows:
        direct[view].add((table, column))

    def behind(view: str) -> Columns:
        inner = {table for table, _ in direct[view] if table in direct and "mart." not in table}
        return direct[view].union(*(behind(table) for table in inner))

    return {view: behind(view) for view in list(direct)}


def test_views_and_columns_are_those_of_the_database_and_so_is_what_they_are_made_of(
    connection: Connection,
) -> None:
    there: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    rows: list[Any] = connection.execute(table_columns.COLUMNS).fetchall()
    for space, name, _, column, kind, meaning, *_ in rows:
        if space == "mart":
            there[f"mart.{name}"][column] = (kind, meaning)
    known = lineage.stored_views()
    views = connection.mapping(lineage.VIEWS)
    assert {view for view in views if view.startswith("mart.")} == known.keys()
    assert {
        view: {name: (c["type"], c["about"]) for name, c in told["columns"].items()}
        for view, told in known.items()
    } == there, "make dictionary"
    looked_at = used(connection)
    for view, told in known.items():
        for name, column in told["columns"].items():
            assert {tuple(source) for source in column["of"]} <= looked_at.get(view, set()), name


@pytest.mark.slow
def test_the_file_is_what_the_definitions_say(connection: Connection) -> None:
    assert lineage.FILE.read_text(encoding="utf-8") == lineage.render(connection), "make dictionary"


def columns_of(spec: dg.AssetSpec) -> set[str]:
    return {column.name for column in spec.metadata["dagster/column_schema"].columns}


def test_every_named_column_is_one_of_the_asset_that_it_is_said_to_be_of() -> None:
    specs = {spec.key: spec for spec in (*(e.spec() for e in BY_NAME.values()), *marts.specs())}
    assert len(specs) > 30
    for spec in marts.specs():
        told = spec.metadata["dagster/column_lineage"].deps_by_column
        assert set(told) <= columns_of(spec)
        for sources in told.values():
            for source in sources:
                assert source.column_name in columns_of(specs[source.asset_key])
        assert {dep.asset_key for dep in spec.deps} <= set(specs)


@pytest.mark.parametrize(
    ("view", "column", "wanted"),
    [
        ("stock", "available_units", {"inventory_levels:available_units"}),
        ("stock", "sku", {"products:sku"}),
        # the price of the first supplier, read beside each product
        ("product", "main_vendor_price", {"products:product_supplier.price"}),
        ("product", "main_vendor", {"vendors:name"}),
        # a view over a view that is no mart, and a mart over marts
        ("stock_now", "days_left", {"forecasts:decision.days_until_stockout"}),
        ("low_stock", "why", {"mart/critical_item:why"}),
        ("purchase_plan_line", "suggested_units", {"purchase_plan:quantity_units"}),
        ("purchase_order_line", "open_units", {"purchase_orders:purchase_order_line.open_units"}),
    ],
)
def test_a_column_leads_to_where_it_was_read(view: str, column: str, wanted: set[str]) -> None:
    (spec,) = [spec for spec in marts.specs() if spec.key == dg.AssetKey(["mart", view])]
    sources = spec.metadata["dagster/column_lineage"].deps_by_column[column]
    assert {f"{s.asset_key.to_user_string()}:{s.column_name}" for s in sources} == wanted
