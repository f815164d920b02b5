"""From the source into the warehouse, without Dagster: what assets and commands call."""
