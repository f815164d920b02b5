"""Orders, shipments, demand per day."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and views of sales and purchases."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Going back would drop data; restore a backup instead."""
    raise NotImplementedError
