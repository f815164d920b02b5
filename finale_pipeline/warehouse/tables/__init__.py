"""Every table and column, once: meaning, unit and source stand in the comments.

Migrations bring a database here, the data dictionary and Dagster's column metadata are read from
here, and a test compares all of them.
"""

from importlib import import_module

from finale_pipeline.warehouse.tables.columns import metadata

__all__ = ["metadata"]

for _name in (
    "adjustments", "alerts", "catalogue", "checkpoints", "choices", "edits", "movements", "orders",
    "planning", "runs", "sales", "stock",
):
    import_module(f"{__name__}.{_name}")
