"""The views that people ask, as Dagster's graph shows them: what each column is made of."""

from functools import cache

import dagster as dg

from finale_pipeline.assets.entries import ANALYST, ENTRIES
from finale_pipeline.assets.keys import key_of
from finale_pipeline.warehouse import lineage

GROUP = "mart"


def specs() -> list[dg.AssetSpec]:
    """Return a view of `mart` per spec, of those that are made of assets.

    Views are computed when they are asked, so nothing materializes them.
    """
    views = lineage.stored_views()
    deps: dict[str, dict[str, list[dg.TableColumnDep]]] = {}
    for view, view_of in views.items():
        columns = {
            name: [dep for source in column["of"] if (dep := _dep(source[0], source[1], views))]
            for name, column in view_of["columns"].items()
        }
        if any(columns.values()):
            deps[view] = columns
    return [_spec(view, views[view], columns) for view, columns in deps.items()]


def _spec(
    view: str, view_of: lineage.View, columns: dict[str, list[dg.TableColumnDep]]
) -> dg.AssetSpec:
    deps = {dep.asset_key for sources in columns.values() for dep in sources}
    schema = [
        dg.TableColumn(name, column["type"], column["about"])
        for name, column in view_of["columns"].items()
    ]
    return dg.AssetSpec(
        key(view),
        deps=sorted(deps),
        description=view_of["about"],
        group_name=GROUP,
        owners=[ANALYST],
        kinds={"postgres", "view"},
        metadata={
            "dagster/table_name": view,
            "dagster/column_schema": dg.TableSchema(schema),
            "dagster/column_lineage": dg.TableColumnLineage(
                {name: sources for name, sources in columns.items() if sources}
            ),
        },
    )


def key(view: str) -> dg.AssetKey:
    """Return the key of a view, such as `mart/stock`."""
    return key_of(view.replace(".", "/"))


def _dep(table: str, column: str, views: dict[str, lineage.View]) -> dg.TableColumnDep | None:
    """Return a column as part of the asset that its table belongs to; None = it belongs to none."""
    if table in views:
        return dg.TableColumnDep(key(table), column)
    home = _homes().get(table)
    if home is None:
        return None
    asset, is_shown = home
    return dg.TableColumnDep(
        key_of(asset), column if is_shown else f"{table.partition('.')[2]}.{column}"
    )


@cache
def _homes() -> dict[str, tuple[str, bool]]:
    """Return table → its asset, and whether it is the one that the asset is named for."""
    return {
        table: (entry.name, table == entry.table)
        for entry in ENTRIES
        for table in (entry.table, *entry.also)
    }
