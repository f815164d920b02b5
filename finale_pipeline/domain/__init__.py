"""Pure rules of the business: no I/O, no Dagster, no SQLAlchemy."""
