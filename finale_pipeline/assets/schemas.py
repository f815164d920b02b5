"""The columns of tables as Dagster shows them, from the one place that declares them."""

import dagster as dg

from finale_pipeline.warehouse.tables import metadata


def column_schema(table: str, *further: str) -> dg.TableSchema:
    """Return a table's columns with their types and comments.

    Args:
        table: The one that is shown.
        further: Tables that are written with it; their columns are named with the table.
    """
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a third of a second

    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name if name == table else f"{column.table.name}.{column.name}",
                str(column.type.compile(dialect=dialect)).lower(),
                column.comment,
                dg.TableColumnConstraints(nullable=bool(column.nullable), unique=False),
            )
            for name in (table, *further)
            for column in metadata.tables[name].columns
        ]
    )
