"""Alerts: critical items, incidents, their events, the outbox."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the views of them."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """The record of what was mailed is not thrown away."""
    raise NotImplementedError
