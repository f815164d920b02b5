"""REST and pages beside Dagster's UI: reads the warehouse, starts syncs through Dagster."""
