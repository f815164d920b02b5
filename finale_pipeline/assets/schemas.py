"""The columns of a table as Dagster shows them, from the one place that declares them."""

import dagster as dg

from finale_pipeline.warehouse.tables import metadata


def column_schema(table: str) -> dg.TableSchema:
    """Return a table's columns with their types and comments."""
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a third of a second

    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type.compile(dialect=dialect)).lower(),
                column.comment,
                dg.TableColumnConstraints(nullable=bool(column.nullable), unique=False),
            )
            for column in metadata.tables[table].columns
        ]
    )
