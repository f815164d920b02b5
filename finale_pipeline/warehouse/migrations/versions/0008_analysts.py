"""What analysts ask: stock as of a day, vendors, dead stock, freshness, and the reader's limits."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

VIEWS = (
    "mart.sync_history", "mart.freshness", "mart.vendor_scorecard", "mart.vendor_delivery",
    "mart.dead_stock", "mart.stock_now",
)  # fmt: skip


def upgrade() -> None:
    """Create the views, the function and the reader's limits."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop views and function; they hold no data. The reader keeps its limits."""
    op.execute(f"DROP VIEW {', '.join(VIEWS)}")
    op.execute("DROP FUNCTION mart.stock_as_of(date)")
    op.execute("DROP VIEW mart.stock_day, core.today")
