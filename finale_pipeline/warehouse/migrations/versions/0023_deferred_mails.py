"""A mail that waits for one of its addresses does not hold up the others."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE ops.outbox ADD COLUMN is_deferred boolean NOT NULL DEFAULT false")
