"""Who asked for a sync over the API, and who decided about a held read."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was before has no name."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop them: names are lost, and nothing else."""
    op.execute("ALTER TABLE ops.hold DROP COLUMN decided_by")
    op.execute("ALTER TABLE ops.trigger DROP COLUMN asked_by")
