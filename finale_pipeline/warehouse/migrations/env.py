"""Alembic's entry: runs the migrations on the connection that the caller gives."""

from alembic import context

from finale_pipeline.warehouse.schema import VERSION_TABLE
from finale_pipeline.warehouse.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema="ops",
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
