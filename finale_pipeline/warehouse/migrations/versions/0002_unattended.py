"""What running alone needs: decided ticks, holds, shared budgets, progress."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns, and the function that keeps the budgets."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Going back is restoring a backup."""
    raise NotImplementedError
