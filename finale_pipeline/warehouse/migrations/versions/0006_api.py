"""The API: what it started, so that a repeated request starts nothing."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of what the API started."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop it; repeated requests are forgotten."""
    op.execute("DROP TABLE ops.trigger")
