"""A mail may be for one route alone."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE ops.outbox ADD COLUMN route text")
