"""Purchase orders that we draft in Finale: the ledger of what was meant and what came of it."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the ledger and its view."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop them; what stands in Finale stays there."""
    op.execute("DROP VIEW mart.purchase_order_sent")
    op.execute("DROP TABLE ops.purchase_order_write_event")
    op.execute("DROP TABLE ops.purchase_order_write")
