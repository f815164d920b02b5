"""The columns of tables as Dagster shows them."""

import dagster as dg

from finale_pipeline.warehouse import table_columns


def column_schema(table: str, *further: str) -> dg.TableSchema:
    """Return a table's columns with their types and comments.

    Args:
        further: Tables that are written with it; their columns are named with the table.
    """
    known = table_columns.stored_columns()
    return dg.TableSchema(
        [
            dg.TableColumn(
                column if name == table else f"{name.partition('.')[2]}.{column}",
                about["type"],
                about["about"],
                dg.TableColumnConstraints(nullable=about["nullable"], unique=False),
            )
            for name in (table, *further)
            for column, about in known[name].items()
        ]
    )
