"""The foundation: catalogue, stock, sync runs."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create schemas, tables, views and the reader's role."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """There is nothing before the foundation to go back to."""
    raise NotImplementedError
